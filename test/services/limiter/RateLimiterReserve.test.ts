import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import { defaultNamespace } from "../../../src/domain/Generation.ts"
import { type PermitRequest, RateLimiter, type RateLimiterOptions } from "../../../src/services/RateLimiter.ts"

const withLimiter = (options: RateLimiterOptions) => Effect.provide(RateLimiter.layer(options))

/** Asks for a permit and holds it so long; answers when it started. */
const call = Effect.fnUntraced(function*(takes: Duration.Input, more: Partial<PermitRequest> = {}) {
  const limiter = yield* RateLimiter
  const deadline = (yield* Clock.currentTimeMillis) + 3_600_000
  const request = { key: "provider", namespace: defaultNamespace, minAttemptMillis: 0, tokens: 0, deadline, ...more }
  return yield* limiter.withPermit(request, ({ startedAt }) => Effect.as(Effect.sleep(takes), startedAt))
})

/** As a provider's step asks for one of a job. */
const attempt = (takes: Duration.Input, tokens = 0) =>
  call(takes, { priority: "background", patienceMillis: 2_000, tokens })

/** A job, which comes again as its queue lets it; answers when it started. */
const job = (takes: Duration.Input, tokens = 0): Effect.Effect<number, never, RateLimiter> =>
  Effect.catchTag(attempt(takes, tokens), "LimitExceeded", ({ retryAfter }) =>
    Effect.gen(function*() {
      const asked = Math.min(60_000, Math.max(1_000, Duration.toMillis(retryAfter)))
      const wait = asked * (1 + (yield* Random.next) / 5)
      yield* Effect.sleep(Math.ceil(wait / 1_000) * 1_000)
      return yield* job(takes, tokens)
    }))

/** One interactive call per second, as many as there are seconds; answers how many were refused within 100 ms. */
const everySecond = Effect.fnUntraced(function*(seconds: number, tokens: number) {
  let refused = 0
  for (let n = 0; n < seconds; n++) {
    const ask = call(0, { tokens, patienceMillis: 100 })
    yield* Effect.forkChild(Effect.catchTag(ask, "LimitExceeded", () => Effect.sync(() => refused++)))
    yield* TestClock.adjust("1 second")
  }
  return refused
})

const times = (count: number) => Array.from({ length: count }, (_, n) => n)

describe("a job too large for what the classes leave to each other", () => {
  for (const tokens of [2_001, 12_000]) {
    it.effect(`of ${tokens} tokens holds nobody back, and starts when the others pause`, () =>
      Effect.gen(function*() {
        yield* everySecond(60, 150)
        const fiber = yield* Effect.forkChild(job(0, tokens))
        assert.strictEqual(yield* everySecond(240, 150), 0)
        yield* TestClock.adjust("3 minutes")
        assert.isAbove(yield* Fiber.join(fiber), 300_000)
      }).pipe(Random.withSeed("large"), withLimiter({ tokensPerMinute: 10_000 })))
  }

  it.effect("is passed by everybody when it waits in line", () =>
    Effect.gen(function*() {
      yield* everySecond(60, 150)
      const fiber = yield* Effect.forkChild(call(0, { priority: "background", tokens: 12_000 }))
      assert.strictEqual(yield* everySecond(240, 150), 0)
      yield* TestClock.adjust("3 minutes")
      // The minute is empty one minute after the last of the others.
      assert.strictEqual(yield* Fiber.join(fiber), 359_001)
    }).pipe(withLimiter({ tokensPerMinute: 10_000 })))

  it.effect("has its turn like any other while the minute has room for it", () =>
    Effect.gen(function*() {
      const clients = times(3).map(() => Effect.forkChild(Effect.forever(call("10 seconds", { tokens: 100 }))))
      yield* Effect.all(clients)
      const fiber = yield* Effect.forkChild(job(0, 5_000))
      yield* TestClock.adjust("200 seconds")
      assert.isAtMost(yield* Fiber.join(fiber), 200_000)
    }).pipe(Random.withSeed("turn"), withLimiter({ concurrency: 1, tokensPerMinute: 10_000 })))

  it.effect("goes back to its queue when the minute fills up while it waits for its turn", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      /** Takes more than was estimated, as is seen at its end. */
      const spender = limiter.withPermit(
        { key: "provider", namespace: defaultNamespace, minAttemptMillis: 0, tokens: 100, deadline: 3_600_000 },
        (permit) =>
          Effect.sleep("10 seconds").pipe(
            Effect.andThen(limiter.report("provider", permit, { congested: false, usedTokens: 9_000 }))
          )
      )
      yield* Effect.forEach(times(11), () => Effect.forkChild(call("10 seconds", { tokens: 100 })))
      yield* Effect.forkChild(spender)
      yield* TestClock.adjust("15 seconds")
      yield* Effect.flip(attempt(0, 5_000))
      yield* TestClock.adjust("100 seconds")
      const waiter = yield* Effect.forkChild(Effect.flip(attempt(0, 5_000)))
      yield* TestClock.adjust("4 seconds")
      assert.deepInclude(yield* limiter.load("provider"), { running: 1, backgroundWaiting: 1 })
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* Fiber.join(waiter), { reason: "would_miss_deadline" })
      assert.deepInclude(yield* limiter.load("provider"), { running: 0, waiting: 0 })
    }).pipe(withLimiter({ concurrency: 1, tokensPerMinute: 10_000 })))
})

describe("a place that is kept", () => {
  /** The minute is used up; a job was told to come again when it opens, at 60 seconds, and its turn has come. */
  const kept = (perMinute: number) =>
    Effect.gen(function*() {
      yield* Effect.forEach(times(perMinute), () => call(0))
      yield* Effect.flip(attempt(0))
      yield* TestClock.adjust(60_001)
      yield* Effect.forEach(times(10), () => call(0))
    })

  it.effect("is one place, until a few seconds after the job should have come", () =>
    Effect.gen(function*() {
      yield* kept(20)
      yield* Effect.forEach(times(9), () => call(0))
      yield* TestClock.adjust(13_998)
      const error = yield* Effect.flip(call(0, { patienceMillis: 0 }))
      assert.deepInclude(error, { reason: "would_miss_deadline", retryAfter: Duration.millis(1) })
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* call(0, { patienceMillis: 0 }), 74_000)
    }).pipe(withLimiter({ requestsPerMinute: 20 })))

  it.effect("is nobody's any more when a job has started, though another one's turn is due", () =>
    Effect.gen(function*() {
      yield* kept(40)
      yield* attempt(0)
      // The next turn comes with the ninth of these, and still all of them find a place.
      const starts = yield* Effect.forEach(times(29), () => call(0, { patienceMillis: 0 }))
      assert.deepStrictEqual(starts, times(29).map(() => 60_001))
    }).pipe(withLimiter({ requestsPerMinute: 40 })))
})

describe("callers who saturate few permits with calls that all last equally long", () => {
  for (const concurrency of [1, 2, 3, 4]) {
    for (const seconds of [1, 10, 30]) {
      it.effect(`let every job start soon: ${concurrency} at a time, ${seconds} s each`, () =>
        Effect.gen(function*() {
          const takes = seconds * 1_000
          const clients = concurrency + 2
          const waits: Array<number> = []
          const client = Effect.gen(function*() {
            const asked = yield* Clock.currentTimeMillis
            waits.push((yield* call(takes)) - asked)
          })
          const fibers = yield* Effect.forEach(times(clients), () => Effect.forkChild(Effect.forever(client)))
          const took: Array<number> = []
          const jobs = Effect.gen(function*() {
            const asked = yield* Clock.currentTimeMillis
            took.push((yield* job(takes)) - asked)
          })
          const backlog = yield* Effect.forkChild(Effect.forever(jobs))
          yield* TestClock.adjust("2 hours")
          yield* Fiber.interruptAll([...fibers, backlog])
          // Ten starts of the others; then it comes back after a minute at most, or when it was told, and has its turn.
          const turns = Math.ceil(10 / concurrency) * takes
          const away = Math.min(60_000, (Math.ceil(clients / concurrency) + 1) * takes) * 1.2 + 2_000
          assert.isAtLeast(took.length, Math.floor(7_200_000 / (turns + away + 2 * takes)))
          assert.isAtMost(Math.max(...took), turns + away + takes)
          // A round of all others, and the one start of the background's in ten.
          assert.isAtMost(Math.max(...waits), Math.ceil(clients / concurrency) * takes)
        }).pipe(Random.withSeed("few"), withLimiter({ concurrency })), 60_000)
    }
  }

  it.effect("let no crowd of jobs wait in the room, and give them their tenth", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      let starts = 0
      yield* Effect.forEach(times(3), () => Effect.forkChild(Effect.forever(call("10 seconds"))))
      yield* Effect.forEach(times(25), () =>
        Effect.forkChild(Effect.forever(Effect.tap(job("10 seconds"), () => Effect.sync(() => starts++)))))
      for (let n = 0; n < 7_200; n++) {
        yield* TestClock.adjust("1 second")
        const { backgroundWaiting } = yield* limiter.load("provider")
        // When the next permit is far, only the one waits for it whose turn has come.
        if (n > 10 && n % 10 > 0 && n % 10 < 7) {
          assert.isAtMost(backgroundWaiting, 1)
        }
      }
      assert.isAtLeast(starts, 720 * 0.09)
      assert.isAtMost(starts, 720 * 0.1 + 1)
    }).pipe(Random.withSeed("crowd"), withLimiter({ concurrency: 1 })), 60_000)
})
