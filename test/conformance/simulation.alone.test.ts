import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Random, References } from "effect"
import {
  drawsOf,
  layerScripted,
  onVirtualTime,
  type ProviderModel,
  runScenario,
  type ScenarioOptions,
  scriptOf,
  strategies,
  type StrategyEntry,
  type StrategyResult
} from "../../src/simulation/index.ts"
import { compare, type Comparison, isApart, showComparison } from "../support/agreement.ts"
import { layerScriptedServer } from "../support/scriptedServer.ts"
import { shortScenario } from "./shortScenario.ts"

/**
 * The same users come with the same wishes in every run, and the provider draws from the same distributions. In real time
 * its rates differ all the same: which call meets which fault goes by the order in which calls arrive, which the sockets
 * and the event loop decide, and with it the moment at which a circuit opens.
 *
 * So simulations with other faults each say how large a figure is and how far chance takes it. The formula for two
 * proportions would not know: an outage that all runs have makes them more alike than it says, and a circuit that rejects
 * many requests at once less.
 */
const users = "cross-check"
const simulations = 30
const realRuns = 2

/**
 * Student's t with 29 degrees of freedom is beyond 5.6 in 5 of a million cases (in either direction): the 20 comparisons
 * together raise a false alarm in less than 1 of 10,000. Real time may add 1.5 percentage points, or as many calls per
 * 100 requests: with it everything takes a few milliseconds longer, on a loaded machine some more.
 */
const allowance = { standardErrors: 5.6, more: 0.015 }

const rows = strategies.filter(({ name }) => ["bare", "retry", "breaker", "full-ladder"].includes(name))

describe("the simulator", () => {
  it.live(
    "says what users get in real time over real sockets, and a provider that is 15 % worse is noticed",
    (test) =>
      Effect.gen(function*() {
        const simulated = yield* Effect.forEach(rows, (row) => onVirtual(row, usual, chances("virtual", simulations)))
        const worse = yield* Effect.forEach(rows, (row) => onVirtual(row, muchWorse, chances("worse", realRuns)))

        // The comparison is no use if it finds everything alike. (A breaker opens once more or not, and so has a spread
        // of its own; the ladder is there so that users do not notice.)
        const control = comparisons(worse, simulated)
        for (const name of ["bare", "retry"]) {
          const found = control.filter((one) => one.strategy === name && isApart(one))
          assert.isNotEmpty(found, `${name} is not noticed:\n${shown(control)}`)
        }

        const measured = yield* Effect.repeat(
          withLateness(Effect.forEach(rows, overSockets, { concurrency: "unbounded" })),
          { times: 2, until: isInTime }
        )
        const agreement = comparisons(measured.result, simulated)
        if (process.env["SHOW_AGREEMENT"] !== undefined) {
          process.stdout.write(`${shown(agreement)}\n${JSON.stringify(measured.lateness)}\n`)
        }
        if (!isInTime(measured)) return test.skip("the machine was too busy to do anything in time")
        assert.strictEqual(shown(agreement.filter(isApart)), "")
      }),
    300_000
  )
})

/**
 * A process that waits for its processor for seconds sleeps through an outage: it shows the machine, not the simulator.
 * So it is measured how late it wakes, and such a run is made again.
 */
const withLateness = Effect.fnUntraced(function*<A>(real: Effect.Effect<A>) {
  let [ticks, late, worst] = [0, 0, 0]
  const tick = Effect.gen(function*() {
    const [took] = yield* Effect.timed(Effect.sleep(tickMillis))
    const millis = Duration.toMillis(took) - tickMillis
    ticks++
    late += millis
    worst = Math.max(worst, millis)
  })
  const result = yield* Effect.raceFirst(real, Effect.forever(tick))
  return { result, lateness: { meanMillis: late / ticks, worstMillis: worst } }
})

const tickMillis = 20

const isInTime = ({ lateness }: { readonly lateness: { readonly meanMillis: number; readonly worstMillis: number } }) =>
  lateness.meanMillis < 8 && lateness.worstMillis < 400

const usual = shortScenario.provider

/** Of all calls. */
const muchWorse: ProviderModel = {
  ...usual,
  faults: { ...usual.faults, unavailable: (usual.faults.unavailable ?? 0) + 0.15 }
}

const onVirtual = (strategy: StrategyEntry, model: ProviderModel, chances: ReadonlyArray<string>) =>
  Effect.forEach(chances, (chance) =>
    Effect.gen(function*() {
      const script = scriptOf(model, yield* drawsOf(chance, "provider"))
      return yield* run(strategy, chance, (played) => layerScripted({ script, ...played }))
    }).pipe(onVirtualTime()))

/** All at the same time, each with a server of its own. */
const overSockets = (strategy: StrategyEntry) =>
  Effect.forEach(
    chances("real", realRuns),
    Effect.fnUntraced(function*(chance) {
      const script = scriptOf(usual, yield* drawsOf(chance, "provider"))
      return yield* run(strategy, chance, (played) => layerScriptedServer(script, played))
    }),
    { concurrency: "unbounded" }
  )

const chances = (what: string, runs: number) => Array.from({ length: runs }, (_, n) => `${what}/${n}`)

const run = (
  strategy: StrategyEntry,
  chance: string,
  provider: ScenarioOptions["provider"]
): Effect.Effect<StrategyResult> =>
  runScenario({ scenario: shortScenario, strategy, seed: users, provider, onPart: () => Effect.void }).pipe(
    Effect.scoped,
    Random.withSeed(`${chance}/${strategy.name}`),
    Effect.provideService(References.MinimumLogLevel, "None")
  )

const comparisons = (
  real: ReadonlyArray<ReadonlyArray<StrategyResult>>,
  simulated: ReadonlyArray<ReadonlyArray<StrategyResult>>
): ReadonlyArray<Comparison> => real.flatMap((runs, n) => compare(runs, simulated[n] ?? [], allowance))

const shown = (all: ReadonlyArray<Comparison>): string => all.map(showComparison).join("\n")
