/** What users do to a simulation, and strategies of one's own. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Random } from "effect"
import { simulate } from "../../../src/simulation/run/simulate.ts"
import type { Scenario } from "../../../src/simulation/Scenario.ts"
import { strategies, type StrategyEntry } from "../../../src/simulation/strategies/index.ts"
import { trafficDraws, visits } from "../../../src/simulation/traffic/Visits.ts"
import { ownStrategy, run, scenarioOf } from "./short.ts"

const calm = { ...scenarioOf("outage", "10 minutes"), warmSubjects: 50 }

/** A provider that only ever does this. */
const only = (kind: string, changes: Partial<Scenario["provider"]> = {}): Scenario => ({
  ...calm,
  provider: { latency: { medianMillis: 2_000, sigma: 0 }, faults: { [kind]: 1 }, windows: [], ...changes }
})

const rowOf = (scenario: Scenario, strategy: StrategyEntry) =>
  Effect.map(simulate({ scenario, seed: "1", strategies: [strategy] }), ({ rows: [row] }) => row ?? assert.fail())

describe("the users of a simulation", () => {
  it.effect("are all counted, by what they got", () =>
    Effect.gen(function*() {
      const expected = [...visits(calm.traffic, calm.durationMillis, yield* trafficDraws("1"))].length
      const { rows } = yield* run(calm, strategies.map(({ name }) => name))
      for (const row of rows) {
        assert.strictEqual(row.requests, expected, row.strategy)
        assert.strictEqual(row.live + row.cache + row.template + row.failed, row.requests)
        assert.strictEqual(row.timeline.reduce((sum, { requests }) => sum + requests, 0), row.requests)
        assert.strictEqual(row.waitingBins.reduce((sum, { count }) => sum + count, 0), row.requests)
      }
    }))

  it.effect("leave when their patience is over, and none of them before", () =>
    Effect.gen(function*() {
      const patience = { atLeastMillis: 3_000, meanExtraMillis: 2_000 }
      const scenario = { ...only("timeout"), traffic: { ...calm.traffic, patience } }
      const row = yield* rowOf({ ...scenario, policy: { ...calm.policy, timeout: long } }, ownStrategy((call) => call))
      assert.strictEqual(row.gaveUp, row.requests)
      assert.strictEqual(row.failed, row.requests)
      const early = row.waitingBins.filter(({ upToMillis }) => upToMillis < 3_000)
      assert.isTrue(early.every(({ count }) => count === 0))
      // The median of what they have beyond the floor is ln 2 of its mean.
      const sigma = 2_000 / Math.sqrt(row.requests)
      assert.closeTo(row.waiting.p50, 3_000 + Math.LN2 * 2_000, 5 * sigma)
      assert.strictEqual(row.providerCalls, row.requests)
    }))

  it.effect("interrupt the call that they leave", () =>
    Effect.gen(function*() {
      let [left, ended] = [0, 0]
      const strategy = ownStrategy((call) =>
        call.pipe(
          Effect.onInterrupt(() => Effect.sync(() => left++)),
          Effect.onExit(() => Effect.sync(() => ended++))
        )
      )
      const row = yield* rowOf({ ...only("timeout"), policy: { ...calm.policy, timeout: long } }, strategy)
      assert.deepStrictEqual([left, ended], [row.requests, row.requests])
    }))

  it.effect("do not leave an answer that comes in time, and each is noticed that is on another subject", () =>
    Effect.gen(function*() {
      const row = yield* rowOf(only("rejected", { faults: {} }), ownStrategy((call) => call))
      assert.deepStrictEqual([row.live, row.failed, row.wrongSubject], [row.requests, 0, 0])
      assert.deepStrictEqual(row.waiting, { p50: 2_000, p95: 2_000, p99: 2_000 })
      const wrong = yield* rowOf(
        only("rejected", { faults: {} }),
        ownStrategy((call) => Effect.map(call, (answer) => ({ ...answer, text: "# Draft on subject -1\n" })))
      )
      assert.strictEqual(wrong.wrongSubject, wrong.requests)
    }))

  it.effect("see each refusal of the provider as an error", () =>
    Effect.gen(function*() {
      const row = yield* rowOf(only("rejected"), ownStrategy((call) => call))
      assert.deepStrictEqual([row.failed, row.gaveUp, row.providerCalls], [row.requests, 0, row.requests])
    }))

  it.effect("may be none at all", () =>
    Effect.gen(function*() {
      const nobody = { ...calm, traffic: { ...calm.traffic, perDay: 0 } }
      for (const row of (yield* run(nobody, ["bare", "breaker", "full-ladder"])).rows) {
        assert.deepInclude(row, { requests: 0, failed: 0, providerCalls: 0, openMillis: 0 })
        assert.deepStrictEqual(row.waiting, { p50: 0, p95: 0, p99: 0 })
      }
    }))
})

describe("a strategy of one's own", () => {
  it.effect("ends the simulation with its defect", () =>
    Effect.gen(function*() {
      const bug = new Error("a bug")
      let calls = 0
      const strategy = ownStrategy((call) => ++calls === 5 ? Effect.die(bug) : call)
      const exit = yield* Effect.exit(simulate({ scenario: calm, seed: "1", strategies: [strategy] }))
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) === bug)
      assert.strictEqual(calls, 5)
      const thrown = ownStrategy(() => {
        throw bug
      })
      const other = yield* Effect.exit(simulate({ scenario: calm, seed: "1", strategies: [thrown] }))
      assert.isTrue(Exit.isFailure(other) && Cause.squash(other.cause) === bug)
    }))

  it.effect("ends it with the defect that its very last user meets, too", () =>
    Effect.gen(function*() {
      const { requests } = yield* rowOf(calm, ownStrategy((call) => call))
      for (const millis of [0, 10_000]) {
        let calls = 0
        const strategy = ownStrategy((call) =>
          ++calls === requests ? Effect.delay(Effect.die(new Error("the last")), millis) : call
        )
        const exit = yield* Effect.exit(simulate({ scenario: calm, seed: "1", strategies: [strategy] }))
        assert.isTrue(Exit.isFailure(exit), `${millis}`)
      }
    }))

  it.effect("shows an error to whoever's call it interrupts itself", () =>
    Effect.gen(function*() {
      const { requests } = yield* rowOf(calm, ownStrategy((call) => call))
      let calls = 0
      const row = yield* rowOf(
        only("rejected", { faults: {} }),
        ownStrategy((call) => ++calls % 2 === 0 ? Effect.interrupt : call)
      )
      assert.strictEqual(row.requests, requests)
      assert.deepStrictEqual([row.failed, row.gaveUp], [Math.floor(requests / 2), 0])
    }))

  it.effect("may have random numbers, which are the same for the same seed", () =>
    Effect.gen(function*() {
      const strategy = ownStrategy((call) =>
        Effect.flatMap(Random.nextIntBetween(0, 500), (millis) => Effect.delay(call, millis))
      )
      const one = yield* rowOf(calm, strategy)
      assert.deepStrictEqual(yield* rowOf(calm, strategy), one)
      assert.notDeepEqual(yield* rowOf(calm, ownStrategy((call) => call)), one)
    }))
})

/** Beyond all patience. */
const long = { attemptMillis: 3_600_000, totalMillis: 3_600_000 }
