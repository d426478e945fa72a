/** Any `effect/ai` embedding model, one request. */
import { Effect } from "effect"
import type { AiError, EmbeddingModel } from "effect/ai"
import { EmbeddingFailed, type EmbeddingFailure } from "../../domain/errors.ts"
import type { AskModel, BatchOptions } from "./EmbedderApi.ts"

/** What a model of `effect/ai` does not tell by itself. */
export interface ModelEmbeddings extends BatchOptions {
  /** Names the vector space, for example `voyage:voyage-3.5`: change it whenever the model changes. */
  readonly name: string
  /** What the model returns: an embedding of any other size is refused. */
  readonly dimensions: number
}

/**
 * Always by `embedMany`, for a single text too: the model's own `embed` joins calls into a request that nobody can
 * interrupt any more, so that a deadline would leave it running.
 */
export const askModel = (name: string, model: EmbeddingModel.EmbeddingModel): AskModel => (texts) =>
  model.embedMany(texts).pipe(
    Effect.map(({ embeddings }) => embeddings.map(({ vector }) => vector)),
    Effect.mapError((error) => toFailed(name, error)),
    Effect.catchDefect(() =>
      Effect.fail(
        new EmbeddingFailed({ embedder: name, reason: "unavailable", cause: new Error("the model broke down") })
      )
    )
  )

/** Only what kind of error it was: descriptions may quote the request. */
const toFailed = (embedder: string, { reason, retryAfter }: AiError.AiError): EmbeddingFailed =>
  new EmbeddingFailed({
    embedder,
    reason: reasonOf(reason),
    cause: new Error(reason._tag),
    ...retryAfter === undefined ? {} : { retryAfter }
  })

const reasonOf = (reason: AiError.AiErrorReason): EmbeddingFailure => {
  switch (reason._tag) {
    case "RateLimitError":
    case "QuotaExhaustedError":
      return "rate_limited"
    case "AuthenticationError":
      return "unauthorized"
    case "ContentPolicyError":
    case "InvalidRequestError":
    case "InvalidUserInputError":
      return "rejected"
    case "InvalidOutputError":
    case "InvalidResponseError":
    case "StructuredOutputError":
      return "malformed"
    default:
      return "unavailable"
  }
}
