import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { expectTypeOf } from "vitest"
import type { LimitExceeded } from "../../../src/domain/errors.ts"
import { Namespace } from "../../../src/domain/Generation.ts"
import { RateLimiter, type RateLimiterConfig } from "../../../src/services/RateLimiter.ts"

const withLimiter = (config: RateLimiterConfig) => Effect.provide(RateLimiter.layer(config))
const started = Clock.currentTimeMillis

describe("the limiter around any effect", () => {
  it.effect("lets so many run at a time, and the others when a permit comes back", () =>
    Effect.gen(function*() {
      const work = RateLimiter.limit("weather")(Effect.tap(started, () => Effect.sleep("1 second")))
      const all = yield* Effect.forkChild(Effect.all([work, work, work], { concurrency: "unbounded" }))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Fiber.join(all), [0, 0, 1_000])
    }).pipe(withLimiter({ concurrency: 2 })))

  it.effect("refuses at once what would have to wait for longer than it may", () =>
    Effect.gen(function*() {
      yield* RateLimiter.limit("weather")(started)
      const error = yield* Effect.flip(RateLimiter.limit("weather", { maxWait: "5 seconds" })(started))
      assert.strictEqual(error.reason, "would_miss_deadline")
      assert.isAbove(Duration.toMillis(error.retryAfter), 5_000)
      assert.strictEqual(yield* started, 0)
      const patient = yield* Effect.forkChild(RateLimiter.limit("weather", { maxWait: "2 minutes" })(started))
      yield* TestClock.adjust("61 seconds")
      assert.isAtLeast(yield* Fiber.join(patient), 60_000)
    }).pipe(withLimiter({ requestsPerMinute: 1 })))

  it.effect("charges tokens, and lets those who share a key take turns", () =>
    Effect.gen(function*() {
      yield* RateLimiter.limit("weather", { tokens: 90 })(Effect.void)
      const none = yield* Effect.flip(RateLimiter.limit("weather", { tokens: 20, maxWait: 0 })(Effect.void))
      assert.strictEqual(none._tag, "LimitExceeded")
      const order: Array<string> = []
      const of = (name: string) =>
        RateLimiter.limit("turns", { namespace: Namespace.make(name) })(
          Effect.andThen(Effect.sync(() => order.push(name)), Effect.sleep(10))
        )
      const all = yield* Effect.forkChild(
        Effect.forEach(["a", "a", "a", "b"], of, { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(all)
      assert.deepStrictEqual(order, ["a", "a", "b", "a"])
    }).pipe(withLimiter((key) => key === "turns" ? { concurrency: 1 } : { tokensPerMinute: 100 })))

  it.effect("gives the permit back when the effect fails", () =>
    Effect.gen(function*() {
      const work = RateLimiter.limit("weather", { maxWait: 0 })
      assert.strictEqual(yield* Effect.flip(work(Effect.fail("no" as const))), "no")
      assert.strictEqual(yield* work(Effect.succeed("yes")), "yes")
      assert.deepInclude(yield* RateLimiter.use(({ load }) => load("weather")), { running: 0, waiting: 0 })
    }).pipe(withLimiter({ concurrency: 1 })))

  it("adds its refusal to the type, and nothing else", () => {
    expectTypeOf(RateLimiter.limit("weather")(Effect.fail("no" as const))).toEqualTypeOf<
      Effect.Effect<never, "no" | LimitExceeded, RateLimiter>
    >()
  })
})
