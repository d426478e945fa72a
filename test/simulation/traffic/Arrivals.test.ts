import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { drawsOf } from "../../../src/simulation/random/Draws.ts"
import { arrivals, rateAt } from "../../../src/simulation/traffic/Arrivals.ts"
import type { TrafficModel } from "../../../src/simulation/traffic/TrafficModel.ts"
import { traffic } from "./traffic.ts"

const hour = 60 * 60 * 1_000
const day = 24 * hour

const Bursts = Schema.Array(Schema.Struct({
  fromMillis: Schema.Literals([-hour, 0, hour, 3.5 * hour]),
  toMillis: Schema.Literals([0.5 * hour, 1.2 * hour, 4 * hour, 9 * hour]),
  factor: Schema.Literals([0, 0.2, 1, 3, 20])
})).pipe(Schema.check(Schema.isMaxLength(3)))

const Models = Schema.Struct({
  perDay: Schema.Literals([0, 1, 500, 5_000]),
  dailySwing: Schema.Literals([0, 0.3, 1]),
  peakHour: Schema.UndefinedOr(Schema.Literals([0, 5.5, 23])),
  bursts: Bursts
})
const Durations = Schema.Literals([0, 60_000, 2.2 * hour, 6 * hour])

/** The integral of the rate, by the middles of minutes; the edges of the bursts above are whole minutes. */
const expected = (model: TrafficModel, from: number, to: number): number => {
  let sum = 0
  for (let at = from; at < to; at += 60_000) sum += rateAt(model, Math.min(at + 30_000, to)) * Math.min(60_000, to - at)
  return sum
}

/** The six more are for small counts, which have long tails. */
const isWithin5Sigma = (count: number, mean: number) => Math.abs(count - mean) <= 5 * Math.sqrt(mean) + 6

const arrivalsOf = (model: TrafficModel, durationMillis: number, seed: string) =>
  Effect.map(drawsOf(seed, "arrivals"), (draw) => [...arrivals(model, durationMillis, draw)])

describe("Arrivals", () => {
  it.effect.prop(
    "come in their order, within the duration, and as many as the rate says",
    [Models, Durations, Schema.Literals(["a", "b", "c", "d"])],
    ([changes, duration, seed]) =>
      Effect.gen(function*() {
        const model = { ...traffic, ...changes }
        const times = yield* arrivalsOf(model, duration, seed)
        // Not one assertion each: they are many.
        assert.isTrue(times.every((at, index) => at >= (times[index - 1] ?? 0) && at < duration))
        assert.isTrue(times.every((at) => rateAt(model, at) > 0))
        const mean = expected(model, 0, duration)
        assert(isWithin5Sigma(times.length, mean), `${times.length} of ${mean}`)
      })
  )

  it.effect("are as many in each hour of a day as its rate says, bursts included", () =>
    Effect.gen(function*() {
      const model: TrafficModel = {
        ...traffic,
        perDay: 100_000,
        bursts: [
          { fromMillis: 9 * hour, toMillis: 9 * hour + 600_000, factor: 10 },
          { fromMillis: 20 * hour, toMillis: 21 * hour, factor: 0 }
        ]
      }
      const counts = Array.from({ length: 24 }, () => 0)
      for (const at of yield* arrivalsOf(model, day, "hours")) {
        const index = Math.floor(at / hour)
        counts[index] = (counts[index] ?? 0) + 1
      }
      for (const [index, count] of counts.entries()) {
        const mean = expected(model, index * hour, (index + 1) * hour)
        assert(isWithin5Sigma(count, mean), `hour ${index}: ${count} of ${mean}`)
      }
      assert.strictEqual(counts[20], 0)
    }))

  it("has the wanted mean over a day, and its peak at the wanted hour", () => {
    assert.closeTo(expected(traffic, 0, day), traffic.perDay, 0.01)
    const swinging = { ...traffic, dailySwing: 1, peakHour: 18 }
    assert.closeTo(rateAt(swinging, 18 * hour) * day, 2 * traffic.perDay, 1e-6)
    assert.closeTo(rateAt(swinging, 6 * hour), 0, 1e-9)
  })

  it.effect("know nothing of one another: the distances have the variance of a Poisson process", () =>
    Effect.gen(function*() {
      const times = yield* arrivalsOf({ ...traffic, perDay: 50_000, dailySwing: 0, bursts: [] }, day, "distances")
      const distances = times.map((at, index) => at - (times[index - 1] ?? 0))
      const mean = distances.reduce((sum, distance) => sum + distance, 0) / distances.length
      const variance = distances.reduce((sum, distance) => sum + (distance - mean) ** 2, 0) / distances.length
      // The standard error of the variation is sqrt(2 / n) and less: 0.03 is five of them.
      assert.closeTo(Math.sqrt(variance) / mean, 1, 0.03)
    }))
})
