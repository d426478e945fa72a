import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { AiClient } from "../../src/services/AiClient.ts"

/** What the client makes of a success with this body. */
const answerTo = (body: unknown) => {
  const http = HttpClient.make((request) =>
    Effect.succeed(HttpClientResponse.fromWeb(request, new Response(JSON.stringify(body), { status: 200 })))
  )
  const client = AiClient.layerOpenAi({ provider: "p", baseUrl: "http://provider.example/v1", model: "asked" })
  return AiClient.use(({ generate }) => generate({ prompt: "x", maxTokens: 10 })).pipe(
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
