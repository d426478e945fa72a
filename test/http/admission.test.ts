import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { HttpServerRequest } from "effect/http"
import { TestClock } from "effect/testing"
import { Namespace } from "../../src/domain/Generation.ts"
import { CallerLimits, type CallerPolicy } from "../../src/domain/limits/CallerLimits.ts"
import { admit } from "../../src/http/handlers/admission.ts"
import type { ApiKeys, Caller } from "../../src/services/ApiKeys.ts"

/** Alpha alone has a key, and these limits. */
const withLimits = (policy: CallerPolicy) => {
  const alpha: Caller = { namespace: Namespace.make("alpha"), limits: CallerLimits.of(policy) }
  const keys: ApiKeys["Service"] = {
    anonymous: undefined,
    callerOf: (key) => key === "alpha-key" ? alpha : undefined,
    isAdmin: () => false
  }
  const request = (authorization: string) =>
    HttpServerRequest.fromWeb(new Request("http://test/", { headers: { authorization } }))
  /** A request, for as long as it takes to answer. */
  const asking = <A, E>(answer: Effect.Effect<A, E>, authorization = "Bearer alpha-key") =>
    Effect.scoped(Effect.andThen(admit(keys), answer)).pipe(
      Effect.provideService(HttpServerRequest.HttpServerRequest, request(authorization))
    )
  return { asking, running: () => alpha.limits?.running }
}

describe("a caller within its limits", () => {
  it.effect("has its place until its request ends, however that is", () =>
    Effect.gen(function*() {
      const { asking, running } = withLimits({ concurrency: 1 })
      const ends: ReadonlyArray<Effect.Effect<unknown, string>> = [
        Effect.void,
        Effect.fail("failed"),
        Effect.die("a bug"),
        Effect.interrupt
      ]
      for (const end of ends) {
        const seen = yield* Effect.exit(asking(Effect.suspend(() => {
          assert.strictEqual(running(), 1)
          return end
        })))
        if (Exit.isFailure(seen)) assert.notInclude(String(seen.cause), "KeyLimited")
        assert.strictEqual(running(), 0)
      }
    }))

  it.effect("gives its place back when its client goes away", () =>
    Effect.gen(function*() {
      const { asking, running } = withLimits({ concurrency: 1 })
      const begun = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(asking(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)))
      yield* Deferred.await(begun)
      const refused = yield* Effect.flip(asking(Effect.void))
      assert.deepInclude(refused, { _tag: "KeyLimited", limit: "concurrency", quota: 1 })
      assert.strictEqual(running(), 1, "a refused request has no place to give back")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(running(), 0)
      yield* asking(Effect.void)
    }))

  it.effect("may go on when its minute has room again", () =>
    Effect.gen(function*() {
      const { asking } = withLimits({ requestsPerMinute: 2 })
      yield* asking(Effect.void)
      yield* TestClock.adjust("20 seconds")
      yield* asking(Effect.void)
      const refused = yield* Effect.flip(asking(Effect.void))
      assert.deepInclude(refused, { _tag: "KeyLimited", limit: "minute", quota: 2 })
      yield* TestClock.adjust("40 seconds")
      yield* Effect.flip(asking(Effect.void))
      yield* TestClock.adjust("1 millis")
      yield* asking(Effect.void)
    }))

  it.effect("is nobody without a key, and counts for nothing", () =>
    Effect.gen(function*() {
      const { asking, running } = withLimits({ requestsPerMinute: 1 })
      for (
        const authorization of ["", "Bearer ", "Bearer alpha", "Basic alpha-key", "alpha-key", "Bearer alpha-key x"]
      ) {
        assert.deepInclude(yield* Effect.flip(asking(Effect.void, authorization)), { _tag: "KeyUnknown" })
      }
      assert.strictEqual(running(), 0)
      yield* asking(Effect.void, "bearer  alpha-key")
    }))
})
