import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import { defaultNamespace } from "../../src/domain/Generation.ts"
import { type PermitRequest, RateLimiter, type RateLimiterOptions } from "../../src/services/RateLimiter.ts"

const key = "provider"
const withLimiter = (options: RateLimiterOptions) => Effect.provide(RateLimiter.layer(options))
const load = RateLimiter.use((limiter) => limiter.load(key))

/** Asks for a permit, with this many milliseconds until the deadline. */
const permitFor = (patience: number, more: Partial<PermitRequest> = {}) =>
  Effect.fnUntraced(function*<A, E, R>(attempt: Effect.Effect<A, E, R>) {
    const limiter = yield* RateLimiter
    const now = yield* Clock.currentTimeMillis
    const request = { key, namespace: defaultNamespace, minAttemptMillis: 0, tokens: 0, deadline: now + patience }
    return yield* limiter.withPermit({ ...request, ...more }, () => attempt)
  })

const permit = permitFor(600_000)

/** Second by second: what wakes up in one second may fall asleep for the next. */
const seconds = (count: number) => Effect.repeat(TestClock.adjust("1 second"), { times: count - 1 })

/** Lets the fibers that are ready run on. */
const settle = TestClock.adjust(0)

describe("concurrency", () => {
  it.effect("never lets more run than allowed, first come first served", () =>
    Effect.gen(function*() {
      const order: Array<number> = []
      let running = 0
      let peak = 0
      const attempt = (n: number) =>
        permit(Effect.gen(function*() {
          order.push(n)
          peak = Math.max(peak, ++running)
          yield* Effect.sleep("1 second")
          running--
        }))
      const fibers = yield* Effect.forEach(Array.from({ length: 20 }, (_, n) => n), (n) => Effect.forkChild(attempt(n)))
      yield* seconds(5)
      yield* Fiber.joinAll(fibers)
      assert.strictEqual(peak, 4)
      assert.deepStrictEqual(order, Array.from({ length: 20 }, (_, n) => n))
    }).pipe(withLimiter({ concurrency: 4 })))

  it.effect("has room for as many as configured, refuses the next at once, and has room again after a drain", () =>
    Effect.gen(function*() {
      const fibers = yield* Effect.forEach(
        Array.from({ length: 9 }),
        () => Effect.forkChild(permit(Effect.sleep("1 second")))
      )
      yield* settle
      assert.deepInclude(yield* load, { running: 1, waiting: 8 })
      const error = yield* Effect.flip(permit(Effect.void))
      assert.deepInclude(error, { _tag: "LimitExceeded", reason: "queue_full" })
      assert.isAbove(Duration.toMillis(error.retryAfter), 0)
      yield* seconds(9)
      yield* Fiber.joinAll(fibers)
      yield* permit(Effect.void)
      assert.deepInclude(yield* load, { running: 0, waiting: 0 })
    }).pipe(withLimiter({ concurrency: 1, queue: 8 })))

  it.effect("refuses at once whom the wait would make miss the deadline", () =>
    Effect.gen(function*() {
      const first = yield* Effect.forkChild(permit(Effect.sleep("10 seconds")))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(first)
      yield* Effect.forkChild(permit(Effect.sleep("10 seconds")))
      yield* settle
      const error = yield* Effect.flip(permitFor(5_000)(Effect.void))
      assert.deepInclude(error, { _tag: "LimitExceeded", reason: "would_miss_deadline" })
      assert.strictEqual(Duration.toSeconds(error.retryAfter), 10)
    }).pipe(withLimiter({ concurrency: 1 })))

  it.effect("lets nobody wait beyond the deadline", () =>
    Effect.gen(function*() {
      yield* Effect.forkChild(permit(Effect.never))
      yield* settle
      const waiter = yield* Effect.forkChild(Effect.flip(permitFor(5_000)(Effect.void)))
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude(yield* Fiber.join(waiter), { reason: "would_miss_deadline" })
      assert.deepInclude(yield* load, { running: 1, waiting: 0 })
    }).pipe(withLimiter({ concurrency: 1 })))

  it.effect("tells an attempt how long our own limits made it wait", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      const ask = { key, namespace: defaultNamespace, minAttemptMillis: 0, tokens: 0, deadline: 60_000 }
      const waited = (take: number) =>
        limiter.withPermit(ask, ({ waitedMillis }) => Effect.delay(Effect.succeed(waitedMillis), take))
      const fiber = yield* Effect.forkChild(Effect.all([waited(3_000), waited(0)], { concurrency: 2 }))
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(yield* Fiber.join(fiber), [0, 3_000])
    }).pipe(withLimiter({ concurrency: 1 })))

  it.effect("gets every permit back from 10,000 callers who are interrupted at random", () =>
    Effect.gen(function*() {
      const outcomes = [Effect.sleep("2 seconds"), Effect.fail("no"), Effect.die("bug"), Effect.never, Effect.void]
      for (let round = 0; round < 100; round++) {
        const fibers = yield* Effect.forEach(Array.from({ length: 100 }), () =>
          Effect.gen(function*() {
            const attempt = yield* Random.choice(outcomes)
            return yield* Effect.forkChild(permitFor(10_000)(attempt))
          }))
        yield* TestClock.adjust(yield* Random.nextIntBetween(0, 3_000))
        for (const fiber of yield* Random.shuffle(fibers)) {
          if (yield* Random.nextBoolean) yield* TestClock.adjust(yield* Random.nextIntBetween(0, 100))
          yield* Fiber.interrupt(fiber)
        }
      }
      assert.deepInclude(yield* load, { running: 0, waiting: 0 })
      const all = yield* Effect.forEach(Array.from({ length: 4 }), () => Effect.forkChild(permit(Effect.sleep(1))))
      yield* settle
      assert.deepInclude(yield* load, { running: 4, waiting: 0 })
      yield* TestClock.adjust(1)
      yield* Fiber.joinAll(all)
    }).pipe(Random.withSeed("permits"), withLimiter({ concurrency: 4, queue: 64, requestsPerMinute: 1_000_000 })))
})

describe("limits per minute", () => {
  it.effect("never put more than sixty attempts into sixty seconds", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const attempt = permit(Effect.map(Clock.currentTimeMillis, (now) => starts.push(now)))
      const fibers = yield* Effect.forEach(Array.from({ length: 200 }), () => Effect.forkChild(attempt))
      yield* TestClock.adjust("10 minutes")
      yield* Effect.forEach(fibers, Fiber.await)
      assert.strictEqual(starts.length, 200)
      for (const [index, start] of starts.entries()) {
        assert.isAtMost(starts.slice(index).filter((other) => other <= start + 60_000).length, 60)
      }
    }).pipe(withLimiter({ requestsPerMinute: 60, queue: 200 })))

  it.effect("give a place back when its caller goes away before the attempt", () =>
    Effect.gen(function*() {
      yield* permit(Effect.void)
      const waiter = yield* Effect.forkChild(permit(Effect.void))
      yield* settle
      yield* Fiber.interrupt(waiter)
      yield* TestClock.adjust(60_001)
      yield* permit(Effect.void)
    }).pipe(withLimiter({ requestsPerMinute: 1 })))

  it.effect("refuse at once whom they would make miss the deadline", () =>
    Effect.gen(function*() {
      yield* permit(Effect.void)
      const error = yield* Effect.flip(permitFor(30_000)(Effect.void))
      assert.deepInclude(error, { reason: "would_miss_deadline" })
      assert.strictEqual(Duration.toMillis(error.retryAfter), 60_001)
    }).pipe(withLimiter({ requestsPerMinute: 1 })))

  it.effect("count tokens as well as requests", () =>
    Effect.gen(function*() {
      yield* permitFor(60_000, { tokens: 80 })(Effect.void)
      const error = yield* Effect.flip(permitFor(30_000, { tokens: 30 })(Effect.void))
      assert.deepInclude(error, { reason: "would_miss_deadline" })
      yield* permitFor(30_000, { tokens: 20 })(Effect.void)
    }).pipe(withLimiter({ tokensPerMinute: 100 })))
})

describe("the cooldown after a 429", () => {
  it.effect("holds everybody back for as long as the provider asks, then lets them go one by one", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      yield* limiter.coolDown(key, Duration.seconds(10))
      const starts: Array<number> = []
      let running = 0
      const attempt = permit(Effect.gen(function*() {
        starts.push(yield* Clock.currentTimeMillis)
        assert.isAtMost(++running, 4)
        yield* Effect.sleep("20 millis")
        running--
      }))
      const fibers = yield* Effect.forEach(Array.from({ length: 6 }), () => Effect.forkChild(attempt))
      yield* TestClock.adjust(9_999)
      assert.deepStrictEqual(starts, [])
      yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(starts.slice(0, 4), [10_000, 10_050, 10_100, 10_150])
      assert.strictEqual(starts.length, 6)
    }).pipe(withLimiter({ concurrency: 4 })))

  it.effect("also holds back whoever was waiting already when it came", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      yield* limiter.coolDown(key, Duration.seconds(1))
      const waiter = yield* Effect.forkChild(permit(Clock.currentTimeMillis))
      yield* settle
      yield* limiter.coolDown(key, Duration.seconds(10))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(waiter), 10_000)
    }).pipe(withLimiter({})))

  it.effect("tells whoever waits and cannot be served in time any more, at once", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      yield* limiter.coolDown(key, Duration.seconds(1))
      const hopeless = yield* Effect.forkChild(Effect.flip(permitFor(8_000)(Effect.void)))
      const patient = yield* Effect.forkChild(permit(Clock.currentTimeMillis))
      yield* settle
      yield* limiter.coolDown(key, Duration.seconds(10))
      assert.deepInclude(yield* Fiber.join(hopeless), { reason: "cooling_down", retryAfter: Duration.seconds(10) })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(patient), 10_000)
    }).pipe(withLimiter({})))

  it.effect("refuses at once whom it would make miss the deadline", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      yield* limiter.coolDown(key, Duration.seconds(10))
      const error = yield* Effect.flip(permitFor(5_000)(Effect.void))
      assert.deepInclude(error, { reason: "cooling_down", retryAfter: Duration.seconds(10) })
    }).pipe(withLimiter({})))

  it.effect("lasts a second when the provider names no time", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      yield* limiter.coolDown(key, undefined)
      const fiber = yield* Effect.forkChild(permit(Clock.currentTimeMillis))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), 1_000)
    }).pipe(withLimiter({})))
})

describe("one 429 after the other", () => {
  it.effect("sends those away who have waited for a cooldown to end, and doubles what the provider does not time", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      const limited = permit(Effect.andThen(limiter.coolDown(key, undefined), Effect.fail("429")))
      const fibers = yield* Effect.forEach(
        Array.from({ length: 10 }),
        () => Effect.forkChild(Effect.result(limited))
      )
      yield* seconds(2)
      // The first one began a cooldown; the next one, after it, sent all others away.
      const results = yield* Fiber.joinAll(fibers)
      assert.strictEqual(results.filter((result) => result._tag === "Failure" && result.failure === "429").length, 2)
      assert.strictEqual((yield* limiter.load(key)).coolingMillis, 1_000)
    }).pipe(withLimiter({ concurrency: 1 })))

  it.effect("starts from one second again once the provider has answered", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter
      for (const expected of [1_000, 2_000, 4_000]) {
        yield* limiter.coolDown(key, undefined)
        assert.strictEqual((yield* limiter.load(key)).coolingMillis, expected)
        yield* TestClock.adjust(expected)
      }
      const ask = { key, namespace: defaultNamespace, minAttemptMillis: 0, tokens: 0, deadline: 1e12 }
      yield* limiter.withPermit(ask, (given) => limiter.report(key, given, { congested: false }))
      yield* limiter.coolDown(key, undefined)
      assert.strictEqual((yield* limiter.load(key)).coolingMillis, 1_000)
    }).pipe(withLimiter({})))
})

describe("layerUnlimited", () => {
  it.effect("lets everybody through", () =>
    Effect.gen(function*() {
      const exits = yield* Effect.forEach(
        Array.from({ length: 1_000 }),
        () => Effect.exit(permit(Effect.sleep(1))),
        { concurrency: "unbounded" }
      ).pipe(Effect.forkChild)
      yield* TestClock.adjust(1)
      assert.isTrue((yield* Fiber.join(exits)).every(Exit.isSuccess))
    }).pipe(Effect.provide(RateLimiter.layerUnlimited)))
})
