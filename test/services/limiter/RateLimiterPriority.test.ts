import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import { defaultNamespace, Namespace } from "../../../src/domain/Generation.ts"
import { type PermitRequest, RateLimiter, type RateLimiterOptions } from "../../../src/services/RateLimiter.ts"

const key = "provider"
const withLimiter = (options: RateLimiterOptions) => Effect.provide(RateLimiter.layer(options))
const load = RateLimiter.use((limiter) => limiter.load(key))

/** Asks for a permit and holds it so long; answers when it started. */
const call = Effect.fnUntraced(function*(takes: Duration.Input, more: Partial<PermitRequest> = {}) {
  const limiter = yield* RateLimiter
  const deadline = (yield* Clock.currentTimeMillis) + 3_600_000
  const request = { key, namespace: defaultNamespace, minAttemptMillis: 0, tokens: 0, deadline, ...more }
  return yield* limiter.withPermit(request, ({ startedAt }) => Effect.as(Effect.sleep(takes), startedAt))
})

const interactive = (takes: Duration.Input, more: Partial<PermitRequest> = {}) => Effect.forkChild(call(takes, more))
const background = (takes: Duration.Input, more: Partial<PermitRequest> = {}) =>
  Effect.forkChild(call(takes, { priority: "background", ...more }))

const times = (count: number) => Array.from({ length: count }, (_, n) => n)

/** Lets the fibers that are ready run on. */
const settle = TestClock.adjust(0)

describe("the background's share", () => {
  it.effect("is half of the permits at once, and the next starts when one of them comes back", () =>
    Effect.gen(function*() {
      const jobs = yield* Effect.forEach(times(6), () => background("10 seconds"))
      yield* settle
      assert.deepInclude(yield* load, { running: 4, waiting: 2, backgroundWaiting: 2 })
      // Those who wait for an answer find the other half free, past everybody of the background who waits.
      const callers = yield* Effect.forEach(times(4), () => interactive("1 second"))
      yield* settle
      assert.deepInclude(yield* load, { running: 8, waiting: 2 })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* Fiber.joinAll(callers), [0, 0, 0, 0])
      assert.deepInclude(yield* load, { running: 2, waiting: 0 })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* Fiber.joinAll(jobs), [0, 0, 0, 0, 10_000, 10_000])
    }).pipe(withLimiter({ concurrency: 8 })))

  it.effect("is the only permit there is, when nobody else waits for it", () =>
    Effect.gen(function*() {
      const jobs = yield* Effect.forEach(times(2), () => background("1 second"))
      yield* settle
      const caller = yield* interactive("1 second")
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* Fiber.joinAll(jobs), [0, 2_000])
      assert.strictEqual(yield* Fiber.join(caller), 1_000)
    }).pipe(withLimiter({ concurrency: 1 })))

  it.effect("leaves a fifth of the minute's requests to those who wait for an answer", () =>
    Effect.gen(function*() {
      const jobs = yield* Effect.forEach(times(9), () => background(0))
      yield* settle
      assert.deepInclude(yield* load, { running: 0, backgroundWaiting: 1 })
      yield* TestClock.adjust("1 second")
      const callers = yield* Effect.forEach(times(2), () => interactive(0))
      yield* settle
      assert.deepStrictEqual(yield* Fiber.joinAll(callers), [1_000, 1_000])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual((yield* Fiber.joinAll(jobs)).slice(7), [0, 60_001])
    }).pipe(withLimiter({ requestsPerMinute: 10 })))

  it.effect("leaves a fifth of the minute's tokens, yet one of any size goes when nothing else does", () =>
    Effect.gen(function*() {
      const first = yield* background(0, { tokens: 700 })
      const second = yield* background(0, { tokens: 101 })
      const third = yield* background(0, { tokens: 5_000 })
      yield* settle
      const caller = yield* interactive(0, { tokens: 300 })
      yield* settle
      assert.strictEqual(yield* Fiber.join(caller), 0)
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(yield* Fiber.joinAll([first, second, third]), [0, 60_001, 120_002])
    }).pipe(withLimiter({ tokensPerMinute: 1_000 })))

  it.effect("is half of the room, in which it gives way to whoever waits for an answer", () =>
    Effect.gen(function*() {
      const busy = yield* interactive("10 seconds")
      yield* settle
      yield* Effect.forEach(times(2), () => background(0))
      const displaced = yield* Effect.forkChild(Effect.flip(call(0, { priority: "background" })))
      const other = yield* background(0, { namespace: Namespace.make("other") })
      yield* settle
      // Its own bound, within which it is as fair as ever.
      assert.deepInclude(yield* Effect.flip(call(0, { priority: "background" })), { reason: "queue_full" })
      assert.deepInclude(yield* load, { waiting: 4, backgroundWaiting: 4 })
      yield* Effect.forEach(times(4), () => interactive("1 second"))
      yield* settle
      assert.deepInclude(yield* load, { waiting: 8, backgroundWaiting: 4 })
      yield* interactive("1 second")
      yield* settle
      assert.deepInclude(yield* load, { waiting: 8, backgroundWaiting: 3 })
      const error = yield* Fiber.join(displaced)
      assert.deepInclude(error, { reason: "queue_full" })
      yield* Effect.forEach(times(3), () => interactive("1 second"))
      yield* settle
      assert.deepInclude(yield* load, { waiting: 8, backgroundWaiting: 0 })
      assert.deepInclude(yield* Effect.flip(call(0)), { reason: "queue_full" })
      yield* Fiber.interrupt(other)
      yield* Fiber.interrupt(busy)
    }).pipe(withLimiter({ concurrency: 1, queue: 8 })))
})

describe("patience", () => {
  const refused = (patienceMillis: number, more: Partial<PermitRequest> = {}) =>
    Effect.forkChild(Effect.flip(call(0, { priority: "background", patienceMillis, ...more })))

  it.effect("ends at once when the turn is foreseen to come later, and says when it will", () =>
    Effect.gen(function*() {
      const first = yield* interactive("10 seconds")
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(first)
      yield* interactive("10 seconds")
      yield* TestClock.adjust("2 seconds")
      const error = yield* Fiber.join(yield* refused(7_000))
      assert.deepInclude(error, { reason: "would_miss_deadline", retryAfter: Duration.seconds(8) })
      const job = yield* background(0, { patienceMillis: 8_000 })
      yield* TestClock.adjust("8 seconds")
      assert.strictEqual(yield* Fiber.join(job), 20_000)
    }).pipe(withLimiter({ concurrency: 1 })))

  it.effect("ends in line when it took longer than foreseen", () =>
    Effect.gen(function*() {
      yield* interactive("10 minutes")
      yield* settle
      const waiter = yield* refused(2_000)
      yield* TestClock.adjust(1_999)
      assert.deepInclude(yield* load, { waiting: 1, backgroundWaiting: 1 })
      yield* TestClock.adjust(1)
      assert.deepInclude(yield* Fiber.join(waiter), { reason: "would_miss_deadline" })
      assert.deepInclude(yield* load, { running: 1, waiting: 0 })
    }).pipe(withLimiter({ concurrency: 1 })))

  it.effect("says so when it is a cooldown that it does not last for", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      yield* limiter.coolDown(key, Duration.seconds(10))
      const error = yield* Fiber.join(yield* refused(2_000))
      assert.deepInclude(error, { reason: "cooling_down", retryAfter: Duration.seconds(10) })
    }).pipe(withLimiter({})))

  it.effect("says when the minute will have room for the background again, and it has", () =>
    Effect.gen(function*() {
      yield* Effect.forEach(times(8), () => call(0))
      yield* TestClock.adjust("20 seconds")
      const error = yield* Fiber.join(yield* refused(2_000))
      assert.deepInclude(error, { reason: "would_miss_deadline", retryAfter: Duration.millis(40_001) })
      yield* TestClock.adjust(40_001)
      assert.strictEqual(yield* call(0, { priority: "background", patienceMillis: 0 }), 60_001)
    }).pipe(withLimiter({ requestsPerMinute: 10 })))

  it.effect("may be had by whoever waits for an answer, too", () =>
    Effect.gen(function*() {
      yield* call(0)
      const error = yield* Effect.flip(call(0, { patienceMillis: 1_000 }))
      assert.deepInclude(error, { reason: "would_miss_deadline", retryAfter: Duration.millis(60_001) })
    }).pipe(withLimiter({ requestsPerMinute: 1 })))
})

describe("one of the background that was refused", () => {
  /** Callers in bursts take all that the minute has, whenever it has something; a job comes at other times. */
  const burst = Effect.forEach(times(30), () => interactive(0, { patienceMillis: 100 }))

  it.effect("finds a place kept for it once its turn has come, though it was away", () =>
    Effect.gen(function*() {
      yield* burst
      yield* TestClock.adjust("30 seconds")
      const error = yield* Effect.flip(call(0, { priority: "background", patienceMillis: 1_000, tokens: 5 }))
      assert.deepInclude(error, { reason: "would_miss_deadline" })
      yield* TestClock.adjust(30_001)
      yield* burst
      yield* TestClock.adjust("10 seconds")
      const job = yield* background(0, { patienceMillis: 0, tokens: 5 })
      yield* settle
      assert.strictEqual(yield* Fiber.join(job), 70_001)
    }).pipe(withLimiter({ requestsPerMinute: 20, tokensPerMinute: 1_000 })))

  it.effect("leaves its place to the others when it does not come again", () =>
    Effect.gen(function*() {
      yield* burst
      yield* settle
      yield* Effect.flip(call(0, { priority: "background", patienceMillis: 1_000 }))
      yield* TestClock.adjust("65 seconds")
      yield* burst
      yield* settle
      const waiter = yield* interactive(0)
      yield* TestClock.adjust("8 seconds")
      assert.deepInclude(yield* load, { waiting: 1 })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(waiter), 74_000)
    }).pipe(withLimiter({ requestsPerMinute: 20 })))
})

describe("callers of both classes", () => {
  it.effect("get every permit back, however they go away", () =>
    Effect.gen(function*() {
      const outcomes = ["2 seconds", 0, "1 hour"] as const
      for (let round = 0; round < 60; round++) {
        const fibers = yield* Effect.forEach(times(100), () =>
          Effect.gen(function*() {
            const takes = yield* Random.choice(outcomes)
            const patienceMillis = yield* Random.choice([undefined, 500, 5_000])
            const deadline = (yield* Clock.currentTimeMillis) + 10_000
            const ask = (yield* Random.nextBoolean) ? interactive : background
            return yield* ask(takes, { deadline, patienceMillis })
          }))
        yield* TestClock.adjust(yield* Random.nextIntBetween(0, 3_000))
        for (const fiber of yield* Random.shuffle(fibers)) {
          if (yield* Random.nextBoolean) yield* TestClock.adjust(yield* Random.nextIntBetween(0, 100))
          yield* Fiber.interrupt(fiber)
        }
      }
      assert.deepInclude(yield* load, { running: 0, waiting: 0, backgroundWaiting: 0 })
      yield* TestClock.adjust("5 minutes")
      yield* Effect.forEach(times(4), () => background("1 second"))
      yield* settle
      assert.deepInclude(yield* load, { running: 4, waiting: 0 })
      yield* Effect.forEach(times(4), () => interactive("1 second"))
      yield* settle
      assert.deepInclude(yield* load, { running: 8, waiting: 0 })
    }).pipe(Random.withSeed("both"), withLimiter({ concurrency: 8, requestsPerMinute: 100_000 })))

  it.effect("are all served in the end, whatever the limits hold them back with", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      const fibers: Array<Fiber.Fiber<number, unknown>> = []
      for (let n = 0; n < 300; n++) {
        const ask = (yield* Random.nextBoolean) ? interactive : background
        const tokens = yield* Random.nextIntBetween(0, 400)
        fibers.push(yield* ask(yield* Random.nextIntBetween(0, 5_000), { tokens }))
        if (n === 150) yield* limiter.coolDown(key, Duration.seconds(5))
        yield* TestClock.adjust(yield* Random.nextIntBetween(0, 2_000))
      }
      yield* TestClock.adjust("50 minutes")
      assert.lengthOf(yield* Fiber.joinAll(fibers), 300)
      assert.deepInclude(yield* load, { running: 0, waiting: 0 })
    }).pipe(
      Random.withSeed("served"),
      withLimiter({ concurrency: 3, queue: 1_000, requestsPerMinute: 20, tokensPerMinute: 3_000 })
    ))
})
