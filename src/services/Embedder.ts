/** Turns a text into a unit vector, so that prompts can be compared. */
import { Context, Effect, Layer, Predicate, type Redacted, Schema } from "effect"
import { HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import { EmbeddingFailed } from "../domain/errors.ts"
import { dimensions, textVector, toUnitLength } from "../domain/TextVector.ts"

/** An endpoint that speaks OpenAI's `/embeddings`. */
export interface OpenAiEmbeddings {
  /** Up to and including `/v1`. */
  readonly baseUrl: string
  readonly apiKey?: Redacted.Redacted | undefined
  readonly model: string
  /** What the model returns: an embedding of any other size is refused. */
  readonly dimensions: number
}

export class Embedder extends Context.Service<Embedder, {
  /**
   * Names the vector space: implementation, version and model. Vectors of different names are never compared,
   * so a change of the algorithm is a change of the name.
   */
  readonly name: string
  readonly dimensions: number
  /** A vector of `dimensions` numbers and length 1. Slow embedders are bounded by the caller. */
  readonly embed: (text: string) => Effect.Effect<Float32Array, EmbeddingFailed>
  /** The vectors of several texts, in their order, in as few requests as the endpoint takes. */
  readonly embedMany: (
    texts: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<Float32Array>, EmbeddingFailed>
}>()("understudy/services/Embedder") {
  /** No network and no weights: hashed words, see `domain/TextVector.ts`. Never fails; well below 1 ms for a prompt. */
  static readonly layerLocal: Layer.Layer<Embedder> = Layer.sync(Embedder, () =>
    Embedder.of({
      name: "local-2",
      dimensions,
      embed: (text) => Effect.sync(() => textVector(text)),
      embedMany: (texts) => Effect.sync(() => texts.map((text) => textVector(text)))
    }))

  /**
   * `POST {baseUrl}/embeddings`, decoded strictly and brought to length 1. Everything that goes wrong, defects of the
   * client included, is an `EmbeddingFailed` that holds neither the key nor the text nor the response. No timeout.
   */
  static readonly layerOpenAi = (
    options: OpenAiEmbeddings
  ): Layer.Layer<Embedder, never, HttpClient.HttpClient> =>
    Layer.effect(
      Embedder,
      Effect.gen(function*() {
        const client = yield* HttpClient.HttpClient
        return Embedder.of(openAi(options, client))
      })
    )
}

const Embeddings = Schema.Struct({
  data: Schema.NonEmptyArray(Schema.Struct({ embedding: Schema.Array(Schema.Finite) }))
})

const decodeEmbeddings = Schema.decodeUnknownEffect(Embeddings)

const openAi = (options: OpenAiEmbeddings, client: HttpClient.HttpClient): Embedder["Service"] => {
  const name = `openai:${options.model}`
  const failed = (detail: string) => new EmbeddingFailed({ embedder: name, cause: new Error(detail) })
  const request = HttpClientRequest.post(`${options.baseUrl.replace(/\/+$/u, "")}/embeddings`).pipe(
    HttpClientRequest.acceptJson,
    options.apiKey === undefined ? (same) => same : HttpClientRequest.bearerToken(options.apiKey)
  )

  const embed = Effect.fn("Embedder.embed")(
    function*(text: string) {
      const response = yield* client.execute(
        HttpClientRequest.bodyJsonUnsafe(request, { model: options.model, input: text })
      )
      if (response.status < 200 || response.status > 299) {
        const hint = response.status === 401 || response.status === 403 ? ": check EMBEDDING_API_KEY" : ""
        return yield* failed(`status ${response.status}${hint}`)
      }
      const { data: [{ embedding }] } = yield* decodeEmbeddings(yield* response.json)
      if (embedding.length !== options.dimensions) {
        return yield* failed(`the embedding has ${embedding.length} dimensions, ${options.dimensions} are configured`)
      }
      return toUnitLength(embedding) ?? (yield* failed("the embedding is all zero"))
    },
    Effect.catchTags({
      HttpClientError: (error) => failed(describe(error)),
      SchemaError: () => failed("the body holds no embedding of finite numbers at data[0].embedding")
    }),
    Effect.catchDefect(() => failed("the HTTP client broke down (is the key a valid header value?)"))
  )

  return { name, dimensions: options.dimensions, embed, embedMany: (texts) => Effect.forEach(texts, embed) }
}

/** What is safe to show: the client's own messages and causes may quote headers, URL and body. */
const describe = (error: HttpClientError.HttpClientError): string => {
  switch (error.reason._tag) {
    case "InvalidUrlError":
      return "the base URL is no URL: check EMBEDDING_BASE_URL"
    case "DecodeError":
    case "EmptyBodyError":
      return "the body is no JSON"
    default: {
      const code = systemCode(error.cause)
      return `no answer${code === undefined ? "" : ` (${code})`}`
    }
  }
}

/** `ECONNREFUSED` and the like, from the cause or the cause's cause. */
const systemCode = (cause: unknown): string | undefined => {
  if (Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) && /^[A-Z][A-Z_]+$/u.test(cause.code)) {
    return cause.code
  }
  return Predicate.hasProperty(cause, "cause") ? systemCode(cause.cause) : undefined
}
