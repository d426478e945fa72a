import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import type { AiPart, AiRequest } from "../../src/domain/Ai.ts"
import type { Chat, JsonObject } from "../../src/domain/Chat.ts"
import { AiClient } from "../../src/services/AiClient.ts"

const aRequest: AiRequest = { prompt: "x", maxTokens: 10 }

const chat: Chat = {
  body: { messages: [{ role: "user", content: "x" }], temperature: 0, unheard_of: [1] },
  transcript: "x",
  isTextOnly: true
}

const sent: Array<unknown> = []

/** What the client makes of a success with this body. */
const answerTo = (body: unknown, request = aRequest) => {
  const http = HttpClient.make((request) => {
    sent.push(request.body._tag === "Uint8Array" ? JSON.parse(new TextDecoder().decode(request.body.body)) : undefined)
    return Effect.succeed(HttpClientResponse.fromWeb(request, new Response(JSON.stringify(body), { status: 200 })))
  })
  const client = AiClient.layerOpenAi({ provider: "p", baseUrl: "http://provider.example/v1", model: "asked" })
  return AiClient.use(({ generate }) => generate(request)).pipe(
    Effect.provide(Layer.provide(client, Layer.succeed(HttpClient.HttpClient, http)))
  )
}

const choice = (finish_reason: unknown, content = "A text") => ({
  message: { role: "assistant", content },
  finish_reason
})

describe("an OpenAI answer", () => {
  it.effect("is complete when the provider stopped by itself, and not when its length was cut", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* answerTo({ choices: [choice("stop")] }), { text: "A text", isComplete: true })
      assert.deepInclude(yield* answerTo({ choices: [choice("length")] }), { text: "A text", isComplete: false })
    }))

  it.effect("is malformed without a finish that means anything", () =>
    Effect.gen(function*() {
      for (const finish of ["", "error", null, 1, undefined]) {
        const error = yield* Effect.flip(answerTo({ choices: [choice(finish)] }))
        assert.strictEqual(error._tag, "AiMalformed")
      }
    }))

  it.effect("is malformed when it holds an error beside its choices", () =>
    Effect.gen(function*() {
      const body = { choices: [choice("stop")], error: { message: "upstream broke" } }
      assert.strictEqual((yield* Effect.flip(answerTo(body)))._tag, "AiMalformed")
      assert.strictEqual((yield* answerTo({ ...body, error: null })).text, "A text")
    }))

  it.effect("keeps its text when the usage is of no use", () =>
    Effect.gen(function*() {
      for (const usage of [null, "many", { prompt_tokens: 3e9, completion_tokens: 1 }]) {
        assert.deepInclude(yield* answerTo({ choices: [choice("stop")], usage }), { usage: undefined })
      }
    }))

  it.effect("is a refusal when the provider says so instead of answering", () =>
    Effect.gen(function*() {
      const refusal = { message: { content: null, refusal: "I cannot help with that" }, finish_reason: "stop" }
      assert.deepInclude(yield* Effect.flip(answerTo({ choices: [refusal] })), {
        _tag: "AiRejected",
        message: "I cannot help with that"
      })
      assert.strictEqual((yield* Effect.flip(answerTo({ choices: [choice("content_filter")] })))._tag, "AiRejected")
    }))
})

describe("an OpenAI answer to a conversation", () => {
  const answer = (body: unknown) => answerTo(body, { ...aRequest, chat })
  const message = (message: JsonObject, finish_reason = "stop") => ({ choices: [{ message, finish_reason }] })
  const toolCalls = [{ id: "call_1", type: "function", function: { name: "f", arguments: "{}" } }]

  it.effect("is asked for in the caller's own words, with the model that it shall be", () =>
    Effect.gen(function*() {
      yield* answer({ choices: [choice("stop")] })
      assert.deepStrictEqual(sent.at(-1), { ...chat.body, model: "asked" })
      yield* answerTo({ choices: [choice("stop")] }, { ...aRequest, chat, model: "other" })
      assert.deepInclude(sent.at(-1), { model: "other" })
      yield* answerTo({ choices: [choice("stop")] })
      assert.deepStrictEqual(sent.at(-1), {
        model: "asked",
        max_tokens: 10,
        messages: [{ role: "user", content: "x" }]
      })
    }))

  it.effect("comes with the whole completion, and the usage with its details", () =>
    Effect.gen(function*() {
      const usage = { prompt_tokens: 1, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 1 } }
      const body = { id: "c", model: "m", ...message({ content: "A text" }), usage, service_tier: "flex" }
      assert.deepStrictEqual(yield* answer(body), {
        text: "A text",
        model: "m",
        usage: { inputTokens: 1, outputTokens: 2 },
        isComplete: true,
        finishReason: "stop",
        native: { completion: body, usage }
      })
      assert.notProperty(yield* answerTo(body), "native")
    }))

  it.effect("may be something else than text, and then the text is not all of it", () =>
    Effect.gen(function*() {
      const cases = [
        message({ content: null, tool_calls: toolCalls }, "tool_calls"),
        message({ content: null, tool_calls: toolCalls }),
        message({ content: null, function_call: { name: "f", arguments: "{}" } }, "function_call"),
        message({ content: null, audio: { id: "a", data: "" } }),
        message({ content: null, refusal: "I won't" }),
        message({ content: "" }, "content_filter"),
        { choices: [choice("stop", ""), choice("stop")] }
      ]
      for (const body of cases) {
        const { isComplete, native, text } = yield* answer(body)
        assert.deepStrictEqual({ isComplete, native, text }, {
          isComplete: false,
          native: { completion: body },
          text: ""
        })
        assert.include(["AiMalformed", "AiRejected"], (yield* Effect.flip(answerTo(body)))._tag)
      }
    }))

  it.effect("is all of it only when one text has come to its end", () =>
    Effect.gen(function*() {
      for (const finish of ["stop", "eos", "end_turn"]) {
        assert.deepInclude(yield* answer({ choices: [choice(finish)] }), { isComplete: true, finishReason: finish })
      }
      for (const finish of ["length", "content_filter", "tool_calls", "function_call"]) {
        assert.deepInclude(yield* answer({ choices: [choice(finish)] }), { isComplete: false, finishReason: finish })
      }
      for (
        const body of [
          { choices: [choice("stop"), choice("stop")] },
          message({ content: "A text", tool_calls: toolCalls }),
          message({ content: "A text", refusal: "no more" }),
          message({ content: "A text", audio: { id: "a" } })
        ]
      ) {
        assert.deepInclude(yield* answer(body), { text: "A text", isComplete: false })
      }
      const nothingMore = { content: "A text", tool_calls: [], refusal: null, audio: null, reasoning: "hm" }
      assert.deepInclude(yield* answer(message(nothingMore)), { isComplete: true })
    }))

  it.effect("is malformed where nobody could read it", () =>
    Effect.gen(function*() {
      for (
        const body of [
          {},
          null,
          { choices: [] },
          message({ content: " " }),
          message({ content: null, tool_calls: [], refusal: "" }),
          message({ content: null }, "length"),
          { choices: [choice(undefined)] },
          { choices: [choice("error")] },
          { choices: [choice("stop", ""), choice("stop", " ")] },
          { choices: [choice("stop")], error: { message: "upstream broke" } },
          message({ content: 42 })
        ]
      ) {
        assert.strictEqual((yield* Effect.flip(answer(body)))._tag, "AiMalformed")
      }
    }))
})

describe("the simulated provider", () => {
  const simulated = <A, E>(use: (client: AiClient["Service"]) => Effect.Effect<A, E>) =>
    AiClient.use(use).pipe(Effect.provide(AiClient.layerSimulated()))

  it.effect("writes a few words at a time, and the same that it gives in one piece", () =>
    simulated(({ generate, stream }) =>
      Effect.gen(function*() {
        const request = { ...aRequest, prompt: "green  tea,\n\nplease ", maxTokens: 1000, chat }
        const parts: Array<AiPart> = []
        const streaming = yield* Effect.forkChild(
          Stream.runForEach(stream(request), (part) => Effect.sync(() => void parts.push(part)))
        )
        yield* TestClock.adjust("79 millis")
        assert.isEmpty(parts)
        yield* TestClock.adjust("21 millis")
        assert.deepStrictEqual(parts, [
          { _tag: "Begin", model: "simulated" },
          { _tag: "Delta", text: "This is a " }
        ])
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(streaming)
        const whole = yield* Effect.forkChild(generate(request))
        yield* TestClock.adjust("80 millis")
        const answer = yield* Fiber.join(whole)
        assert.deepStrictEqual(parts.at(-1), { _tag: "End", answer })
        assert.strictEqual(parts.map((part) => part._tag === "Delta" ? part.text : "").join(""), answer.text)
        assert.isAbove(parts.length, 6)
      })
    ))

  it.effect("takes text only", () =>
    simulated(({ generate, stream }) =>
      Effect.gen(function*() {
        const beyond = { ...aRequest, chat: { ...chat, isTextOnly: false } }
        assert.deepInclude(yield* Effect.flip(generate(beyond)), { _tag: "AiRejected", status: 400 })
        assert.deepInclude(yield* Effect.flip(Stream.runDrain(stream(beyond))), { _tag: "AiRejected", status: 400 })
      })
    ))
})
