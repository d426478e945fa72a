/** Cases 1 to 23 of the conformance list. Unless a case says otherwise: 3 failures in 60 s open for 30 s, one probe. */
import { assert, type Vitest } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Random, Schedule, Stream } from "effect"
import { HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import * as Circuit from "../../src/domain/circuit/Circuit.ts"
import { AiTimeout } from "../../src/domain/errors.ts"
import { outcomeOf } from "../../src/domain/ladder/ErrorTable.ts"
import { AiClient } from "../../src/services/AiClient.ts"
import { CircuitBreaker, type CircuitBreakerOptions } from "../../src/services/CircuitBreaker.ts"
import { type Backend, callsOf, eventually, freshKey, quietly, second } from "./circuits.ts"

type Calls = ReturnType<typeof callsOf>

export const breakerCases = <R>(it: Vitest.MethodsNonLive<R>, backend: Backend<R>): void => {
  const test = <E>(
    title: string,
    run: (calls: Calls) => Effect.Effect<void, E, CircuitBreaker>,
    options: CircuitBreakerOptions = {}
  ) =>
    it.effect(title, () =>
      second(0).pipe(
        Effect.andThen(run(callsOf(freshKey()))),
        Effect.provide(Layer.provideMerge(backend.layer(options), TestClock.layer())),
        quietly
      ))

  const trip = (calls: Calls) => Effect.map(calls.calls("FFF"), (all) => assert.strictEqual(all, "FFF"))

  test("1. three failures within a minute open the circuit", ({ calls, tag }) =>
    Effect.gen(function*() {
      for (const at of [0, 30, 59.999]) {
        yield* second(at)
        yield* calls("F")
      }
      assert.strictEqual(yield* tag, "Open")
    }))

  test("2. a success clears the window", ({ calls, tag }) =>
    Effect.gen(function*() {
      yield* calls("FFSFF")
      assert.strictEqual(yield* tag, "Closed")
    }))

  test("3. two failures and a hundred successes leave it closed", ({ calls, tag }) =>
    Effect.gen(function*() {
      yield* calls("FF" + "S".repeat(100))
      assert.strictEqual(yield* tag, "Closed")
    }))

  test("4. ignored outcomes do not count", ({ calls, tag }) =>
    Effect.gen(function*() {
      yield* calls("I".repeat(50) + "FF")
      assert.strictEqual(yield* tag, "Closed")
      yield* calls("F")
      assert.strictEqual(yield* tag, "Open")
    }))

  test("5. a defect counts as a failure and is rethrown unchanged", ({ protect, tag }) =>
    Effect.gen(function*() {
      const bug = new Error("bug")
      for (let n = 0; n < 3; n++) assert.deepStrictEqual(yield* Effect.exit(protect(Effect.die(bug))), Exit.die(bug))
      assert.strictEqual(yield* tag, "Open")
    }))

  test("6. the attempt timeout counts, the caller's interruption does not", ({ key, tag }) =>
    Effect.gen(function*() {
      const guarded = CircuitBreaker.protect(key, outcomeOf)
      const after = Duration.seconds(1)
      const timedOut = guarded(Effect.timeoutOrElse(Effect.never, {
        duration: after,
        orElse: () => Effect.fail(new AiTimeout({ provider: key, after, shortened: false }))
      }))
      for (let n = 0; n < 5; n++) {
        const started = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(
          guarded(Effect.andThen(Deferred.succeed(started, undefined), Effect.never))
        )
        yield* Deferred.await(started)
        yield* Fiber.interrupt(fiber)
      }
      assert.strictEqual(yield* tag, "Closed")
      for (let n = 0; n < 3; n++) {
        const fiber = yield* Effect.forkChild(Effect.flip(timedOut), { startImmediately: true })
        yield* Effect.yieldNow
        yield* TestClock.adjust(after)
        assert.deepInclude(yield* Fiber.join(fiber), { _tag: "AiTimeout" })
      }
      assert.strictEqual(yield* tag, "Open")
    }))

  const responses = [
    ...[408, ...range(500, 504), ...range(520, 529), "reset", "refused"].map((what) => [what, "Open"] as const),
    ...[400, 404, 413, 422].map((what) => [what, "Closed, cleared"] as const),
    ...[429, 401, 403].map((what) => [what, "Closed, kept"] as const)
  ]
  test("7. each status counts as what it says of the provider's health", () =>
    Effect.forEach(responses, ([what, expected]) =>
      Effect.gen(function*() {
        const { calls, key, tag } = callsOf(freshKey())
        const attempt = CircuitBreaker.protect(key, outcomeOf)(generate(key, what))
        yield* calls("FF")
        assert.isTrue(Exit.isFailure(yield* Effect.exit(attempt)))
        const after = yield* tag
        if (after === "Open") return assert.strictEqual(after, expected, `${what}`)
        // A failure more opens it, unless the answer had cleared the window.
        yield* calls("F")
        assert.strictEqual((yield* tag) === "Open" ? "Closed, kept" : "Closed, cleared", expected, `${what}`)
      }), { discard: true }))

  test("8. another key's circuit is untouched", (a) =>
    Effect.gen(function*() {
      const b = callsOf(freshKey())
      yield* trip(a)
      assert.strictEqual(yield* a.calls("S"), "-")
      assert.strictEqual(yield* b.calls("SFF"), "SFF")
      assert.strictEqual(yield* b.tag, "Closed")
    }))

  const rate: CircuitBreakerOptions = { policy: { _tag: "Rate", threshold: 0.5, minimumCalls: 10 } }
  test("9. a rate opens the circuit at its share of its minimum of calls", ({ calls, tag }) =>
    Effect.gen(function*() {
      yield* calls("F".repeat(9))
      assert.strictEqual(yield* tag, "Closed")
      const other = callsOf(freshKey())
      yield* other.calls("SSSSSFFFF")
      assert.strictEqual(yield* other.tag, "Closed")
      yield* other.calls("F")
      assert.strictEqual(yield* other.tag, "Open")
      // Old outcomes leave the window.
      yield* second(60)
      yield* calls("F".repeat(9))
      assert.strictEqual(yield* tag, "Closed")
      yield* calls("F")
      assert.strictEqual(yield* tag, "Open")
    }), rate)

  test("10. an open circuit lets nothing through, and says for how long", (calls) =>
    Effect.gen(function*() {
      yield* trip(calls)
      yield* second(10)
      for (let n = 0; n < 1_000; n++) {
        const error = yield* Effect.flip(calls.protect(Effect.sync(() => assert.fail("reached the provider"))))
        assert.deepInclude(error, { _tag: "CircuitOpen", retryAfter: Duration.seconds(20) })
      }
    }))

  test("11. it opens for 30 seconds, to the millisecond", (calls) =>
    Effect.gen(function*() {
      yield* trip(calls)
      yield* second(29.999)
      assert.strictEqual(yield* calls.calls("S"), "-")
      yield* second(30)
      assert.strictEqual(yield* calls.calls("S"), "S")
    }))

  test("12. reading does not move it", (calls) =>
    Effect.gen(function*() {
      yield* trip(calls)
      yield* second(31)
      assert.strictEqual(yield* calls.tag, "Open")
      assert.deepInclude(yield* calls.status, { state: "open", remainingMillis: 0 })
      assert.strictEqual(yield* calls.rejectedFor, 0)
      assert.strictEqual(yield* calls.tag, "Open")
    }))

  test("13. a Retry-After lengthens the opening up to an hour, and never shortens it", () =>
    Effect.forEach([[120, 120], [5, 30], [7_200, 3_600]] as const, ([asked, lasts]) =>
      Effect.gen(function*() {
        const calls = callsOf(freshKey())
        yield* calls.calls("FF")
        yield* calls.call(Circuit.failure("busy", asked * 1_000))
        assert.strictEqual(yield* calls.rejectedFor, lasts * 1_000)
      }), { discard: true }))

  test("14. of a hundred calls at its end, one reaches the provider", (calls) =>
    Effect.gen(function*() {
      yield* trip(calls)
      yield* second(30)
      let reached = 0
      let rejected = 0
      const release = yield* Deferred.make<void>()
      const probe = Effect.andThen(Effect.sync(() => reached++), Deferred.await(release))
      const call = Effect.catchTag(calls.protect(probe), "CircuitOpen", () =>
        Effect.suspend(() =>
          ++rejected === 99 ? Deferred.succeed(release, undefined) : Effect.void
        ))
      yield* Effect.forEach(range(1, 100), () => call, { concurrency: "unbounded" })
      assert.deepStrictEqual([reached, rejected], [1, 99])
      assert.strictEqual(yield* calls.tag, "Closed")
    }))

  test("15. a probe's success closes it with an empty window", (calls) =>
    Effect.gen(function*() {
      yield* trip(calls)
      yield* second(30)
      assert.strictEqual(yield* calls.calls("SFF"), "SFF")
      assert.strictEqual(yield* calls.tag, "Closed")
      yield* calls.calls("F")
      assert.strictEqual(yield* calls.tag, "Open")
    }))

  test("16. a probe that is interrupted frees the slot", (calls) =>
    Effect.gen(function*() {
      yield* trip(calls)
      yield* second(30)
      const probe = yield* running(calls)
      assert.strictEqual(yield* calls.calls("S"), "-")
      yield* Fiber.interrupt(probe)
      assert.strictEqual(yield* calls.calls("S"), "S")
      assert.strictEqual(yield* calls.tag, "Closed")
    }))

  test("17. ignored probes leave it half-open, and a success closes it", (calls) =>
    Effect.gen(function*() {
      yield* trip(calls)
      yield* second(30)
      assert.strictEqual(yield* calls.calls("IIII"), "IIII")
      assert.strictEqual(yield* calls.tag, "HalfOpen")
      assert.strictEqual(yield* calls.calls("S"), "S")
      assert.strictEqual(yield* calls.tag, "Closed")
    }))

  test("18. a probe that runs 25 seconds renews its lease", (calls) =>
    Effect.gen(function*() {
      yield* trip(calls)
      yield* second(30)
      const probe = yield* running(calls)
      for (let at = 31; at <= 55; at++) {
        yield* second(at)
        // The renewal is real I/O: with a third of a lease between two, never more than that is used up.
        yield* eventually(Effect.map(calls.state, (state) =>
          state._tag === "HalfOpen" && state.probes.some(({ leaseUntil }) =>
            leaseUntil > at * 1_000 + 6_000
          )))
        assert.strictEqual(yield* calls.calls("S"), "-", `@${at}`)
      }
      yield* Fiber.interrupt(probe)
      assert.strictEqual(yield* calls.calls("S"), "S")
    }))

  test("19. a call of before the trip changes nothing after it", (calls) =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker
      const events = yield* Effect.forkChild(Stream.runCollect(Stream.take(breaker.transitions, 3)), {
        startImmediately: true
      })
      yield* Effect.yieldNow
      const old = [yield* breaker.admit(calls.key), yield* breaker.admit(calls.key)]
      yield* trip(calls)
      yield* second(30)
      const probe = yield* running(calls)
      const before = yield* calls.state
      for (const [n, admission] of old.entries()) {
        yield* breaker.settle(calls.key, admission, n === 0 ? Circuit.success : Circuit.failure())
      }
      assert.deepStrictEqual(yield* calls.state, before)
      assert.strictEqual(yield* calls.calls("S"), "-")
      yield* Fiber.interrupt(probe)
      yield* calls.calls("S")
      const told = yield* Fiber.join(events)
      assert.deepStrictEqual(told.map(({ from, to }) => `${from} > ${to}`), [
        "Closed > Open",
        "Open > HalfOpen",
        "HalfOpen > Closed"
      ])
    }))

  test(
    "20. with two probes at once and three successes needed, the third closes it",
    (calls) =>
      Effect.gen(function*() {
        const breaker = yield* CircuitBreaker
        yield* trip(calls)
        yield* second(30)
        const [first, other] = [yield* breaker.admit(calls.key), yield* breaker.admit(calls.key)]
        assert.strictEqual(yield* calls.calls("S"), "-")
        yield* breaker.settle(calls.key, first, Circuit.success)
        yield* breaker.settle(calls.key, other, Circuit.success)
        assert.strictEqual(yield* calls.tag, "HalfOpen")
        assert.strictEqual(yield* calls.calls("S"), "S")
        assert.strictEqual(yield* calls.tag, "Closed")
      }),
    { probes: 2, successes: 3 }
  )

  const openings = Effect.fnUntraced(function*(calls: Calls, count: number) {
    const seconds: Array<number> = []
    let at = 0
    yield* trip(calls)
    for (let n = 0; n < count; n++) {
      const millis = yield* calls.rejectedFor
      seconds.push(millis / 1_000)
      at += millis
      yield* TestClock.setTime(at)
      assert.strictEqual(yield* calls.calls("F"), "F")
    }
    return seconds
  })

  test("21. an exponential backoff, capped", (calls) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* openings(calls, 6), [30, 60, 120, 240, 300, 300])
    }), { openFor: Schedule.min([Schedule.exponential("30 seconds"), Schedule.spaced("300 seconds")]) })

  test("22. a jitter for every opening", (calls) =>
    Effect.gen(function*() {
      const all = yield* openings(calls, 20)
      for (const seconds of all) assert.isTrue(seconds >= 30 && seconds <= 33, `${seconds}`)
      assert.isAbove(new Set(all).size, 1)
    }), {
    openFor: Schedule.spaced("30 seconds").pipe(
      Schedule.modifyDelay(({ duration }) =>
        Effect.map(Random.next, (random) => Duration.times(duration, 1 + random / 10))
      )
    )
  })

  test("23. forced open nothing passes, forced closed everything, until a reset", (calls) =>
    Effect.gen(function*() {
      yield* calls.control("force-open")
      yield* second(86_400)
      assert.strictEqual(yield* calls.calls("SSS"), "---")
      assert.deepInclude(yield* calls.status, { state: "forced_open" })
      yield* calls.control("reset")
      assert.strictEqual(yield* calls.calls("S"), "S")
      yield* trip(calls)
      yield* calls.control("force-close")
      assert.strictEqual(yield* calls.calls("FFFFFFFFFF"), "FFFFFFFFFF")
      assert.deepInclude(yield* calls.status, { state: "forced_closed" })
      yield* calls.control("reset")
      assert.strictEqual(yield* calls.calls("FF"), "FF")
      assert.strictEqual(yield* calls.tag, "Closed")
      yield* calls.calls("F")
      assert.strictEqual(yield* calls.tag, "Open")
    }))
}

const range = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n)

/** A probe that has reached the provider and stays there. */
const running = Effect.fnUntraced(function*(calls: Calls) {
  const started = yield* Deferred.make<void>()
  const fiber = yield* Effect.forkChild(
    calls.protect(Effect.andThen(Deferred.succeed(started, undefined), Effect.never))
  )
  yield* Deferred.await(started)
  return fiber
})

/** One attempt at a provider that answers so. */
const generate = (provider: string, what: number | string) => {
  const http = HttpClient.make((request) =>
    typeof what === "number"
      ? Effect.succeed(HttpClientResponse.fromWeb(request, new Response("{}", { status: what })))
      : Effect.fail(
        new HttpClientError.HttpClientError({
          reason: new HttpClientError.TransportError({ request, cause: new Error(what) })
        })
      )
  )
  return AiClient.use(({ generate }) => generate({ prompt: "a prompt", maxTokens: 10 })).pipe(
    Effect.provide(AiClient.layerPlain({ provider, url: "http://provider.test", model: "m" })),
    Effect.provideService(HttpClient.HttpClient, http)
  )
}
