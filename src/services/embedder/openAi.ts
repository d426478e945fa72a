/** OpenAI's `/embeddings`, one request. Failures say what is safe to show, and never hold the key or a text. */
import { Clock, Effect, Predicate, type Redacted, Schema } from "effect"
import { type HttpClient, type HttpClientError, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { EmbeddingFailed, type EmbeddingFailure } from "../../domain/errors.ts"
import { parseRetryAfter } from "../../domain/ladder/RetryAfter.ts"
import { inOrder } from "../../domain/similarity/Embedding.ts"
import { serverOf } from "../Providers.ts"
import { embeddingsSpan } from "../telemetry/genAi.ts"
import { type AskModel, type BatchOptions, failedAs } from "./EmbedderApi.ts"

/** An endpoint that speaks OpenAI's `/embeddings`. */
export interface OpenAiEmbeddings extends BatchOptions {
  /** Up to and including `/v1`. */
  readonly baseUrl: string
  readonly apiKey?: Redacted.Redacted | undefined
  readonly model: string
  /** What the model returns: an embedding of any other size is refused. */
  readonly dimensions: number
}

/** One check for all numbers: `Schema.Array(Schema.Finite)` takes 6 to 80 ms for the 150,000 of a batch, this one 1 ms. */
const Numbers = Schema.declare((value: unknown): value is ReadonlyArray<number> =>
  Array.isArray(value) && value.every(Number.isFinite)
)

const Embeddings = Schema.Struct({
  data: Schema.NonEmptyArray(Schema.Struct({ index: Schema.optional(Schema.Int), embedding: Numbers }))
})

const decodeEmbeddings = Schema.decodeUnknownEffect(Embeddings)

export const askOpenAi = (name: string, options: OpenAiEmbeddings, client: HttpClient.HttpClient): AskModel => {
  const failed = failedAs(name)
  const request = HttpClientRequest.post(`${options.baseUrl.replace(/\/+$/u, "")}/embeddings`).pipe(
    HttpClientRequest.acceptJson,
    options.apiKey === undefined ? (same) => same : HttpClientRequest.bearerToken(options.apiKey)
  )

  const refusal = Effect.fnUntraced(function*({ headers, status }: HttpClientResponse.HttpClientResponse) {
    const retryAfter = parseRetryAfter(headers["retry-after"], yield* Clock.currentTimeMillis)
    return new EmbeddingFailed({
      embedder: name,
      reason: reasonOf(status),
      cause: new Error(`status ${status}${hintOf(status)}`),
      ...retryAfter === undefined ? {} : { retryAfter }
    })
  })

  const { dimensions, model } = options
  const server = serverOf(options.baseUrl)

  return Effect.fnUntraced(
    function*(texts: ReadonlyArray<string>) {
      const [text] = texts
      // A single text goes as a string: not every server takes a list.
      const input = texts.length === 1 ? text : texts
      const response = yield* client.execute(
        HttpClientRequest.bodyJsonUnsafe(request, { model: options.model, input })
      )
      if (response.status < 200 || response.status > 299) return yield* (yield* refusal(response))
      const { data } = yield* decodeEmbeddings(yield* response.json)
      const embeddings = inOrder(data, texts.length)
      return typeof embeddings === "string" ? yield* failed("malformed", embeddings) : embeddings
    },
    Effect.catchTags({
      HttpClientError: (error) => describe(error, failed),
      SchemaError: () => failed("malformed", "the body holds no embedding of finite numbers at data[0].embedding")
    }),
    Effect.catchDefect(() => failed("unavailable", "the HTTP client broke down (is the key a valid header value?)")),
    (self, texts) => embeddingsSpan({ model, dimensions, server, count: texts.length }, self)
  )
}

const reasonOf = (status: number): EmbeddingFailure => {
  switch (status) {
    case 401:
    case 402:
    case 403:
      return "unauthorized"
    case 429:
      return "rate_limited"
    case 400:
    case 413:
    case 422:
      return "rejected"
    default:
      return "unavailable"
  }
}

const hintOf = (status: number): string => {
  if (status === 401 || status === 403) return ": check EMBEDDING_API_KEY"
  return status === 404 ? ": check EMBEDDING_BASE_URL and EMBEDDING_MODEL" : ""
}

/** What is safe to show: the client's own messages and causes may quote headers, URL and body. */
const describe = (
  error: HttpClientError.HttpClientError,
  failed: ReturnType<typeof failedAs>
): EmbeddingFailed => {
  switch (error.reason._tag) {
    case "InvalidUrlError":
      return failed("unavailable", "the base URL is no URL: check EMBEDDING_BASE_URL")
    case "DecodeError":
    case "EmptyBodyError":
      return failed("malformed", "the body is no JSON, was cut short or is too large")
    default: {
      const code = systemCode(error.cause)
      return failed("unavailable", `no answer${code === undefined ? "" : ` (${code})`}`)
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
