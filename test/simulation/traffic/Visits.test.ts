import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { TrafficModel } from "../../../src/simulation/traffic/TrafficModel.ts"
import { trafficDraws, visits } from "../../../src/simulation/traffic/Visits.ts"
import { traffic } from "./traffic.ts"

const day = 24 * 60 * 60 * 1_000

const visitsOf = (model: TrafficModel, durationMillis: number, seed: string) =>
  Effect.map(trafficDraws(seed), (draws) => [...visits(model, durationMillis, draws)])

describe("Visits", () => {
  it.effect("are the same for the same seed, and others for another", () =>
    Effect.gen(function*() {
      const first = yield* visitsOf(traffic, day / 24, "one")
      assert.deepStrictEqual(yield* visitsOf(traffic, day / 24, "one"), first)
      assert.notDeepEqual(yield* visitsOf(traffic, day / 24, "two"), first)
    }))

  it.effect("come in their order, each with its patience", () =>
    Effect.gen(function*() {
      const all = yield* visitsOf(traffic, day, "patience")
      const { atLeastMillis, meanExtraMillis } = traffic.patience
      // Not one assertion each: they are many.
      assert.isTrue(all.every(({ atMillis }, index) => atMillis >= (all[index - 1]?.atMillis ?? 0) && atMillis < day))
      assert.isTrue(all.every(({ patienceMillis }) => patienceMillis >= atLeastMillis))
      const extra = all.reduce((sum, { patienceMillis }) => sum + patienceMillis - atLeastMillis, 0)
      assert.closeTo(extra / all.length, meanExtraMillis, 5 * meanExtraMillis / Math.sqrt(all.length))
      // Of the exponential distribution: one in e is more patient than the mean.
      const patient = all.filter(({ patienceMillis }) => patienceMillis > atLeastMillis + meanExtraMillis).length
      assert.closeTo(patient / all.length, Math.exp(-1), 2.5 / Math.sqrt(all.length))
    }))

  it.effect("come when they come, and for what, whatever their patience is", () =>
    Effect.gen(function*() {
      const of = (patience: TrafficModel["patience"]) =>
        Effect.map(
          visitsOf({ ...traffic, patience }, day / 24, "one"),
          (all) => all.map(({ atMillis, prompt }) => [atMillis, prompt])
        )
      assert.deepStrictEqual(
        yield* of({ atLeastMillis: 0, meanExtraMillis: 0 }),
        yield* of(traffic.patience)
      )
    }))

  it.effect("are made as they are taken", () =>
    Effect.gen(function*() {
      const endless = visits(traffic, Infinity, yield* trafficDraws("lazy"))
      for (const visit of (yield* visitsOf(traffic, day, "lazy")).slice(0, 100)) {
        assert.deepStrictEqual(endless.next().value, visit)
      }
    }))
})
