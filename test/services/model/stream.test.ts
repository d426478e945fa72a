import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Stream } from "effect"
import { AiError, LanguageModel, Prompt, type Response } from "effect/ai"
import { TestClock } from "effect/testing"
import * as Understudy from "../../../src/services/Understudy.ts"
import { down, finish, pieces, type ScriptedModel, scriptedModel } from "../../support/scriptedModel.ts"

const resilient = (model: ScriptedModel, options: Understudy.ResilientModelOptions = {}) =>
  Effect.provide(Understudy.layerLanguageModel(model.layer, options))

type Parts = ReadonlyArray<Response.StreamPart<{}>>

/** What came, and what ended it. */
const read = (prompt: string | Prompt.Prompt, seconds = 5) =>
  Effect.gen(function*() {
    const parts: Array<Response.StreamPart<{}>> = []
    const reading = Stream.runForEach(LanguageModel.streamText({ prompt }), (part) =>
      Effect.sync(() => {
        parts.push(part)
      }))
    const fiber = yield* Effect.forkChild(Effect.result(reading))
    for (let n = 0; n < seconds; n++) yield* TestClock.adjust("1 second")
    const ended = yield* Fiber.join(fiber)
    return { parts, error: ended._tag === "Failure" ? ended.failure : undefined }
  })

const textOf = (parts: Parts) => parts.map((part) => part.type === "text-delta" ? part.delta : "").join("")
const typesOf = (parts: Parts) => parts.map(({ type }) => type)

const whole = { parts: [...pieces("Sourdough ", "needs time."), finish()] }

describe("a stream of a resilient model", () => {
  it.effect("has the model's own parts in their order, thoughts included, and says at its end that it is live", () => {
    const model = scriptedModel([{
      parts: [
        { type: "response-metadata", id: "resp_1", modelId: "acme-1" },
        { type: "reasoning-start", id: "0" },
        { type: "reasoning-delta", id: "0", delta: "Hm." },
        { type: "reasoning-end", id: "0" },
        ...pieces("Sourdough ", "needs time."),
        finish("stop", { acme: { tier: "standard" } })
      ]
    }])
    return Effect.gen(function*() {
      const { error, parts } = yield* read("Write about sourdough")
      assert.isUndefined(error)
      assert.deepStrictEqual(typesOf(parts), [
        "response-metadata",
        "reasoning-start",
        "reasoning-delta",
        "reasoning-end",
        "text-start",
        "text-delta",
        "text-delta",
        "text-end",
        "finish"
      ])
      assert.strictEqual(textOf(parts), "Sourdough needs time.")
      assert.deepStrictEqual(parts.at(-1)?.metadata["acme"], { tier: "standard" })
      assert.deepInclude(Option.getOrThrow(Understudy.provenance(parts)), { source: "live", attempts: 1 })
    }).pipe(resilient(model))
  })

  it.effect("is begun again, and shows nothing of the first attempt, when the model fails before its first word", () => {
    const failing = {
      failure: new AiError.InternalProviderError({ description: "status 503" }),
      after: pieces().slice(0, 1)
    }
    const model = scriptedModel([failing, whole])
    return Effect.gen(function*() {
      const { parts } = yield* read("Write about sourdough")
      assert.deepStrictEqual(typesOf(parts), ["text-start", "text-delta", "text-delta", "text-end", "finish"])
      assert.strictEqual(Option.getOrThrow(Understudy.provenance(parts)).attempts, 2)
    }).pipe(resilient(model))
  })

  it.effect("is an earlier answer, streamed or not, when the model is down", () => {
    const model = scriptedModel([whole, down])
    return Effect.gen(function*() {
      yield* read("Write about sourdough starters")
      const { error, parts } = yield* read("Please write on sourdough starters")
      assert.isUndefined(error)
      assert.deepStrictEqual(typesOf(parts), ["text-start", "text-delta", "text-end", "finish"])
      assert.strictEqual(textOf(parts), "Sourdough needs time.")
      assert.strictEqual(Option.getOrThrow(Understudy.provenance(parts)).source, "cache")
    }).pipe(resilient(model))
  })

  it.effect("that breaks off after its first word fails with the model's own error, and is not remembered", () => {
    const broken = new AiError.InternalProviderError({ description: "the connection was lost" })
    const model = scriptedModel([{ failure: broken, after: pieces("Sourdough ").slice(0, 2) }, down])
    return Effect.gen(function*() {
      const { error, parts } = yield* read("Write about sourdough")
      assert.strictEqual(textOf(parts), "Sourdough ")
      assert.strictEqual(error?.reason, broken)
      assert.strictEqual(model.calls.length, 1)
      const next = yield* read("Write about sourdough")
      assert.strictEqual(next.error?.reason._tag, "InternalProviderError")
      assert.deepStrictEqual(next.parts, [])
    }).pipe(resilient(model))
  })

  it.effect("takes a part that says error for what it is: before the first word another attempt is made", () => {
    const model = scriptedModel([{ parts: [{ type: "error", error: "overloaded" }] }, whole])
    return Effect.gen(function*() {
      const { parts } = yield* read("Write about sourdough")
      assert.strictEqual(textOf(parts), "Sourdough needs time.")
      assert.notInclude(typesOf(parts), "error")
    }).pipe(resilient(model))
  })

  it.effect("that breaks off with a part that says error tells its words to whoever asked", () => {
    const model = scriptedModel([{
      parts: [...pieces("Sourdough ").slice(0, 2), { type: "error", error: { code: "overloaded" } }]
    }])
    return Effect.gen(function*() {
      const { error, parts } = yield* read("Write about sourdough")
      assert.strictEqual(textOf(parts), "Sourdough ")
      assert.include(error?.message, "overloaded")
    }).pipe(resilient(model))
  })

  it.effect("that only shows that it lives is not silent", () => {
    const slow = Layer.effect(
      LanguageModel.LanguageModel,
      LanguageModel.make({
        generateText: () => Effect.never,
        streamText: () =>
          Stream.fromIterable<Response.StreamPartEncoded>([
            ...pieces("Sourdough ").slice(0, 2),
            ...Array.from({ length: 30 }, () => ({ type: "text-delta", id: "1", delta: "" }) as const),
            { type: "text-delta", id: "1", delta: "needs time." },
            finish()
          ]).pipe(Stream.rechunk(1), Stream.mapEffect((part) => Effect.delay(Effect.succeed(part), "1 second")))
      })
    )
    return Effect.gen(function*() {
      const { error, parts } = yield* read("Write about sourdough", 40)
      assert.isUndefined(error)
      assert.strictEqual(textOf(parts), "Sourdough needs time.")
    }).pipe(Effect.provide(Understudy.layerLanguageModel(slow, { stallTimeout: "5 seconds" })))
  })

  it.effect("that is silent too long ends, and the model's call with it", () => {
    const model = scriptedModel(["hangs"])
    return Effect.gen(function*() {
      const { error } = yield* read("Write about sourdough", 11)
      assert.include(error?.message, "did not answer within 4s")
      assert.strictEqual(model.interrupted(), model.calls.length)
    }).pipe(resilient(model, { attemptTimeout: "4 seconds", totalTimeout: "10 seconds" }))
  })

  it.effect("ends the model's call when its reader leaves", () => {
    const model = scriptedModel(["hangs"])
    return Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Stream.runDrain(LanguageModel.streamText({ prompt: "Write about tea" })))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(model.interrupted(), 1)
    }).pipe(resilient(model))
  })

  it.effect("about an image has nothing to stand in for it", () => {
    const model = scriptedModel([whole, down])
    const image = Prompt.make([{
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "file", mediaType: "image/png", data: new Uint8Array([1, 2, 3]) }
      ]
    }])
    return Effect.gen(function*() {
      const first = yield* read(image)
      assert.strictEqual(textOf(first.parts), "Sourdough needs time.")
      assert.deepStrictEqual(model.calls[0]?.prompt.content, image.content)
      const { error, parts } = yield* read(image)
      assert.strictEqual(error, model.errors.at(-1))
      assert.deepStrictEqual(parts, [])
    }).pipe(resilient(model))
  })
})
