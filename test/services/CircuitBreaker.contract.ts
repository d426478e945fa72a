/** What every layer of the breaker does beyond the conformance cases. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Circuit from "../../src/domain/circuit/Circuit.ts"
import { CircuitBreaker, type CircuitBreakerOptions } from "../../src/services/CircuitBreaker.ts"
import { type Backend, callsOf, freshKey, quietly, second } from "../conformance/circuits.ts"

export const breakerContract = <R>(it: Vitest.MethodsNonLive<R>, backend: Backend<R>): void => {
  const test = <E>(
    title: string,
    run: (calls: ReturnType<typeof callsOf>) => Effect.Effect<void, E, CircuitBreaker>,
    options: CircuitBreakerOptions = {}
  ) =>
    it.effect(title, () =>
      second(0).pipe(
        Effect.andThen(run(callsOf(freshKey()))),
        Effect.provide(Layer.provideMerge(backend.layer(options), TestClock.layer())),
        quietly
      ))

  test("frees the slot of a lost probe when its lease is over, and hears no more of it", (calls) =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker
      yield* calls.calls("FFF")
      yield* second(30)
      // The fiber that was admitted is gone, and nobody settles.
      const lost = yield* Fiber.join(yield* Effect.forkChild(breaker.admit(calls.key)))
      yield* second(39.999)
      assert.strictEqual(yield* calls.calls("S"), "-")
      yield* second(40)
      assert.strictEqual(yield* calls.calls("I"), "I")
      yield* breaker.settle(calls.key, lost, Circuit.success)
      assert.strictEqual(yield* calls.tag, "HalfOpen")
      assert.strictEqual(yield* calls.calls("S"), "S")
    }))

  test("opens on slow calls, by the time between admission and outcome", (calls) =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker
      const takes = Effect.fnUntraced(function*(millis: number) {
        const admission = yield* breaker.admit(calls.key)
        yield* TestClock.adjust(millis)
        yield* breaker.settle(calls.key, admission, Circuit.success)
      })
      for (const millis of [2_000, 2_000, 2_001]) yield* takes(millis)
      assert.strictEqual(yield* calls.tag, "Closed")
      yield* takes(2_001)
      assert.strictEqual(yield* calls.tag, "Open")
      const status = yield* calls.status
      assert.deepStrictEqual(status?.recentFailures.map(({ reason }) => reason), ["took 2001 ms", "took 2001 ms"])
    }), { policy: { _tag: "Slow", share: 0.5, slowerThan: "2 seconds", minimumCalls: 4 } })

  test("says what an operator asks for", (calls) =>
    Effect.gen(function*() {
      yield* second(10)
      yield* calls.calls("FFF")
      yield* second(15)
      assert.deepStrictEqual(yield* calls.status, {
        key: calls.key,
        state: "open",
        since: 10_000,
        remainingMillis: 25_000,
        openings: 1,
        recentFailures: [1, 2, 3].map(() => ({ at: 10_000, reason: "down" }))
      })
    }))
}
