import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import { defaultNamespace, Namespace } from "../../src/domain/Generation.ts"
import { type Permit, type PermitRequest, RateLimiter, type RateLimiterConfig } from "../../src/services/RateLimiter.ts"

const key = "provider"
const load = RateLimiter.use((limiter) => limiter.load(key))

/** Asks for a permit, with this many milliseconds until the deadline. */
const permitFor = (patience: number, more: Partial<PermitRequest> = {}) =>
  Effect.fnUntraced(function*<A, E, R>(attempt: (permit: Permit) => Effect.Effect<A, E, R>) {
    const limiter = yield* RateLimiter
    const now = yield* Clock.currentTimeMillis
    const request = { key, namespace: defaultNamespace, minAttemptMillis: 0, tokens: 0, deadline: now + patience }
    return yield* limiter.withPermit({ ...request, ...more }, attempt)
  })

const permit = permitFor(600_000)
const takes = (duration: Duration.Input) => permit(() => Effect.sleep(duration))
const report = (given: Permit, congested: boolean) =>
  RateLimiter.use((limiter) => limiter.report(key, given, { congested }))
const cool = (retryAfter: Duration.Duration | undefined) =>
  RateLimiter.use((limiter) => limiter.coolDown(key, retryAfter))

/** Second by second: what wakes up in one second may fall asleep for the next. */
const seconds = (count: number) => Effect.repeat(TestClock.adjust("1 second"), { times: count - 1 })
const settle = TestClock.adjust(0)
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

const withLimiter = (config: RateLimiterConfig) => Effect.provide(RateLimiter.layer(config))

// Concurrency, room and turns are each instance's own, with any layer; 34 over Postgres is in RateLimiterPostgres.test.ts
// and limiterProcesses.test.ts.
describe("the limiter", () => {
  it.effect("29. concurrency 4, 20 calls: peak 4 at the provider, first in first out within a namespace", () =>
    Effect.gen(function*() {
      const started: Array<string> = []
      let running = 0
      let peak = 0
      const calls = upTo(20).map((n) => n % 4 === 3 ? `quiet${n}` : `busy${n}`)
      const fibers = yield* Effect.forEach(
        calls,
        (name) =>
          Effect.forkChild(
            permitFor(600_000, { namespace: Namespace.make(name.replace(/\d+/, "")) })(() =>
              Effect.gen(function*() {
                started.push(name)
                peak = Math.max(peak, ++running)
                yield* Effect.sleep("1 second")
                running--
              })
            )
          )
      )
      yield* seconds(5)
      yield* Fiber.joinAll(fibers)
      assert.strictEqual(peak, 4)
      for (const namespace of ["busy", "quiet"]) {
        const of = (names: ReadonlyArray<string>) => names.filter((name) => name.startsWith(namespace))
        assert.deepStrictEqual(of(started), of(calls))
      }
      // One call in four was the quiet one's, and yet its last does not go out last: it had every second turn.
      assert.isBelow(started.indexOf("quiet19"), started.indexOf("busy12"))
    }).pipe(withLimiter({ concurrency: 4 })))

  it.effect("29. a busy namespace takes no place in a full room from one that has fewer", () =>
    Effect.gen(function*() {
      yield* Effect.forkChild(takes("1 second"))
      yield* settle
      const as = (name: string) => permitFor(600_000, { namespace: Namespace.make(name) })
      const busy = yield* Effect.forEach(
        upTo(8),
        () => Effect.forkChild(Effect.exit(as("busy")(() => Effect.sleep("1 second"))))
      )
      yield* settle
      const quiet = yield* Effect.forkChild(as("quiet")(() => Clock.currentTimeMillis))
      yield* seconds(9)
      assert.isAtMost(yield* Fiber.join(quiet), 2_000)
      const exits = yield* Effect.forEach(busy, Fiber.join)
      assert.deepStrictEqual(exits.map(Exit.isSuccess), upTo(8).map((n) => n < 7))
    }).pipe(withLimiter({ concurrency: 1, queue: 8 })))

  it.effect("30. a room of 8: the 9th waiter is refused at once with a Retry-After; after a drain it is admitted", () =>
    Effect.gen(function*() {
      const fibers = yield* Effect.forEach(upTo(9), () => Effect.forkChild(takes("1 second")))
      yield* settle
      assert.deepInclude(yield* load, { running: 1, waiting: 8 })
      const begin = yield* Clock.currentTimeMillis
      const error = yield* Effect.flip(takes(0))
      assert.deepInclude(error, { _tag: "LimitExceeded", reason: "queue_full" })
      assert.isAbove(Duration.toMillis(error.retryAfter), 0)
      assert.strictEqual(yield* Clock.currentTimeMillis, begin)
      yield* seconds(9)
      yield* Fiber.joinAll(fibers)
      yield* takes(0)
      assert.deepInclude(yield* load, { running: 0, waiting: 0 })
    }).pipe(withLimiter({ concurrency: 1, queue: 8 })))

  it.effect("31. a deadline shorter than the estimated wait is refused at once, by the turn that it would have", () =>
    Effect.gen(function*() {
      const first = yield* Effect.forkChild(takes("10 seconds"))
      yield* seconds(10)
      yield* Fiber.join(first)
      const busy = { namespace: Namespace.make("busy") }
      yield* Effect.forEach(
        upTo(4),
        () => Effect.forkChild(permitFor(600_000, busy)(() => Effect.sleep("10 seconds")))
      )
      yield* settle
      // Three wait: the fourth of the same namespace waits for all of them, a first of another for just one.
      const error = yield* Effect.flip(permitFor(35_000, busy)(() => Effect.void))
      assert.deepInclude(error, { reason: "would_miss_deadline", retryAfter: Duration.seconds(40) })
      const other = yield* Effect.forkChild(permitFor(35_000)(() => Clock.currentTimeMillis))
      yield* seconds(30)
      assert.strictEqual(yield* Fiber.join(other), 30_000)
    }).pipe(withLimiter({ concurrency: 1 })))

  it.effect("32. 10,000 callers of several namespaces, interrupted at random: permits afterwards = permits before", () =>
    Effect.gen(function*() {
      const outcomes = [Effect.sleep("2 seconds"), Effect.fail("no"), Effect.die("bug"), Effect.never, Effect.void]
      for (let round = 0; round < 100; round++) {
        const fibers = yield* Effect.forEach(upTo(100), (n) =>
          Effect.gen(function*() {
            const attempt = yield* Random.choice(outcomes)
            const patience = yield* Random.choice([500, 10_000])
            const namespace = Namespace.make(`site ${n % 7}`)
            return yield* Effect.forkChild(
              permitFor(patience, { namespace, tokens: n })((given) =>
                Effect.ensuring(attempt, report(given, n % 10 === 0))
              )
            )
          }))
        yield* TestClock.adjust(yield* Random.nextIntBetween(0, 3_000))
        if (yield* Random.nextBoolean) yield* cool(Duration.millis(yield* Random.nextIntBetween(0, 2_000)))
        for (const fiber of yield* Random.shuffle(fibers)) {
          if (yield* Random.nextBoolean) yield* TestClock.adjust(yield* Random.nextIntBetween(0, 100))
          yield* Fiber.interrupt(fiber)
        }
      }
      yield* TestClock.adjust("1 minute")
      const before = yield* load
      assert.deepInclude(before, { running: 0, waiting: 0 })
      // Successes bring the limit back to its maximum, and then all of it can be used at once.
      for (let n = 0; n < 20; n++) yield* permit((given) => report(given, false))
      const all = yield* Effect.forEach(upTo(5), () => Effect.forkChild(takes(1)))
      yield* settle
      assert.deepInclude(yield* load, { running: 4, waiting: 1, limit: 4 })
      yield* TestClock.adjust(1)
      yield* TestClock.adjust(1)
      yield* Fiber.joinAll(all)
      assert.deepInclude(yield* load, { running: 0, waiting: 0 })
    }).pipe(Random.withSeed("permits"), withLimiter({ concurrency: 4, queue: 64 })))

  it.effect("33. a 429 with Retry-After 10: nobody calls before @10, then staggered, never above the limit", () =>
    Effect.gen(function*() {
      yield* permit((given) => Effect.andThen(cool(Duration.seconds(10)), report(given, true)))
      const starts: Array<number> = []
      let running = 0
      let limit = 0
      const fibers = yield* Effect.forEach(upTo(12), () =>
        Effect.forkChild(permit((given) =>
          Effect.gen(function*() {
            starts.push(yield* Clock.currentTimeMillis)
            limit = (yield* load).limit
            assert.isAtMost(++running, limit)
            yield* Effect.sleep("2 seconds")
            running--
            yield* report(given, false)
          })
        )))
      yield* seconds(9)
      yield* TestClock.adjust(999)
      assert.deepStrictEqual(starts, [])
      assert.deepInclude(yield* load, { limit: 4, coolingMillis: 1 })
      yield* TestClock.adjust(1)
      yield* Effect.repeat(TestClock.adjust(10), { times: 1_000 })
      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(starts.slice(0, 4), [10_000, 10_050, 10_100, 10_150])
      // The first success ended the stagger, and each one let more go.
      assert.strictEqual(starts[4], 12_000)
      assert.isAbove(limit, 4)
    }).pipe(withLimiter({ concurrency: 8 })))
})

describe("60 per minute", () => {
  it.effect("34. no 60 s window ever holds more than 60 attempts, retries included", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const attempt = permitFor(600_000)((given) =>
        Effect.gen(function*() {
          starts.push(yield* Clock.currentTimeMillis)
          yield* Effect.sleep(yield* Random.nextIntBetween(0, 3_000))
          yield* report(given, false)
          return yield* Random.nextBoolean
        })
      )
      const call = Effect.flatMap(attempt, (isGood) => isGood ? Effect.void : attempt)
      const fibers = yield* Effect.forEach(upTo(200), () => Effect.forkChild(call))
      yield* seconds(600)
      yield* Fiber.joinAll(fibers)
      assert.isAbove(starts.length, 250)
      for (const [index, start] of starts.entries()) {
        assert.isAtMost(starts.slice(index).filter((other) => other <= start + 60_000).length, 60)
      }
    }).pipe(Random.withSeed("retries"), Effect.provide(RateLimiter.layer({ requestsPerMinute: 60, queue: 400 }))))
})
