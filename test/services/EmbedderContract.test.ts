/** What every kind of embedder does, and what those over a network make of a bad endpoint: real sockets, real time. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Redacted } from "effect"
import { AiError, EmbeddingModel } from "effect/ai"
import { HttpClient, HttpClientRequest } from "effect/http"
import { inspect } from "node:util"
import type { EmbeddingFailure } from "../../src/domain/errors.ts"
import { dimensions, similarity } from "../../src/domain/similarity/TextVector.ts"
import * as UndiciHttpClient from "../../src/layers/UndiciHttpClient.ts"
import { CircuitBreaker } from "../../src/services/CircuitBreaker.ts"
import { Embedder, type ResilientOptions } from "../../src/services/Embedder.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"

const key = "sk-secret-0123456789"
const secretText = "a confidential prompt"

const kinds = {
  local: Embedder.layerLocal,
  "OpenAI over HTTP": Layer.unwrap(
    Effect.map(
      FaultServer,
      ({ openAiUrl: baseUrl }) =>
        Embedder.layerOpenAi({ baseUrl, apiKey: Redacted.make(key), model: "small", dimensions })
    )
  ),
  "an EmbeddingModel": Layer.provide(
    Embedder.layerEmbeddingModel({ name: "model:small", dimensions }),
    Layer.effect(EmbeddingModel.EmbeddingModel, Effect.suspend(() => modelOverHttp))
  )
}

/** As the packages of providers make theirs: by position, with everything that went wrong in an `AiError`. */
const modelOverHttp = Effect.gen(function*() {
  const client = yield* HttpClient.HttpClient
  const { openAiUrl } = yield* FaultServer
  const failed = (reason: AiError.AiErrorReason) => AiError.make({ module: "Test", method: "embedMany", reason })
  return yield* EmbeddingModel.make({
    embedMany: ({ inputs }) =>
      Effect.gen(function*() {
        const response = yield* client.execute(
          HttpClientRequest.post(`${openAiUrl}/embeddings`).pipe(
            HttpClientRequest.bearerToken(key),
            HttpClientRequest.bodyJsonUnsafe({ model: "small", input: inputs })
          )
        )
        if (response.status === 429) return yield* failed(new AiError.RateLimitError({}))
        if (response.status >= 400 && response.status < 500) {
          return yield* failed(new AiError.InvalidRequestError({ description: `${key}: ${inputs.join()}` }))
        }
        if (response.status >= 500) {
          return yield* failed(new AiError.InternalProviderError({ description: `${key}: ${inputs.join()}` }))
        }
        const body: unknown = yield* response.json
        const data = typeof body === "object" && body !== null ? Reflect.get(body, "data") : undefined
        if (!Array.isArray(data)) {
          return yield* failed(new AiError.InvalidOutputError({ description: JSON.stringify(body) }))
        }
        return { results: data.map((item) => item.embedding), usage: { inputTokens: undefined } }
      }).pipe(
        Effect.catchTag("HttpClientError", (error) =>
          Effect.fail(failed(
            error.reason._tag === "DecodeError" || error.reason._tag === "EmptyBodyError"
              ? new AiError.InvalidOutputError({ description: key })
              : new AiError.UnknownError({ description: `${key}: ${inputs.join()}` })
          )))
      )
  })
})

type Kind = keyof typeof kinds

const network = Layer.merge(UndiciHttpClient.layer(), FaultServer.layer)

/** Wraps the embedder at hand. */
const resilient = (options: ResilientOptions) =>
  Layer.provide(Embedder.layerResilient(options), CircuitBreaker.layerMemory())

const on = <A, E>(kind: Kind, test: Effect.Effect<A, E, Embedder | FaultServer>) =>
  test.pipe(
    Effect.provide(Layer.provideMerge(kinds[kind], network)),
    Effect.timeout("10 seconds")
  )

const embed = (text: string) => Embedder.use((embedder) => embedder.embed(text))
const embedMany = (texts: ReadonlyArray<string>) => Embedder.use((embedder) => embedder.embedMany(texts))
const requests = Effect.map(FaultServer, (server) => server.counts().received)

for (const kind of ["local", "OpenAI over HTTP", "an EmbeddingModel"] as const) {
  describe(`${kind}: the embedder`, () => {
    it.live("gives unit vectors of its dimensions, nearer for texts that say the same", () =>
      on(
        kind,
        Effect.gen(function*() {
          const embedder = yield* Embedder
          assert.strictEqual(embedder.dimensions, dimensions)
          assert.isNotEmpty(embedder.name)
          const [tea, same, other] = yield* embedder.embedMany([
            "Write a post about tea",
            "Please write a post about tea",
            "Explain how a jet engine works"
          ])
          assert.isDefined(tea)
          assert.isDefined(same)
          assert.isDefined(other)
          if (tea === undefined || same === undefined || other === undefined) return
          for (const vector of [tea, same, other]) {
            assert.strictEqual(vector.length, dimensions)
            assert.closeTo(similarity(vector, vector), 1, 1e-5)
          }
          assert.isAbove(similarity(tea, same), similarity(tea, other))
        })
      ))

    it.live("gives many texts the vectors that it gives each of them, in their order", () =>
      on(
        kind,
        Effect.gen(function*() {
          const texts = Array.from({ length: 250 }, (_, n) => `Write about subject number ${n}`)
          const many = yield* embedMany(texts)
          assert.strictEqual(many.length, texts.length)
          if (kind !== "local") assert.strictEqual(yield* requests, 3)
          for (const index of [0, 95, 96, 249]) {
            assert.deepStrictEqual(many[index], yield* embed(texts[index] ?? ""))
          }
        })
      ))

    it.live("takes no text, the empty text, emoji and half a character", () =>
      on(
        kind,
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* embedMany([]), [])
          assert.strictEqual(yield* requests, 0)
          for (const text of ["", "🫖", "\ud83e"]) assert.strictEqual((yield* embed(text)).length, dimensions)
        })
      ))
  })
}

const embeddingsOf = (vectors: ReadonlyArray<unknown>, indexes = vectors.map((_, index) => index)) => ({
  data: vectors.map((embedding, at) => ({ index: indexes[at], embedding }))
})
const unit = Array.from({ length: dimensions }, (_, n) => n === 0 ? 1 : 0)
const says = (body: unknown): Mode => (call) => call.json(200, body)

const faults: Record<string, readonly [mode: Mode, reason: EmbeddingFailure]> = {
  "hangs": [Mode.hangBeforeHeaders, "timeout"],
  "hangs in its body": [Mode.hangInBody, "timeout"],
  "sends its body byte by byte": [Mode.drip(50), "timeout"],
  "sends a body without end": [Mode.endlessBody, "malformed"],
  "limits the rate": [Mode.rateLimited("7"), "rate_limited"],
  "fails": [Mode.status(500), "unavailable"],
  "refuses the texts": [Mode.status(400), "rejected"],
  "resets the connection": [Mode.resetBeforeHeaders, "unavailable"],
  "closes without a word": [Mode.closeWithoutResponse, "unavailable"],
  "cuts its body": [Mode.cutBody, "malformed"],
  "sends half of its JSON": [Mode.truncatedJson, "malformed"],
  "sends garbage": [Mode.garbage, "malformed"],
  "sends HTML": [Mode.html, "malformed"],
  "sends an error object with 200": [Mode.errorObject, "malformed"],
  "sends no embedding": [Mode.emptyChoices, "malformed"],
  "sends one too few": [says(embeddingsOf([unit])), "malformed"],
  "sends one too many": [says(embeddingsOf([unit, unit, unit])), "malformed"],
  "sends other dimensions": [says(embeddingsOf([[1, 2], [3, 4]])), "malformed"],
  "sends the zero vector": [says(embeddingsOf([unit, unit.map(() => 0)])), "malformed"]
}

const openAiFaults: typeof faults = {
  "refuses the key": [Mode.status(401), "unauthorized"],
  "sends one index twice": [says(embeddingsOf([unit, unit], [0, 0])), "malformed"],
  "sends an index that is none": [says(embeddingsOf([unit, unit], [1, 2])), "malformed"],
  "leaves the indexes out": [says({ data: [{ embedding: unit }, { embedding: unit }] }), "malformed"],
  "sends null among the numbers": [says(embeddingsOf([unit, unit.map(() => null)])), "malformed"]
}

for (const kind of ["OpenAI over HTTP", "an EmbeddingModel"] as const) {
  describe(`${kind}: an endpoint that`, () => {
    for (
      const [what, [mode, reason]] of Object.entries(
        kind === "an EmbeddingModel" ? faults : { ...faults, ...openAiFaults }
      )
    ) {
      it.live(`${what} fails in time, as ${reason}, without the key or a text`, () =>
        on(
          kind,
          Effect.gen(function*() {
            const server = yield* FaultServer
            yield* server.respondWith(mode)
            const exit = yield* Effect.exit(embedMany([secretText, "tea"]))
            assert.isTrue(Exit.isFailure(exit))
            const error = yield* Effect.flip(exit)
            assert.strictEqual(error._tag, "EmbeddingFailed")
            assert.strictEqual(error.reason, reason)
            const shown = inspect(error, { depth: null, showHidden: true }) + JSON.stringify(error) + error.message
            assert.notInclude(shown, key)
            assert.notInclude(shown, secretText)
            assert.isAtMost(server.counts().received, 2)
            // Nothing of a failed request stays open.
            yield* server.until(({ inFlight }) => inFlight === 0)
          }).pipe(Effect.provide(resilient({ batchTimeout: reason === "timeout" ? "200 millis" : "9 seconds" })))
        ))
    }

    it.live("is asked by 32 lookups at a time with one request, and answers them all", () =>
      on(
        kind,
        Effect.gen(function*() {
          const texts = Array.from({ length: 32 }, (_, n) => `Write about subject number ${n}`)
          const vectors = yield* Effect.forEach(texts, embed, { concurrency: "unbounded" })
          assert.strictEqual(yield* requests, 1)
          assert.deepStrictEqual(vectors, yield* embedMany(texts))
        }).pipe(Effect.provide(resilient({ timeout: "5 seconds" })))
      ))

    it.live("is let go by a caller that leaves", () =>
      on(
        kind,
        Effect.gen(function*() {
          const server = yield* FaultServer
          yield* server.respondWith(Mode.hangBeforeHeaders)
          const calls = [embed("tea"), embedMany(["tea", "cake"])]
          yield* Effect.raceFirst(
            Effect.all(calls, { concurrency: 2 }),
            server.until(({ inFlight }) => inFlight === 2)
          )
          yield* server.until(({ aborted }) => aborted === 2)
        })
      ))
  })
}

describe("OpenAI over HTTP: an answer in another order", () => {
  it.live("is put in the order of the texts", () =>
    on(
      "OpenAI over HTTP",
      Effect.gen(function*() {
        const server = yield* FaultServer
        const second = unit.toReversed()
        yield* server.respondWith(says(embeddingsOf([second, unit], [1, 0])))
        assert.deepStrictEqual(yield* embedMany(["a", "b"]), [Float32Array.from(unit), Float32Array.from(second)])
      })
    ))

  it.live("is to a list of texts within its limits, a longer text alone and as a string", () =>
    Effect.gen(function*() {
      const { calls, openAiUrl: baseUrl } = yield* FaultServer
      yield* Effect.provide(
        embedMany(["a", "b", "c", "x".repeat(20), "d"]),
        Embedder.layerOpenAi({ baseUrl, model: "small", dimensions, maxTexts: 2, maxCharacters: 10 })
      )
      assert.deepStrictEqual(calls().map(({ body }) => body), [
        { model: "small", input: ["a", "b"] },
        { model: "small", input: "c" },
        { model: "small", input: "x".repeat(20) },
        { model: "small", input: "d" }
      ])
    }).pipe(Effect.provide(network)))
})
