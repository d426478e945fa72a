/** What the ladder makes of each trouble, at full length. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { StrategyResult, TimelinePart } from "../../../src/simulation/run/Result.ts"
import { scenarios } from "../../../src/simulation/scenarios/index.ts"
import { troubles } from "../../../src/simulation/scenarios/troubles.ts"
import { run, scenarioOf } from "../run/short.ts"

const minute = 60_000
const hour = 60 * minute

/** A row takes seconds, and on a machine that has other things to do many of them. */
const patient = 120_000

const simulated = new Map<string, StrategyResult>()

/** Each row is simulated once for all that is said of it. */
const rowOf = (name: string, strategy = "full-ladder"): Effect.Effect<StrategyResult> =>
  Effect.suspend(() => {
    const key = `${name}/${strategy}`
    const known = simulated.get(key)
    if (known !== undefined) return Effect.succeed(known)
    return Effect.map(run(scenarioOf(name), [strategy]), ({ rows: [row] }) => {
      const fresh = row ?? assert.fail()
      simulated.set(key, fresh)
      return fresh
    })
  })

/** What began in the parts of the time that are wholly within these bounds. */
const within = ({ timeline }: StrategyResult, fromMillis: number, toMillis: number) => {
  const parts = timeline.filter((part, index) =>
    part.fromMillis >= fromMillis && (timeline[index + 1]?.fromMillis ?? Infinity) <= toMillis
  )
  const sum = (count: (part: TimelinePart) => number) => parts.reduce((sum, part) => sum + count(part), 0)
  const requests = sum((part) => part.requests)
  return {
    live: sum((part) => part.live) / requests,
    cache: sum((part) => part.cache) / requests,
    template: sum((part) => part.template) / requests,
    failed: sum((part) => part.failed)
  }
}

describe("the scenarios that ship", () => {
  it("have names and explanations of their own, and troubles within their time", () => {
    assert.deepStrictEqual(scenarios.map(({ name }) => name), [
      "story",
      "outage",
      "brown-out",
      "rate-limited",
      "ban",
      "flapping",
      "garbage",
      "cold-start",
      "slow-embedder",
      "database-down"
    ])
    assert.strictEqual(new Set(scenarios.map(({ about }) => about)).size, scenarios.length)
    for (const { durationMillis, name, provider } of scenarios) {
      for (const { fromMillis, toMillis } of provider.windows) {
        assert.isTrue(0 <= fromMillis && fromMillis < toMillis && toMillis <= durationMillis, name)
      }
    }
  })

  for (const { name } of troubles) {
    it.effect(`do the full ladder no harm that its users see: ${name}`, () =>
      Effect.gen(function*() {
        const row = yield* rowOf(name)
        assert.isAbove(row.requests, 3_000)
        assert.isAtMost(row.afterFirstMinute.failed / row.afterFirstMinute.requests, 0.000_5)
        assert.isBelow(row.wrongSubject / row.requests, 0.005)
        assert.isAbove(row.template + row.cache, 0)
      }), patient)
  }
})

describe("each trouble", () => {
  it.effect(
    "outage: without a ladder a fifth fails; with it the circuit is open as long as it lasts",
    () =>
      Effect.gen(function*() {
        assert.isAbove(within(yield* rowOf("outage", "bare"), hour, 1.5 * hour).failed, 500)
        const row = yield* rowOf("outage")
        assert.closeTo(row.openMillis, 30 * minute, 5 * minute)
        const dead = within(row, hour + 2 * minute, 1.5 * hour)
        assert.isBelow(dead.live, 0.01)
        assert.isAbove(dead.cache, 0.2)
        assert.isAbove(within(row, 1.5 * hour + 2 * minute, 3 * hour).live, 0.9)
      }),
    patient
  )

  it.effect(
    "database-down: templates stand in for the cache, and all goes on as soon as it is back",
    () =>
      Effect.gen(function*() {
        const row = yield* rowOf("database-down")
        assert.isAbove(within(row, hour + 2 * minute, 1.25 * hour).cache, 0.1)
        const down = within(row, 1.25 * hour, 1.75 * hour - 2 * minute)
        assert.deepStrictEqual([down.cache, down.failed], [0, 0])
        assert.isAbove(down.template, 0.95)
        assert.isAbove(within(row, 1.75 * hour, 2 * hour).cache, 0.1)
        assert.isAbove(within(row, 2 * hour + 2 * minute, 3 * hour).live, 0.9)
      }),
    patient
  )

  it.effect("slow-embedder: similar answers are found more rarely than with a quick one", () =>
    Effect.gen(function*() {
      const slow = yield* rowOf("slow-embedder")
      const quick = yield* rowOf("outage")
      assert.isAbove(slow.cache, 0)
      assert.isBelow(slow.cache, 0.5 * quick.cache)
      assert.closeTo(slow.live, quick.live, 0.01 * quick.requests)
    }), patient)

  it.effect("cold-start: a cache that has just begun has hardly anything to give", () =>
    Effect.gen(function*() {
      const cold = within(yield* rowOf("cold-start"), 12 * minute, 22 * minute)
      assert.isBelow(cold.cache, 0.08)
      assert.isBelow(cold.cache, 0.5 * within(yield* rowOf("outage"), hour + 2 * minute, hour + 12 * minute).cache)
      assert.isAbove(cold.template, 0.9)
    }), patient)

  it.effect("rate-limited: the ladder is refused far more rarely than threads are", () =>
    Effect.gen(function*() {
      const ladder = yield* rowOf("rate-limited")
      const threads = yield* rowOf("rate-limited", "threads")
      assert.isBelow(ladder.rateLimited, 0.5 * threads.rateLimited)
      assert.isAbove(threads.failed / threads.requests, 0.5)
    }), patient)

  it.effect(
    "ban: threads are banned most of the time, and the ladder calls half as much and gets through more often",
    () =>
      Effect.gen(function*() {
        const threads = yield* rowOf("ban", "threads")
        assert.isAbove(threads.failed / threads.requests, 0.75)
        const ladder = yield* rowOf("ban")
        assert.isAbove(ladder.live, threads.live)
        assert.isBelow(ladder.providerCalls, 0.5 * threads.providerCalls)
      }),
    patient
  )
})
