import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Random, Schedule, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Circuit from "../../src/domain/circuit/Circuit.ts"
import { CircuitBreaker, type CircuitBreakerOptions } from "../../src/services/CircuitBreaker.ts"

const key = "provider"
const protect = CircuitBreaker.protect<string>(key)
const fail = protect(Effect.fail("down"))
const succeed = protect(Effect.succeed("up"))
const trip = Effect.forEach([1, 2, 3], () => Effect.flip(fail), { discard: true })
const stateTag = Effect.map(CircuitBreaker.use((breaker) => breaker.state(key)), ({ _tag }) => _tag)

const withBreaker = (options?: CircuitBreakerOptions) => Effect.provide(CircuitBreaker.layerMemory(options))

/** How long each of the next openings lasts, in seconds, when every probe fails. */
const openings = Effect.fnUntraced(function*(count: number) {
  const durations: Array<number> = []
  for (let n = 0; n < count; n++) {
    const error = yield* Effect.flip(succeed)
    if (typeof error === "string") return assert.fail("the call was not rejected")
    durations.push(Duration.toSeconds(error.retryAfter))
    yield* TestClock.adjust(error.retryAfter)
    yield* Effect.flip(fail)
  }
  return durations
})

describe("CircuitBreaker", () => {
  it.effect("calls nothing while open, and says for how long", () =>
    Effect.gen(function*() {
      yield* trip
      yield* TestClock.adjust("10 seconds")
      let reached = 0
      const call = protect(Effect.sync(() => reached++))
      for (let n = 0; n < 1_000; n++) {
        const error = yield* Effect.flip(call)
        assert.deepInclude(error, { _tag: "CircuitOpen", key, retryAfter: Duration.seconds(20) })
      }
      assert.strictEqual(reached, 0)
    }).pipe(withBreaker()))

  it.effect("lets one of a hundred through when the opening is over", () =>
    Effect.gen(function*() {
      yield* trip
      yield* TestClock.adjust("30 seconds")
      let reached = 0
      const probe = protect(Effect.andThen(Effect.sync(() => reached++), Effect.sleep("1 second")))
      const fiber = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 100 }), () => Effect.exit(probe), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("1 second")
      const exits = yield* Fiber.join(fiber)
      assert.strictEqual(reached, 1)
      assert.strictEqual(exits.filter(Exit.isFailure).length, 99)
      assert.strictEqual(yield* stateTag, "Closed")
    }).pipe(withBreaker()))

  it.effect("counts a defect as a failure and hands it on unchanged", () =>
    Effect.gen(function*() {
      const bug = new Error("bug")
      for (let n = 0; n < 3; n++) assert.deepStrictEqual(yield* Effect.exit(protect(Effect.die(bug))), Exit.die(bug))
      assert.strictEqual(yield* stateTag, "Open")
    }).pipe(withBreaker()))

  it.effect("does not count a caller that gives up", () =>
    Effect.gen(function*() {
      for (let n = 0; n < 5; n++) {
        const fiber = yield* Effect.forkChild(protect(Effect.never))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
      }
      assert.strictEqual(yield* stateTag, "Closed")
    }).pipe(withBreaker()))

  it.effect("frees the slot of a probe that is interrupted", () =>
    Effect.gen(function*() {
      yield* trip
      yield* TestClock.adjust("30 seconds")
      const probe = yield* Effect.forkChild(protect(Effect.never))
      yield* Effect.yieldNow
      assert.deepInclude(yield* Effect.flip(succeed), { _tag: "CircuitOpen" })
      yield* Fiber.interrupt(probe)
      assert.strictEqual(yield* succeed, "up")
      assert.strictEqual(yield* stateTag, "Closed")
    }).pipe(withBreaker()))

  it.effect("keeps the circuits of two keys apart", () =>
    Effect.gen(function*() {
      yield* trip
      const other = CircuitBreaker.protect("other")
      assert.strictEqual(yield* other(Effect.succeed(1)), 1)
    }).pipe(withBreaker()))

  it.effect("is not moved by being read", () =>
    Effect.gen(function*() {
      yield* trip
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual(yield* stateTag, "Open")
      yield* CircuitBreaker.use((breaker) => breaker.check(key))
      assert.strictEqual(yield* stateTag, "Open")
    }).pipe(withBreaker()))

  it.effect("tells each transition once", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker
      const fiber = yield* Effect.forkChild(Stream.runCollect(Stream.take(breaker.transitions, 4)), {
        startImmediately: true
      })
      yield* Effect.yieldNow
      yield* trip
      yield* TestClock.adjust("30 seconds")
      yield* succeed
      yield* trip
      const events = yield* Fiber.join(fiber)
      assert.deepStrictEqual(events.map(({ from, to }) => `${from} > ${to}`), [
        "Closed > Open",
        "Open > HalfOpen",
        "HalfOpen > Closed",
        "Closed > Open"
      ])
    }).pipe(withBreaker()))

  it.effect("lets typed errors say what they mean", () =>
    Effect.gen(function*() {
      const lenient = CircuitBreaker.protect<string>(key, () => Circuit.ignored)
      for (let n = 0; n < 5; n++) yield* Effect.flip(lenient(Effect.fail("our own fault")))
      assert.strictEqual(yield* stateTag, "Closed")
    }).pipe(withBreaker()))

  it.effect("takes its openings from a schedule", () =>
    Effect.gen(function*() {
      yield* trip
      assert.deepStrictEqual(yield* openings(6), [30, 60, 120, 240, 300, 300])
    }).pipe(withBreaker({
      openFor: Schedule.min([Schedule.exponential("30 seconds"), Schedule.spaced("300 seconds")])
    })))

  it.effect("draws a jitter for each opening", () =>
    Effect.gen(function*() {
      yield* trip
      const durations = yield* openings(20)
      for (const duration of durations) assert.isTrue(duration >= 30 && duration <= 33, `${duration}`)
      assert.isAbove(new Set(durations).size, 1)
    }).pipe(withBreaker({
      openFor: Schedule.spaced("30 seconds").pipe(
        Schedule.modifyDelay(({ duration }) =>
          Effect.map(Random.next, (random) => Duration.times(duration, 1 + random / 10))
        )
      )
    })))
})
