/** The stages of the story, each with what it brought and what it cost (docs/simulation.md explains why). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { StrategyResult } from "../../../src/simulation/run/Result.ts"
import { story } from "../../../src/simulation/scenarios/index.ts"
import { run } from "../run/short.ts"

const percent = (count: number, { requests }: StrategyResult): number => 100 * count / requests
const failed = (row: StrategyResult): number => percent(row.failed, row)
const callsPerRequest = ({ providerCalls, requests }: StrategyResult): number => providerCalls / requests

/** Each row is simulated once for all that is said of it. */
const rows = new Map<string, Effect.Effect<StrategyResult>>()

const rowOf = (strategy: string, seed: string): Effect.Effect<StrategyResult> =>
  Effect.suspend(() => {
    const key = `${strategy}/${seed}`
    const known = rows.get(key)
    if (known !== undefined) return known
    return Effect.tap(
      Effect.map(run(story, [strategy], seed), ({ rows: [row] }) => row ?? assert.fail()),
      (row) => Effect.sync(() => rows.set(key, Effect.succeed(row)))
    )
  })

/** A row takes seconds, and on a machine that has other things to do many of them. */
const patient = 120_000

/** The default of the command line, and two more. */
const seeds = ["1", "2", "3"]

for (const seed of seeds) {
  describe(`the story, seed ${seed}`, () => {
    it.effect("begins with 13 to 18 % of failures", () =>
      Effect.gen(function*() {
        const bare = yield* rowOf("bare", seed)
        assert.isAbove(bare.requests, 20_000)
        assert.isAtLeast(failed(bare), 13)
        assert.isAtMost(failed(bare), 18)
        assert.strictEqual(bare.live + bare.failed, bare.requests)
      }), patient)

    it.effect("retries make more calls, longer waits and more 429s", () =>
      Effect.gen(function*() {
        const bare = yield* rowOf("bare", seed)
        const retry = yield* rowOf("retry", seed)
        assert.isAbove(callsPerRequest(retry), 1.1)
        assert.isAbove(retry.waiting.p95, bare.waiting.p95)
        assert.isAbove(retry.rateLimited, bare.rateLimited)
      }), patient)

    it.effect("threads without a bound bring a ban, and more failures than ever", () =>
      Effect.gen(function*() {
        const threads = yield* rowOf("threads", seed)
        assert.isAtLeast(threads.bans, 1)
        assert.isAbove(failed(threads), failed(yield* rowOf("bare", seed)))
      }), patient)

    it.effect("a breaker alone fails as often, with fewer calls", () =>
      Effect.gen(function*() {
        const bare = yield* rowOf("bare", seed)
        const breaker = yield* rowOf("breaker", seed)
        assert.closeTo(failed(breaker), failed(bare), 3)
        assert.isBelow(callsPerRequest(breaker), callsPerRequest(bare))
        assert.isAbove(breaker.openMillis, 30 * 60_000)
        assert.isAbove(breaker.circuit.length, 3)
      }), patient)

    it.effect("any answer at all hides the failures, and is one on another subject", () =>
      Effect.gen(function*() {
        const any = yield* rowOf("breaker-any", seed)
        assert.isBelow(failed(any), 0.5)
        assert.isAbove(percent(any.wrongSubject, any), 10)
      }), patient)
  })
}

const [shipped = "1"] = seeds

describe("the story's two caches", () => {
  it.effect("identical prompts are too rare to help", () =>
    Effect.gen(function*() {
      const exact = yield* rowOf("exact-cache", shipped)
      assert.isAbove(exact.cache, 0)
      assert.isBelow(percent(exact.cache, exact), 10)
      assert.isAbove(failed(exact), 8)
      assert.strictEqual(exact.wrongSubject, 0)
    }), patient)

  it.effect("the full ladder fails hardly ever, is on the subject, and is never banned", () =>
    Effect.gen(function*() {
      const ladder = yield* rowOf("full-ladder", shipped)
      const { failed, requests } = ladder.afterFirstMinute
      assert.isAtMost(100 * failed / requests, 0.05)
      assert.isBelow(percent(ladder.wrongSubject, ladder), 0.5)
      assert.strictEqual(ladder.bans, 0)
      assert.isAbove(ladder.cache, 0)
      assert.isAbove(percent(ladder.live, ladder), percent((yield* rowOf("bare", shipped)).live, ladder))
    }), patient)
})
