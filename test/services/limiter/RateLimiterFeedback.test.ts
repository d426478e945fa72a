import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { defaultNamespace } from "../../../src/domain/Generation.ts"
import { parseRateLimitHeaders } from "../../../src/domain/limits/RateLimitHeaders.ts"
import { type AttemptFeedback, RateLimiter, type RateLimiterConfig } from "../../../src/services/RateLimiter.ts"

const key = "provider"
const load = RateLimiter.use((limiter) => limiter.load(key))
const withLimiter = (config: RateLimiterConfig) => Effect.provide(RateLimiter.layer(config))

/** An attempt that takes this long and reports; answers when it started. */
const attempt = Effect.fnUntraced(
  function*(feedback: AttemptFeedback, { takes = 0, tokens = 0 }: { takes?: number; tokens?: number } = {}) {
    const limiter = yield* RateLimiter
    const deadline = (yield* Clock.currentTimeMillis) + 600_000
    const request = { key, namespace: defaultNamespace, deadline, minAttemptMillis: 0, tokens }
    return yield* limiter.withPermit(request, (permit) =>
      Effect.sleep(takes).pipe(
        Effect.andThen(limiter.report(key, permit, feedback)),
        Effect.as(permit.startedAt)
      ))
  }
)
const well: AttemptFeedback = { congested: false }
const congested: AttemptFeedback = { congested: true }

describe("what is reported of an attempt", () => {
  it.effect("gives back the tokens that it did not use, at once to whoever waits for them", () =>
    Effect.gen(function*() {
      const first = yield* Effect.forkChild(attempt({ ...well, usedTokens: 40 }, { takes: 5_000, tokens: 100 }))
      yield* TestClock.adjust(0)
      const second = yield* Effect.forkChild(attempt(well, { tokens: 60 }))
      yield* TestClock.adjust(5_000)
      yield* Fiber.join(first)
      assert.strictEqual(yield* Fiber.join(second), 5_000)
    }).pipe(withLimiter({ tokensPerMinute: 100 })))

  it.effect("charges the tokens that it used beyond the estimate", () =>
    Effect.gen(function*() {
      yield* attempt({ ...well, usedTokens: 90 }, { tokens: 10 })
      const next = yield* Effect.forkChild(attempt(well, { tokens: 20 }))
      yield* TestClock.adjust("61 seconds")
      assert.strictEqual(yield* Fiber.join(next), 60_001)
    }).pipe(withLimiter({ tokensPerMinute: 100 })))

  it.effect("gives back the place of one that was never sent", () =>
    Effect.gen(function*() {
      yield* attempt({ ...well, sent: false }, { tokens: 100 })
      assert.strictEqual(yield* attempt(well, { tokens: 100 }), 0)
    }).pipe(withLimiter({ requestsPerMinute: 1, tokensPerMinute: 100 })))

  it.effect("lowers the concurrency once for a burst of 429, never below one, and raises it again", () =>
    Effect.gen(function*() {
      const burst = yield* Effect.forEach([1, 2, 3, 4], () => Effect.forkChild(attempt(congested, { takes: 1_000 })))
      yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll(burst)
      assert.deepInclude(yield* load, { limit: 4 })
      for (let n = 0; n < 10; n++) {
        const fiber = yield* Effect.forkChild(attempt(congested, { takes: 2_000 }))
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(fiber)
      }
      assert.deepInclude(yield* load, { limit: 1 })
      // No more than that run, and whoever waits starts as soon as the limit has grown.
      const three = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(attempt(well, { takes: 1_000 })))
      yield* TestClock.adjust(0)
      assert.deepInclude(yield* load, { running: 1, waiting: 2 })
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* load, { running: 2, waiting: 0, limit: 2 })
      yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll(three)
      for (let n = 0; n < 64; n++) yield* attempt(well)
      assert.deepInclude(yield* load, { limit: 8 })
    }).pipe(withLimiter({ concurrency: 8 })))

  it.effect("holds everybody back until the reset when the provider says that nothing is left", () =>
    Effect.gen(function*() {
      const headers = { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s" }
      yield* attempt({ ...well, limits: parseRateLimitHeaders(headers, yield* Clock.currentTimeMillis) })
      const next = yield* Effect.forkChild(attempt(well))
      yield* TestClock.adjust(359_999)
      assert.deepInclude(yield* load, { running: 0, waiting: 1 })
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(next), 360_000)
    }).pipe(withLimiter({})))

  it.effect("lowers our own count to what the provider says is left, for this window", () =>
    Effect.gen(function*() {
      const limits = { requests: { remaining: 2, resetAt: 30_000 } }
      yield* attempt({ ...well, limits })
      const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(attempt(well)))
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* Fiber.joinAll(fibers), [0, 0, 30_000])
    }).pipe(withLimiter({ requestsPerMinute: 60 })))
})

describe("a 429 that says \"come back at once\"", () => {
  it.effect("costs no time, however often it comes", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      for (let n = 0; n < 100; n++) {
        yield* attempt(n % 10 === 0 ? congested : well)
        if (n % 10 === 0) yield* limiter.coolDown(key, Duration.zero)
      }
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    }).pipe(withLimiter({ concurrency: 16 })))
})

describe("limits per provider", () => {
  it.effect("are each provider's own", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      assert.deepInclude(yield* limiter.load("small"), { limit: 2 })
      assert.deepInclude(yield* limiter.load("large"), { limit: 20 })
    }).pipe(withLimiter((provider) => ({ concurrency: provider === "small" ? 2 : 20 }))))
})
