import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Layer, Redacted, Ref } from "effect"
import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "effect/http"
import { inspect } from "node:util"
import { textVector } from "../../src/domain/similarity/TextVector.ts"
import { Embedder } from "../../src/services/Embedder.ts"

const key = "sk-secret-0123456789"

const options = {
  baseUrl: "http://embeddings.test/v1",
  apiKey: Redacted.make(key),
  model: "small",
  dimensions: 2
}

type Answer = (request: HttpClientRequest.HttpClientRequest) => Effect.Effect<Response, HttpClientError.HttpClientError>

const withAnswer = (answer: Answer, changed: Partial<typeof options> = {}) =>
  Embedder.layerOpenAi({ ...options, ...changed }).pipe(Layer.provide(Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request) =>
      Effect.map(answer(request), (response) => HttpClientResponse.fromWeb(request, response))
    )
  )))

const json = (body: unknown, status = 200): Answer => () => Effect.succeed(Response.json(body, { status }))

const embedding = (numbers: ReadonlyArray<unknown>) => ({ data: [{ index: 0, embedding: numbers }], model: "small" })

const embed = (text: string) => Effect.flatMap(Embedder, (embedder) => embedder.embed(text))

describe("the local embedder", () => {
  it.effect("gives the text's vector under a versioned name", () =>
    Effect.gen(function*() {
      const embedder = yield* Embedder
      assert.strictEqual(embedder.name, "local-2")
      const vector = yield* embedder.embed("Write a blog post about tea")
      assert.strictEqual(vector.length, embedder.dimensions)
      assert.deepStrictEqual(vector, textVector("Write a blog post about tea"))
    }).pipe(Effect.provide(Embedder.layerLocal)))
})

describe("the OpenAI embedder", () => {
  it.effect("posts model, input and key, and brings the embedding to length 1", () =>
    Effect.gen(function*() {
      const seen = yield* Ref.make<ReadonlyArray<HttpClientRequest.HttpClientRequest>>([])
      const layer = withAnswer(
        (request) => Effect.andThen(Ref.set(seen, [request]), Effect.succeed(Response.json(embedding([3, 4])))),
        { baseUrl: "http://embeddings.test/v1/" }
      )
      yield* Effect.gen(function*() {
        const embedder = yield* Embedder
        assert.strictEqual(embedder.name, "openai:small")
        assert.strictEqual(embedder.dimensions, 2)
        assert.deepStrictEqual(yield* embedder.embed("tea"), Float32Array.of(0.6, 0.8))
      }).pipe(Effect.provide(layer))
      const [request] = yield* Ref.get(seen)
      assert.strictEqual(request?.method, "POST")
      assert.strictEqual(request?.url, "http://embeddings.test/v1/embeddings")
      assert.strictEqual(request?.headers["authorization"], `Bearer ${key}`)
      const body = request === undefined ? "" : yield* Effect.promise(() => webBody(request))
      assert.deepStrictEqual(JSON.parse(body), { model: "small", input: "tea" })
    }))

  it.effect.each([
    { title: "a refused key", answer: json({ error: { message: `bad key ${key}` } }, 401), says: "EMBEDDING_API_KEY" },
    { title: "an overloaded server", answer: json({}, 503), says: "status 503" },
    { title: "a redirect", answer: json({}, 302), says: "status 302" },
    { title: "HTML", answer: () => Effect.succeed(new Response("<html>")), says: "no JSON" },
    { title: "an empty body", answer: () => Effect.succeed(new Response("")), says: "data[0].embedding" },
    { title: "an error object under 200", answer: json({ error: { message: key } }), says: "data[0].embedding" },
    { title: "no data", answer: json({ data: [] }), says: "data[0].embedding" },
    { title: "words for numbers", answer: json(embedding(["0.1", "NaN"])), says: "data[0].embedding" },
    { title: "null for a number", answer: json(embedding([0.1, null])), says: "data[0].embedding" },
    { title: "other dimensions", answer: json(embedding([1, 2, 3])), says: "3 dimensions, 2 are configured" },
    { title: "the zero vector", answer: json(embedding([0, 0])), says: "all zero" },
    {
      title: "a number beyond the doubles",
      answer: () => Effect.succeed(new Response(`{"data":[{"embedding":[1e999,1]}]}`)),
      says: "data[0].embedding"
    },
    {
      title: "no connection",
      answer: (request: HttpClientRequest.HttpClientRequest) =>
        Effect.fail(
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.TransportError({
              request,
              description: `Bearer ${key}`,
              cause: new TypeError(key, { cause: Object.assign(new Error(key), { code: "ECONNREFUSED" }) })
            })
          })
        ),
      says: "ECONNREFUSED"
    },
    { title: "a client that throws", answer: () => Effect.die(new TypeError(`Bearer ${key}`)), says: "broke down" }
  ])("turns $title into EmbeddingFailed, without the key", ({ answer, says }) =>
    Effect.gen(function*() {
      const exit = yield* Effect.sandbox(embed("tea")).pipe(Effect.flip, Effect.provide(withAnswer(answer)))
      const error = Cause.squash(exit)
      assert.propertyVal(error, "_tag", "EmbeddingFailed")
      assert.include(String(error), says)
      assert.notInclude(inspect(error, { depth: null, showHidden: true }) + JSON.stringify(error), key)
      assert.notInclude(Cause.pretty(exit), key)
    }))

  it.effect("turns a base URL that is none into EmbeddingFailed", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(embed("tea"))
      assert.include(error.message, "EMBEDDING_BASE_URL")
    }).pipe(Effect.provide(withAnswer(json(embedding([1, 0])), { baseUrl: "http://[" }))))
})

const webBody = (request: HttpClientRequest.HttpClientRequest): Promise<string> =>
  new Response(request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : "").text()
