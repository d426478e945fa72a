import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Schema, SchemaGetter, Stream } from "effect"
import { AiError, LanguageModel, Tool, Toolkit } from "effect/ai"
import { TestClock } from "effect/testing"
import * as Understudy from "../../../src/services/Understudy.ts"
import { answer, down, finish, pieces, type ScriptedModel, scriptedModel, text } from "../../support/scriptedModel.ts"
import { keepingTracer } from "../../support/tracing.ts"

class NoStation extends Schema.TaggedError<NoStation>()("NoStation", { city: Schema.String }) {}

const Weather = Tool.make("Weather", {
  parameters: Schema.Struct({ city: Schema.String, day: Schema.DateTimeUtcFromString }),
  success: Schema.Struct({ degrees: Schema.Finite }),
  failure: NoStation
})
const toolkit = Toolkit.make(Weather)

const call = (city: string, name = "Weather") => ({
  type: "tool-call",
  id: "call_1",
  name,
  params: { city, day: "2026-11-30T00:00:00.000Z" }
} as const)

const withHandler = (asked: Array<string>) =>
  Effect.provide(toolkit.toLayer({
    Weather: ({ city, day }) => {
      asked.push(`${city} ${day.epochMilliseconds}`)
      return city === "Nowhere" ? Effect.fail(new NoStation({ city })) : Effect.succeed({ degrees: 7 })
    }
  }))

const resilient = (model: ScriptedModel, options: Understudy.ResilientModelOptions = {}) =>
  Effect.provide(Understudy.layerLanguageModel(model.layer, options))

const soon = <A, E, R>(effect: Effect.Effect<A, E, R>, seconds = 5) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect)
    for (let n = 0; n < seconds; n++) yield* TestClock.adjust("1 second")
    return yield* Fiber.join(fiber)
  })

const day = Date.UTC(2026, 10, 30)

describe("tools of a resilient model", () => {
  it.effect("are offered as they were, and handled once although the model was asked twice", () => {
    const model = scriptedModel([down, { parts: [call("Graz"), finish("tool-calls")] }])
    const asked: Array<string> = []
    return Effect.gen(function*() {
      const response = yield* soon(
        LanguageModel.generateText({ prompt: "How warm is it?", toolkit, toolChoice: "required" })
      )
      assert.deepStrictEqual(asked, [`Graz ${day}`])
      assert.deepStrictEqual(response.toolResults.map(({ result }) => result), [{ degrees: 7 }])
      assert.strictEqual(response.finishReason, "tool-calls")
      assert.deepStrictEqual(model.calls.map(({ toolChoice }) => toolChoice), ["required", "required"])
      assert.deepStrictEqual(model.calls[1]?.tools, [Weather])
      assert.deepInclude(Option.getOrThrow(Understudy.provenance(response.content)), { source: "live", attempts: 2 })
    }).pipe(withHandler(asked), resilient(model))
  })

  it.effect("have no earlier answer to stand in for them: the model's own error is told", () => {
    const model = scriptedModel([answer("Warm."), down])
    return Effect.gen(function*() {
      yield* LanguageModel.generateText({ prompt: "How warm is it?" })
      yield* TestClock.adjust("1 second")
      const error = yield* soon(Effect.flip(LanguageModel.generateText({ prompt: "How warm is it?", toolkit })))
      assert.strictEqual(error, model.errors.at(-1))
    }).pipe(withHandler([]), resilient(model))
  })

  it.effect("fail in their own way, and the model is not asked again for that", () => {
    const model = scriptedModel([{ parts: [call("Nowhere"), finish("tool-calls")] }])
    return Effect.gen(function*() {
      const error = yield* Effect.flip(LanguageModel.generateText({ prompt: "How warm is it?", toolkit }))
      assert.strictEqual(error._tag, "NoStation")
      assert.strictEqual(model.calls.length, 1)
    }).pipe(withHandler([]), resilient(model))
  })

  it.effect("may take longer than an attempt", () => {
    const model = scriptedModel([{ parts: [call("Graz"), finish("tool-calls")] }])
    return Effect.gen(function*() {
      const response = yield* soon(LanguageModel.generateText({ prompt: "How warm is it?", toolkit }), 40)
      assert.strictEqual(response.toolResults.length, 1)
      assert.strictEqual(model.calls.length, 1)
    }).pipe(
      Effect.provide(toolkit.toLayer({ Weather: () => Effect.delay(Effect.succeed({ degrees: 7 }), "35 seconds") })),
      resilient(model, { attemptTimeout: "5 seconds", totalTimeout: "10 seconds" })
    )
  })

  it.effect("that nobody offered are a mistake of the model, after another attempt", () => {
    const model = scriptedModel([{ parts: [call("Graz", "Wether"), finish("tool-calls")] }])
    return Effect.gen(function*() {
      const error = yield* soon(Effect.flip(LanguageModel.generateText({ prompt: "How warm is it?", toolkit })))
      assert.strictEqual(error._tag, "AiError")
      assert.strictEqual(error._tag === "AiError" && error.reason._tag, "ToolNotFoundError")
      assert.strictEqual(model.calls.length, 2)
    }).pipe(withHandler([]), resilient(model))
  })

  it.effect("are left to the caller who asks for that, with parameters as the model wrote them", () => {
    const model = scriptedModel([{ parts: [call("Graz"), finish("tool-calls")] }])
    const asked: Array<string> = []
    return Effect.gen(function*() {
      const response = yield* LanguageModel.generateText({
        prompt: "How warm is it?",
        toolkit,
        disableToolCallResolution: true
      })
      assert.deepStrictEqual(response.toolCalls.map(({ params }) => params), [call("Graz").params])
      assert.deepStrictEqual(asked, [])
    }).pipe(withHandler(asked), resilient(model))
  })

  it.effect("come in a stream too, and their results after them", () => {
    const model = scriptedModel([down, { parts: [...pieces("Let me see."), call("Graz"), finish("tool-calls")] }])
    const asked: Array<string> = []
    return Effect.gen(function*() {
      const seen: Array<string> = []
      yield* soon(
        collect(LanguageModel.streamText({ prompt: "How warm is it?", toolkit }), ({ type }) => seen.push(type))
      )
      assert.deepStrictEqual(asked, [`Graz ${day}`])
      assert.deepStrictEqual(seen, ["text-start", "text-delta", "text-end", "tool-call", "tool-result", "finish"])
    }).pipe(withHandler(asked), resilient(model))
  })

  it.effect("of the provider's own come with their results as their schema reads them", () => {
    const at = "2026-11-30T00:00:00.000Z"
    const Search = Tool.providerDefined({
      id: "acme.search",
      customName: "Search",
      providerName: "search",
      parameters: Schema.Struct({}),
      success: Schema.Struct({ at: Schema.DateTimeUtcFromString })
    })()
    const parts = [
      { type: "tool-call", id: "s1", name: "Search", params: {}, providerExecuted: true },
      { type: "tool-result", id: "s1", name: "Search", isFailure: false, result: { at }, providerExecuted: true }
    ] as const
    const model = scriptedModel([
      { parts: [...parts, text("Found."), finish()] },
      { parts: [...parts, ...pieces("Found."), finish()] }
    ])
    const searching = { prompt: "Look it up", toolkit: Toolkit.make(Search) }
    const found = (results: ReadonlyArray<{ readonly result: unknown }>) =>
      results.map(({ result }) => JSON.stringify(result))
    return Effect.gen(function*() {
      const response = yield* LanguageModel.generateText(searching)
      assert.deepStrictEqual(found(response.toolResults), [JSON.stringify({ at })])
      const seen: Array<{ readonly result: unknown }> = []
      yield* collect(LanguageModel.streamText(searching), (part) => {
        if (part.type === "tool-result") seen.push(part)
      })
      assert.deepStrictEqual(found(seen), [JSON.stringify({ at })])
    }).pipe(resilient(model))
  })

  it.effect("that are not to be used leave a text, for which an earlier answer may stand in", () => {
    const model = scriptedModel([answer("Warm."), down])
    const asked = { prompt: "How warm is it?", toolkit, toolChoice: "none" } as const
    return Effect.gen(function*() {
      yield* LanguageModel.generateText(asked)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* soon(LanguageModel.generateText(asked))).text, "Warm.")
    }).pipe(withHandler([]), resilient(model))
  })

  it.effect("that nobody declared are the caller's to judge, where that is asked for", () => {
    const model = scriptedModel([{ parts: [call("Graz", "Anything"), finish("tool-calls")] }])
    return Effect.gen(function*() {
      const response = yield* LanguageModel.generateText({
        prompt: "How warm is it?",
        disableToolCallResolution: true,
        toolCallValidation: "deferred"
      })
      assert.deepStrictEqual(response.toolCalls.map(({ name }) => name), ["Anything"])
      assert.strictEqual(model.calls.length, 1)
    }).pipe(resilient(model))
  })

  it.effect("count for the circuit like every call", () => {
    const model = scriptedModel([down])
    return Effect.gen(function*() {
      for (let n = 0; n < 3; n++) {
        yield* soon(Effect.flip(LanguageModel.generateText({ prompt: `How warm is it? ${n}`, toolkit })))
      }
      const asked = model.calls.length
      const error = yield* Effect.flip(LanguageModel.generateText({ prompt: "How warm is it?", toolkit }))
      assert.include(error.message, "the circuit of model is open")
      assert.strictEqual(model.calls.length, asked)
    }).pipe(withHandler([]), resilient(model))
  })
})

const collect = <A, E, R>(stream: Stream.Stream<A, E, R>, see: (part: A) => void) =>
  Stream.runForEach(stream, (part) => Effect.sync(() => see(part)))

const Person = Schema.Struct({ name: Schema.String, born: Schema.optional(Schema.DateTimeUtcFromString) })

describe("objects of a resilient model", () => {
  const object = (json: unknown) => ({ parts: [text(JSON.stringify(json)), finish()] })

  it.effect("come after another attempt, decoded", () => {
    const model = scriptedModel([down, object({ name: "Ada", born: "1815-12-10T00:00:00.000Z" })])
    return Effect.gen(function*() {
      const response = yield* soon(
        LanguageModel.generateObject({ prompt: "Who?", schema: Person, objectName: "person" })
      )
      assert.strictEqual(response.value.name, "Ada")
      assert.strictEqual(response.value.born?.epochMilliseconds, Date.UTC(1815, 11, 10))
      assert.deepInclude(model.calls[1]?.responseFormat, { type: "json", objectName: "person" })
    }).pipe(resilient(model))
  })

  it.effect("are written and read as the model's package does it", () => {
    // As packages do for providers that know no optional fields: absent is null.
    const model = scriptedModel([object({ name: "Ada", born: null })], (schema) => {
      const { codec, jsonSchema } = LanguageModel.defaultCodecTransformer(schema)
      const withoutNulls = Schema.Unknown.pipe(Schema.decodeTo(codec, {
        decode: SchemaGetter.transform((json) =>
          Object.fromEntries(Object.entries(Object(json)).filter(([, value]) => value !== null))
        ),
        encode: SchemaGetter.passthrough({ strict: false })
      }))
      return { codec: withoutNulls, jsonSchema }
    })
    return Effect.gen(function*() {
      const { value } = yield* LanguageModel.generateObject({ prompt: "Who?", schema: Person })
      assert.deepStrictEqual(value, { name: "Ada" })
    }).pipe(resilient(model))
  })

  it.effect("that do not fit are asked for again, and then told as what they are", () => {
    const model = scriptedModel([object({ name: 1 })])
    return Effect.gen(function*() {
      const error = yield* soon(Effect.flip(LanguageModel.generateObject({ prompt: "Who?", schema: Person })))
      assert.strictEqual(error.reason._tag, "StructuredOutputError")
      assert.strictEqual(model.calls.length, 2)
    }).pipe(resilient(model))
  })

  it.effect("are asked for within the span of their attempt", () => {
    const model = scriptedModel([object({ name: "Ada" })])
    const { layer, spans } = keepingTracer()
    return Effect.gen(function*() {
      yield* LanguageModel.generateObject({ prompt: "Who?", schema: Person })
      const asked = spans().find(({ name }) => name === "LanguageModel.generateObject")
      const above = Option.getOrThrow(asked?.parent ?? Option.none())
      assert.strictEqual(above._tag === "Span" && above.name, "chat")
    }).pipe(resilient(model), Effect.provide(layer))
  })

  it.effect("are neither remembered nor taken from the cache", () => {
    const model = scriptedModel([object({ name: "Ada" }), down])
    return Effect.gen(function*() {
      yield* LanguageModel.generateObject({ prompt: "Who?", schema: Person })
      yield* TestClock.adjust("1 second")
      yield* soon(Effect.flip(LanguageModel.generateObject({ prompt: "Who?", schema: Person })))
      yield* soon(Effect.flip(LanguageModel.generateText({ prompt: "Who?" })))
    }).pipe(resilient(model))
  })

  it.effect("with tools are not asked for a second time, for the tools would be called again", () => {
    const asked: Array<string> = []
    const model = scriptedModel([{ parts: [call("Graz"), finish("tool-calls")] }])
    return Effect.gen(function*() {
      const error = yield* soon(Effect.flip(LanguageModel.generateObject({ prompt: "Who?", schema: Person, toolkit })))
      assert.strictEqual(error._tag === "AiError" && error.reason._tag, "StructuredOutputError")
      assert.strictEqual(asked.length, 1)
      assert.strictEqual(model.calls.length, 1)
    }).pipe(withHandler(asked), resilient(model))
  })

  it.effect("with tools are told the model's own error, at once, and open its circuit", () => {
    const model = scriptedModel([down])
    return Effect.gen(function*() {
      for (let n = 1; n <= 3; n++) {
        const error = yield* Effect.flip(LanguageModel.generateObject({ prompt: "Who?", schema: Person, toolkit }))
        assert.strictEqual(error, model.errors.at(-1))
        assert.strictEqual(model.calls.length, n)
      }
      const error = yield* Effect.flip(LanguageModel.generateObject({ prompt: "Who?", schema: Person, toolkit }))
      assert.include(String(error), "the circuit of model is open")
      assert.strictEqual(model.calls.length, 3)
    }).pipe(withHandler([]), resilient(model))
  })

  it.effect("whose tools are left alone are tried again like any other", () => {
    const model = scriptedModel([down, object({ name: "Ada" })])
    return Effect.gen(function*() {
      const asked = { prompt: "Who?", schema: Person, toolkit, disableToolCallResolution: true } as const
      assert.strictEqual((yield* soon(LanguageModel.generateObject(asked))).value.name, "Ada")
    }).pipe(resilient(model))
  })

  it.effect("are asked for with a prompt that can be read only once", () => {
    const model = scriptedModel([object({ name: "Ada" })])
    function* messages() {
      yield { role: "user", content: "Who?" } as const
    }
    return Effect.gen(function*() {
      yield* LanguageModel.generateObject({ prompt: messages(), schema: Person })
      assert.strictEqual(model.calls[0]?.prompt.content.length, 1)
    }).pipe(resilient(model))
  })

  it.effect("end with their call when whoever asked goes away, and when they take too long", () => {
    const model = scriptedModel(["hangs"])
    return Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(LanguageModel.generateObject({ prompt: "Who?", schema: Person }))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(model.interrupted(), 1)
      const error = yield* soon(Effect.flip(LanguageModel.generateObject({ prompt: "Who?", schema: Person })), 11)
      assert.include(error.message, "did not answer within 4s")
      assert.strictEqual(model.interrupted(), model.calls.length)
    }).pipe(resilient(model, { attemptTimeout: "4 seconds", totalTimeout: "10 seconds" }))
  })

  it.effect("of a model that breaks by a bug are told as the failure of the model", () => {
    const model = scriptedModel([{ defect: new Error("a bug in a package") }])
    return Effect.gen(function*() {
      const error = yield* soon(Effect.flip(LanguageModel.generateObject({ prompt: "Who?", schema: Person })))
      assert.isTrue(AiError.isAiError(error))
      assert.strictEqual(error.reason._tag, "InternalProviderError")
    }).pipe(resilient(model))
  })
})
