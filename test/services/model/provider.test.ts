/** A LanguageModel as one provider of the ladder among others. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Stream } from "effect"
import { AiError } from "effect/ai"
import { TestClock } from "effect/testing"
import { readChat } from "../../../src/domain/Chat.ts"
import type { AiError as AttemptError } from "../../../src/domain/errors.ts"
import { defaultNamespace } from "../../../src/domain/Generation.ts"
import { AiClient } from "../../../src/services/AiClient.ts"
import { Generator } from "../../../src/services/Generator.ts"
import { Providers } from "../../../src/services/Providers.ts"
import * as Understudy from "../../../src/services/Understudy.ts"
import { answer, down, finish, pieces, type ScriptedModel, scriptedModel, text } from "../../support/scriptedModel.ts"

const clientOf = (model: ScriptedModel, provider: string) =>
  Effect.map(
    Layer.build(Layer.provide(AiClient.layerLanguageModel({ provider }), model.layer)),
    (context) => Context.get(context, AiClient)
  )

const request = { prompt: "Write about tea", maxTokens: 100 }

describe("AiClient.layerLanguageModel", () => {
  it.effect("asks the model by the prompt, and answers with its text, name and usage", () => {
    const model = scriptedModel([{ parts: [{ type: "response-metadata", modelId: "acme-1" }, text("Tea."), finish()] }])
    return Effect.gen(function*() {
      const client = yield* clientOf(model, "acme")
      assert.deepStrictEqual(yield* client.generate(request), {
        text: "Tea.",
        model: "acme-1",
        usage: { inputTokens: 10, outputTokens: 5 },
        isComplete: true,
        finishReason: "stop"
      })
    })
  })

  it.effect("hands a conversation of texts over turn by turn", () => {
    const model = scriptedModel([answer("Tea.")])
    const messages = [
      { role: "developer", content: "Be short." },
      { role: "user", content: [{ type: "text", text: "Hello" }] },
      { role: "assistant", content: "Hello." },
      { role: "user", content: "Write about tea" }
    ]
    return Effect.gen(function*() {
      const client = yield* clientOf(model, "acme")
      yield* client.generate({ ...request, chat: readChat({ messages }, messages).chat })
      const asked = model.calls[0]?.prompt.content ?? []
      assert.deepStrictEqual(asked.map(({ role }) => role), ["system", "user", "assistant", "user"])
      assert.include(JSON.stringify(asked[3]), "Write about tea")
    })
  })

  it.effect("refuses what is more than text", () => {
    const model = scriptedModel([answer("Tea.")])
    const messages = [{ role: "user", content: [{ type: "image_url", image_url: { url: "https://example.org" } }] }]
    return Effect.gen(function*() {
      const client = yield* clientOf(model, "acme")
      const error = yield* Effect.flip(client.generate({ ...request, chat: readChat({ messages }, messages).chat }))
      assert.strictEqual(error._tag, "AiRejected")
      assert.strictEqual(model.calls.length, 0)
    })
  })

  it.effect("streams", () => {
    const model = scriptedModel([{ parts: [...pieces("Green ", "tea."), finish()] }])
    return Effect.gen(function*() {
      const client = yield* clientOf(model, "acme")
      const parts = yield* Stream.runCollect(client.stream(request))
      const seen = parts.map((part) => part._tag === "Delta" ? part.text : part._tag).filter((text) => text !== "")
      assert.deepStrictEqual(seen, ["Begin", "Green ", "tea.", "End"])
      assert.strictEqual(parts[0]?._tag, "Begin")
    })
  })

  it.effect("is asked when the one before it is out", () => {
    const first = scriptedModel([down])
    const second = scriptedModel([answer("From the second.")])
    return Effect.gen(function*() {
      const inOrder = [{ client: yield* clientOf(first, "first") }, {
        client: yield* clientOf(second, "second")
      }] as const
      const fiber = yield* Generator.use((generator) =>
        generator.generate({ namespace: defaultNamespace, prompt: "Write about tea", maxTokens: 100, remember: true })
      ).pipe(
        Effect.provide(Layer.provide(Understudy.layer(), Providers.layerList(inOrder))),
        Effect.forkChild
      )
      for (let n = 0; n < 5; n++) yield* TestClock.adjust("1 second")
      const generation = yield* Fiber.join(fiber)
      assert.strictEqual(generation.text, "From the second.")
      assert.strictEqual(generation.source === "live" && generation.provider, "second")
    })
  })
})

const http = (status: number) => ({ http: { response: { status, headers: {} } } })

/** What the words of the model's package would give away must not be in ours, which are logged. */
const secret = "sk-very-secret in https://example.org/?key=sk-very-secret"

const rows: ReadonlyArray<readonly [AiError.AiErrorReason, AttemptError["_tag"]]> = [
  [new AiError.RateLimitError({}), "AiRateLimited"],
  [new AiError.QuotaExhaustedError({}), "AiUnauthorized"],
  [new AiError.AuthenticationError({ kind: "InvalidKey", description: secret }), "AiUnauthorized"],
  [new AiError.InternalProviderError({ description: secret }), "AiUnavailable"],
  [new AiError.UnknownError({ description: secret }), "AiUnavailable"],
  [new AiError.UnknownError({ description: secret, ...http(500) }), "AiUnavailable"],
  [new AiError.UnknownError({ description: secret, ...http(429) }), "AiRateLimited"],
  [new AiError.UnknownError({ description: secret, ...http(403) }), "AiUnauthorized"],
  [new AiError.UnknownError({ description: secret, ...http(408) }), "AiUnavailable"],
  [new AiError.UnknownError({ description: "no such model", ...http(404) }), "AiRejected"],
  [new AiError.NetworkError({ reason: "TransportError", method: "POST", url: secret }), "AiUnavailable"],
  [new AiError.NetworkError({ reason: "InvalidUrlError", method: "POST", url: secret }), "AiUnavailable"],
  [new AiError.NetworkError({ reason: "EncodeError", method: "POST", url: "https://example.org" }), "AiRejected"],
  [new AiError.InvalidResponseError({ description: secret }), "AiMalformed"],
  [new AiError.InvalidOutputError({ description: secret }), "AiMalformed"],
  [new AiError.StructuredOutputError({ description: secret, responseText: secret }), "AiMalformed"],
  [new AiError.ContentPolicyError({ description: "not this" }), "AiRejected"],
  [new AiError.InvalidRequestError({ description: "too long" }), "AiRejected"],
  [new AiError.InvalidUserInputError({ description: "not this" }), "AiRejected"],
  [new AiError.UnsupportedSchemaError({ description: "no unions" }), "AiRejected"]
]

describe("what the ladder makes of an AiError", () => {
  for (const [reason, tag] of rows) {
    const status = "http" in reason ? reason.http?.response?.status : undefined
    it.effect(`${reason._tag}${status === undefined ? "" : ` with status ${status}`} is ${tag}, without its words`, () =>
      Effect.gen(function*() {
        const client = yield* clientOf(scriptedModel([{ failure: reason }]), "acme")
        const error = yield* Effect.flip(client.generate(request))
        assert.strictEqual(error._tag, tag)
        assert.notInclude(error.message, "sk-very-secret")
      }))
  }
})
