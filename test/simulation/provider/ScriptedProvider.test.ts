import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Layer, Result, Stream } from "effect"
import type { AiPart, AiRequest } from "../../../src/domain/Ai.ts"
import { AiMalformed, AiRateLimited, AiRejected, AiUnauthorized, AiUnavailable } from "../../../src/domain/errors.ts"
import { AiClient } from "../../../src/services/AiClient.ts"
import type { CallOutcome } from "../../../src/simulation/provider/ProviderModel.ts"
import { layerScripted, type ScriptedProviderOptions } from "../../../src/simulation/provider/ScriptedProvider.ts"
import { onVirtualTime } from "../../../src/simulation/time/VirtualTime.ts"

const request: AiRequest = { prompt: "A post on bees", maxTokens: 100 }

const always = (outcome: CallOutcome): ScriptedProviderOptions["script"] => ({ next: () => outcome })

/** On virtual time, an hour after its beginning. */
const withProvider = <A, E>(
  options: ScriptedProviderOptions,
  use: (client: AiClient["Service"]) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.sleep("1 hour").pipe(
    Effect.andThen(Effect.provide(Effect.flatMap(AiClient, use), layerScripted(options))),
    onVirtualTime()
  )

/** What a call comes to, and after how long. */
const callOf = (outcome: CallOutcome, options: Partial<ScriptedProviderOptions> = {}) =>
  withProvider({ script: always(outcome), ...options }, ({ generate }) =>
    Effect.gen(function*() {
      const begin = yield* Clock.currentTimeMillis
      const result = yield* Effect.result(generate(request))
      return { result, millis: (yield* Clock.currentTimeMillis) - begin }
    }))

describe("a scripted provider", () => {
  it.effect("fails with what the script says, when it says so", () =>
    Effect.gen(function*() {
      const provider = "scripted"
      const failures = [
        ["unavailable", new AiUnavailable({ provider, status: 503, detail: "scripted (status 503)" })],
        ["malformed", new AiMalformed({ provider, detail: "scripted" })],
        ["unauthorized", new AiUnauthorized({ provider, status: 401 })],
        ["rejected", new AiRejected({ provider, status: 422, message: "scripted: this request is refused" })],
        ["rate_limited", new AiRateLimited({ provider })]
      ] as const
      for (const [outcome, error] of failures) {
        const seen = yield* callOf({ outcome, afterMillis: 1_234 })
        assert.deepStrictEqual(seen, { result: Result.fail(error), millis: 1_234 }, outcome)
      }
      const retryAfter = Duration.millis(7_000)
      for (
        const [outcome, error] of [
          ["rate_limited", new AiRateLimited({ provider, retryAfter })],
          ["unavailable", new AiUnavailable({ provider, status: 503, detail: "scripted (status 503)", retryAfter })]
        ] as const
      ) {
        const { result } = yield* callOf({ outcome, afterMillis: 1, retryAfterMillis: 7_000 })
        assert.deepStrictEqual(result, Result.fail(error))
      }
    }))

  it.effect("answers with a text that repeats the prompt, or with the text that it is given", () =>
    Effect.gen(function*() {
      const seen = yield* callOf({ outcome: "answer", afterMillis: 4_000 })
      assert.deepStrictEqual(seen, {
        millis: 4_000,
        result: Result.succeed({
          text: "A scripted answer to: A post on bees",
          isComplete: true,
          model: "scripted",
          usage: { inputTokens: 4, outputTokens: 9 }
        })
      })
      const { result } = yield* callOf({ outcome: "answer", afterMillis: 0 }, {
        provider: "mine",
        answer: ({ prompt }) => prompt.toUpperCase()
      })
      assert.strictEqual(Result.getOrThrow(result).text, "A POST ON BEES")
      const model = yield* withProvider(
        { script: always({ outcome: "answer", afterMillis: 0 }) },
        ({ generate }) => Effect.map(generate({ ...request, model: "large" }), ({ model }) => model)
      )
      assert.strictEqual(model, "large")
    }))

  it.effect("hangs for ever at a timeout, and an interruption ends the wait at once", () =>
    Effect.gen(function*() {
      for (const afterMillis of [Infinity, 5]) {
        const millis = yield* withProvider({ script: always({ outcome: "timeout", afterMillis }) }, ({ generate }) =>
          Effect.gen(function*() {
            const begin = yield* Clock.currentTimeMillis
            const fiber = yield* Effect.forkChild(generate(request))
            yield* Effect.sleep("2 days")
            assert.isUndefined(fiber.pollUnsafe())
            yield* Fiber.interrupt(fiber)
            return (yield* Clock.currentTimeMillis) - begin
          }))
        assert.strictEqual(millis, 2 * 86_400_000)
      }
    }))

  it.effect("begins its script's time when it is built, and tells of each call when it comes in", () =>
    Effect.gen(function*() {
      const asked: Array<number> = []
      const told: Array<CallOutcome> = []
      const script = {
        next: (atMillis: number): CallOutcome => {
          asked.push(atMillis)
          return { outcome: "answer", afterMillis: 100 * asked.length }
        }
      }
      yield* withProvider(
        { script, onCall: (outcome) => void told.push(outcome) },
        ({ generate }) =>
          Effect.gen(function*() {
            const fiber = yield* Effect.forkChild(generate(request))
            yield* Effect.sleep(30)
            assert.strictEqual(told.length, 1)
            yield* generate(request)
            yield* Fiber.join(fiber)
            // An effect that is described and not run is no call.
            const described = generate(request)
            yield* Effect.sleep(70)
            yield* described
          })
      )
      assert.deepStrictEqual(asked, [0, 30, 300])
      assert.deepStrictEqual(told.map(({ afterMillis }) => afterMillis), [100, 200, 300])
    }))

  it.effect("streams an answer in one piece at its end, and the error in place of it", () =>
    Effect.gen(function*() {
      const [parts, millis] = yield* withProvider(
        { script: always({ outcome: "answer", afterMillis: 500 }) },
        ({ stream }) =>
          Effect.gen(function*() {
            const begin = yield* Clock.currentTimeMillis
            const parts: ReadonlyArray<AiPart> = yield* Stream.runCollect(stream(request))
            return [parts, (yield* Clock.currentTimeMillis) - begin] as const
          })
      )
      assert.strictEqual(millis, 500)
      assert.deepStrictEqual(parts.map(({ _tag }) => _tag), ["Begin", "Delta", "End"])
      const error = yield* Effect.flip(withProvider(
        { script: always({ outcome: "malformed", afterMillis: 5 }) },
        ({ stream }) => Stream.runDrain(stream(request))
      ))
      assert.strictEqual(error._tag, "AiMalformed")
    }))

  it.effect("carries its name", () =>
    Effect.gen(function*() {
      const layer = layerScripted({ script: always({ outcome: "unavailable", afterMillis: 0 }), provider: "mine" })
      const error = yield* AiClient.pipe(
        Effect.flatMap(({ generate, provider }) => Effect.map(Effect.flip(generate(request)), (e) => [provider, e])),
        Effect.provide(Layer.fresh(layer)),
        onVirtualTime()
      )
      assert.deepStrictEqual(error, [
        "mine",
        new AiUnavailable({ provider: "mine", status: 503, detail: "scripted (status 503)" })
      ])
    }))
})
