import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import { AiRateLimited, AiRejected, AiUnavailable } from "../../../src/domain/errors.ts"
import { CircuitBreaker } from "../../../src/services/CircuitBreaker.ts"
import { Generator } from "../../../src/services/Generator.ts"
import type { RateLimiter } from "../../../src/services/RateLimiter.ts"
import {
  answers,
  aTemplate,
  fails,
  failsWith,
  hangs,
  makeLadder,
  provider,
  request,
  type Scripted,
  takes
} from "../../support/scripted.ts"

const minutes = 60_000
const down = new AiUnavailable({ provider, status: 503, detail: "status 503" })

/** What a go came to, and how long it took. */
const go = Effect.fnUntraced(function*(prompt = "a poem", withinMillis = 15 * minutes) {
  const from = yield* Clock.currentTimeMillis
  const turn = yield* Generator.use((generator) => generator.background(request(prompt), withinMillis))
  const tag = Result.isSuccess(turn.result) ? turn.result.success.source : turn.result.failure._tag
  return { tag, attempts: turn.attempts, millis: (yield* Clock.currentTimeMillis) - from, result: turn.result }
})

const patiently = Effect.fnUntraced(function*<A, E, R>(call: Effect.Effect<A, E, R>, seconds = 70) {
  const fiber = yield* Effect.forkChild(call)
  yield* Effect.repeat(TestClock.adjust("1 second"), { times: seconds - 1 })
  return yield* Fiber.join(fiber)
})

const scenario = (
  scripted: Scripted,
  test: (
    seen: ReturnType<typeof makeLadder>["seen"]
  ) => Effect.Effect<void, unknown, Generator | CircuitBreaker | RateLimiter>
) => {
  const { layer, seen } = makeLadder(scripted)
  return Effect.suspend(() => test(seen)).pipe(Effect.provide(layer))
}

describe("a go in the background", () => {
  it.effect("that is answered live is remembered", () =>
    scenario({ script: [answers] }, (seen) =>
      Effect.gen(function*() {
        assert.deepInclude(yield* go(), { tag: "live", attempts: 1, millis: 0 })
        assert.lengthOf(seen.remembered, 1)
      })))

  it.effect("comes back at once while the circuit is open, without an attempt and with its time", () =>
    scenario({ script: [answers] }, (seen) =>
      Effect.gen(function*() {
        yield* CircuitBreaker.use((breaker) => breaker.control(provider, "force-open"))
        assert.deepInclude(yield* go(), { tag: "CircuitOpen", attempts: 0, millis: 0 })
        assert.strictEqual(seen.calls, 0)
      })))

  it.effect("counts the attempts of a failure, and shows no fallback", () =>
    scenario({ script: [fails], template: aTemplate, maxAttempts: 3 }, (seen) =>
      Effect.gen(function*() {
        assert.deepInclude(yield* patiently(go()), { tag: "AiUnavailable", attempts: 3 })
        assert.strictEqual(seen.calls, 3)
      })))

  it.effect("is told of a refusal", () =>
    scenario(
      { script: [failsWith(new AiRejected({ provider, status: 422, message: "no" }))] },
      () =>
        Effect.gen(function*() {
          assert.deepInclude(yield* go(), { tag: "AiRejected", attempts: 1, millis: 0 })
        })
    ))

  it.effect("waits for no provider that wants a pause, and for none that cools down", () =>
    scenario(
      { script: [failsWith(new AiRateLimited({ provider, retryAfter: Duration.seconds(20) })), answers] },
      (seen) =>
        Effect.gen(function*() {
          assert.deepInclude(yield* patiently(go(), 1), { tag: "AiRateLimited", attempts: 1 })
          const next = yield* patiently(go(), 4)
          assert.deepInclude(next, { tag: "LimitExceeded", attempts: 0 })
          assert.isAtMost(next.millis, 2_000)
          assert.strictEqual(seen.calls, 1)
        })
    ))

  it.effect("waits two seconds for a permit, and no longer", () =>
    scenario({ script: [hangs, takes(100)], limiter: { concurrency: 1 } }, () =>
      Effect.gen(function*() {
        const busy = yield* Effect.forkChild(Generator.use((generator) => generator.generate(request("busy"))))
        yield* TestClock.adjust("1 second")
        const late = yield* patiently(go(), 4)
        assert.deepInclude(late, { tag: "LimitExceeded", attempts: 0 })
        assert.isAtMost(late.millis, 2_000)
        yield* Fiber.interrupt(busy)
        assert.deepInclude(yield* patiently(go(), 2), { tag: "live", attempts: 1 })
      })))

  it.effect("takes no more than the time that is left", () =>
    scenario({ script: [hangs], totalTimeout: "60 seconds" }, () =>
      Effect.gen(function*() {
        const turn = yield* patiently(go("a poem", 5_000), 10)
        assert.isAtMost(turn.millis, 5_000)
        assert.strictEqual(turn.attempts, 1)
      })))

  it.effect("takes no more than a request may, however much is left", () =>
    scenario(
      { script: [hangs], attemptTimeout: "100 seconds", totalTimeout: "20 seconds" },
      () =>
        Effect.gen(function*() {
          assert.isAtMost((yield* patiently(go(), 30)).millis, 20_000)
        })
    ))
})

describe("the fallback alone", () => {
  it.effect("asks no provider, and says what it was told", () =>
    scenario({ script: [answers], template: aTemplate }, (seen) =>
      Effect.gen(function*() {
        const shown = yield* Generator.use((generator) => generator.fallback(request("a poem"), down, 7))
        assert.deepInclude(shown, { source: "template", attempts: 7, reason: "unavailable" })
        assert.strictEqual(seen.calls, 0)
      })))

  it.effect("fails when there is nothing to show", () =>
    scenario({ script: [answers] }, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(
          Generator.use((generator) => generator.fallback(request("a poem"), down, 7))
        )
        assert.strictEqual(error._tag, "GenerationUnavailable")
      })))
})
