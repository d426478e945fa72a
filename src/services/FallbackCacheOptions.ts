/** What both implementations of the fallback cache can be told, and what they count. */
import { Cause, Duration, Effect, Metric, Option } from "effect"
import { EmbeddingFailed } from "../domain/errors.ts"
import { defaultMinSimilarity } from "../domain/TextVector.ts"
import type { Embedder } from "./Embedder.ts"

export interface FallbackCacheOptions {
  /** Cosine from which on a prompt counts as the same wish, 0 to 1. The default suits `Embedder.layerLocal`. */
  readonly minSimilarity?: number | undefined
  /** Older entries are never found. Default 30 days. */
  readonly maxAgeMillis?: number | undefined
  /** Without a vector in time only the exact match works. Default 250 milliseconds. */
  readonly embedTimeout?: Duration.Input | undefined
  /** Bound of a whole lookup. Default 1 second. */
  readonly storeTimeout?: Duration.Input | undefined
  /** Answers that may wait to be stored; more are dropped. Default 1024. */
  readonly queueCapacity?: number | undefined
  /** Answers stored in one go. Default 64. */
  readonly batchSize?: number | undefined
}

export const withDefaults = (options: FallbackCacheOptions) => ({
  minSimilarity: options.minSimilarity ?? defaultMinSimilarity,
  maxAgeMillis: options.maxAgeMillis ?? Duration.toMillis("30 days"),
  embedTimeout: options.embedTimeout ?? "250 millis",
  storeTimeout: options.storeTimeout ?? "1 second",
  queueCapacity: options.queueCapacity ?? 1024,
  batchSize: options.batchSize ?? 64
})

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })

export const remembered = counter("understudy_cache_remembered_total", "Live answers stored for later")
export const dropped = counter(
  "understudy_cache_dropped_total",
  "Live answers not stored because the queue was full, or they were too long"
)
export const failed = counter("understudy_cache_failed_total", "Live answers not stored because the store failed")
const unembedded = counter(
  "understudy_cache_embedding_failed_total",
  "Prompts without a vector: the embedder failed or was too slow"
)

/** The vectors of several texts at once, or none for all of them; with a warning, because somebody waits for them. */
export const makeEmbedMany = (embedder: Embedder["Service"], timeout: Duration.Input) =>
  Effect.fnUntraced(function*(texts: ReadonlyArray<string>) {
    return yield* Effect.suspend(() => embedder.embedMany(texts)).pipe(
      Effect.timeout(timeout),
      Effect.filterOrFail(
        (vectors) =>
          vectors.length === texts.length &&
          vectors.every((vector) => vector.length === embedder.dimensions && vector.every(Number.isFinite)),
        () => new EmbeddingFailed({ embedder: embedder.name, cause: "not a vector of its dimensions for each text" })
      ),
      Effect.map((vectors): ReadonlyArray<Option.Option<Float32Array>> => vectors.map(Option.some)),
      Effect.catch((error) =>
        Metric.update(unembedded, texts.length).pipe(
          Effect.andThen(
            Effect.logWarning(`${texts.length} answers are found by their exact prompts only: ${error.message}`)
          ),
          Effect.as(texts.map(() => Option.none<Float32Array>()))
        )
      )
    )
  })

/** The vector, or none when the embedder fails, is too slow or answers with something that is no vector of its own. */
export const makeEmbed = (embedder: Embedder["Service"], timeout: Duration.Input) =>
  Effect.fnUntraced(function*(text: string): Effect.fn.Return<Option.Option<Float32Array>> {
    return yield* Effect.suspend(() => embedder.embed(text)).pipe(
      Effect.timeout(timeout),
      Effect.filterOrFail(
        (vector) => vector.length === embedder.dimensions && vector.every(Number.isFinite),
        () => new EmbeddingFailed({ embedder: embedder.name, cause: "not a vector of its dimensions" })
      ),
      Effect.asSome,
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Metric.update(unembedded, 1).pipe(
          Effect.andThen(Effect.logDebug("no vector, so only the exact match works", cause)),
          Effect.as(Option.none())
        )
      )
    )
  })
