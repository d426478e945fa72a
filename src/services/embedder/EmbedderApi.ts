/** The shape of an embedder, and of what its kinds have in common. */
import { Array, Effect } from "effect"
import { EmbeddingFailed, type EmbeddingFailure } from "../../domain/errors.ts"
import { batchesOf, type BatchLimits, defaultBatchLimits } from "../../domain/similarity/Embedding.ts"
import { toUnitLength } from "../../domain/similarity/TextVector.ts"

/** What an embedder is and does; write one of your own with `Embedder.of`. */
export interface EmbedderApi {
  /**
   * Names the vector space: implementation, version and model. Vectors of different names are never compared,
   * so a change of the algorithm is a change of the name.
   */
  readonly name: string
  readonly dimensions: number
  /** It costs less than a round trip to a database, so it may be asked before it is known to be needed. */
  readonly isInstant?: boolean | undefined
  /** A vector of `dimensions` numbers and length 1. Slow embedders are bounded by the caller or by `layerResilient`. */
  readonly embed: (text: string) => Effect.Effect<Float32Array, EmbeddingFailed>
  /** The vectors of several texts, in their order, in as few requests as the endpoint takes. */
  readonly embedMany: (
    texts: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<Float32Array>, EmbeddingFailed>
}

/** What one request to a model may hold. */
export interface BatchOptions {
  /** Texts in one request. Default 96. */
  readonly maxTexts?: number | undefined
  /** Characters of all texts in one request; a longer text goes alone. Default 200,000. */
  readonly maxCharacters?: number | undefined
}

export const limitsOf = (options: BatchOptions): BatchLimits => ({
  maxTexts: options.maxTexts ?? defaultBatchLimits.maxTexts,
  maxCharacters: options.maxCharacters ?? defaultBatchLimits.maxCharacters
})

/** A failure in our own words, so that it never holds what the other side or a library says: key, text or response. */
export const failedAs = (embedder: string) => (reason: EmbeddingFailure, detail: string): EmbeddingFailed =>
  new EmbeddingFailed({ embedder, reason, cause: new Error(detail) })

/** One request: the raw embeddings of its texts, in their order. */
export type AskModel = (
  texts: ReadonlyArray<string>
) => Effect.Effect<ReadonlyArray<ReadonlyArray<number>>, EmbeddingFailed>

interface ModelOptions extends BatchOptions {
  readonly name: string
  readonly dimensions: number
}

/** An embedder over a model that takes several texts at once; whatever it answers is checked and brought to length 1. */
export const makeFromModel = (options: ModelOptions, ask: AskModel): EmbedderApi => {
  const { dimensions, name } = options
  const limits = limitsOf(options)
  const failed = failedAs(name)

  const toVector = (numbers: ReadonlyArray<number>): Effect.Effect<Float32Array, EmbeddingFailed> => {
    if (numbers.length !== dimensions) {
      return Effect.fail(
        failed("malformed", `the embedding has ${numbers.length} dimensions, ${dimensions} are configured`)
      )
    }
    if (!numbers.every(Number.isFinite)) return Effect.fail(failed("malformed", "the embedding is not all finite"))
    const vector = toUnitLength(numbers)
    return vector === undefined ? Effect.fail(failed("malformed", "the embedding is all zero")) : Effect.succeed(vector)
  }

  const request = Effect.fnUntraced(function*(texts: ReadonlyArray<string>) {
    const embeddings = yield* ask(texts)
    if (embeddings.length !== texts.length) {
      return yield* failed("malformed", `${embeddings.length} embeddings for ${texts.length} texts`)
    }
    return yield* Effect.forEach(embeddings, toVector)
  })

  return {
    name,
    dimensions,
    embed: Effect.fn("Embedder.embed")(function*(text) {
      const vectors = yield* request([text])
      return vectors[0] ?? (yield* failed("malformed", "0 embeddings for 1 texts"))
    }),
    embedMany: Effect.fn("Embedder.embedMany")(function*(texts) {
      return Array.flatten(yield* Effect.forEach(batchesOf(texts, limits), request))
    })
  }
}
