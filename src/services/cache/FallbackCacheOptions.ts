/** What both implementations of the fallback cache can be told, and what they count. */
import { type Cause, Duration, Effect, Metric, Option } from "effect"
import { EmbeddingFailed } from "../../domain/errors.ts"
import { defaultMinSimilarity } from "../../domain/similarity/TextVector.ts"
import type { Embedder } from "../Embedder.ts"

/** What may stand in, how much is kept, and how long a lookup may take. */
export interface FallbackCacheOptions {
  /** Cosine from which on a prompt counts as the same wish, 0 to 1. The default suits `Embedder.layerLocal`. */
  readonly minSimilarity?: number | undefined
  /** Older entries are never found. Default 30 days. */
  readonly maxAgeMillis?: number | undefined
  /**
   * Without a vector in time only the exact match works. Default 250 milliseconds. Infinity for an embedder that bounds
   * itself (`Embedder.layerResilient`) or needs no bound (`Embedder.layerLocal`): then no timer is set.
   */
  readonly embedTimeout?: Duration.Input | undefined
  /** Bound of a whole lookup. Default 1 second. */
  readonly storeTimeout?: Duration.Input | undefined
  /** Answers that may wait to be stored; more are dropped. Default 1024. */
  readonly queueCapacity?: number | undefined
  /** Answers stored in one go. Default 64. */
  readonly batchSize?: number | undefined
  /** Answers kept per namespace; the least useful make room. Default 20,000 in a database, 1,000 in memory. */
  readonly maxEntries?: number | undefined
  /** `false`: hashes and vectors of prompts are kept, and no prompt. Default `true`. */
  readonly storePrompts?: boolean | undefined
  /** How long upkeep of a database (purge, eviction, new vectors) rests between two rounds. Default 10 seconds. */
  readonly upkeepEvery?: Duration.Input | undefined
}

export const withDefaults = (options: FallbackCacheOptions) => ({
  minSimilarity: options.minSimilarity ?? defaultMinSimilarity,
  maxAgeMillis: options.maxAgeMillis ?? Duration.toMillis("30 days"),
  embedTimeout: options.embedTimeout ?? "250 millis",
  storeTimeout: options.storeTimeout ?? "1 second",
  queueCapacity: options.queueCapacity ?? 1024,
  batchSize: options.batchSize ?? 64,
  storePrompts: options.storePrompts ?? true,
  upkeepEvery: options.upkeepEvery ?? "10 seconds"
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

/** Off the answer's path: an embedder that hangs must not stop what is remembered. */
const batchTimeout = "15 seconds"

/** The vector, or none when the embedder fails, is too slow or answers with something that is no vector of its own. */
export const makeEmbed = (embedder: Embedder["Service"], timeout: Duration.Input) => {
  const isBounded = Duration.isFinite(Duration.fromInputUnsafe(timeout))
  return Effect.fnUntraced(function*(text: string): Effect.fn.Return<Option.Option<Float32Array>> {
    return yield* Effect.suspend(() => embedder.embed(text)).pipe(
      (embedding) => isBounded ? Effect.timeout(embedding, timeout) : embedding,
      Effect.filterOrFail(isVectorOf(embedder), () => noVector(embedder)),
      Effect.asSome,
      Effect.catchCause((cause) => Effect.as(withoutVectors(cause, 1), Option.none()))
    )
  })
}

/** The vectors of several texts at once, or none of them: upkeep makes up for them later. */
export const makeEmbedMany = (embedder: Embedder["Service"]) =>
  Effect.fnUntraced(function*(texts: ReadonlyArray<string>): Effect.fn.Return<ReadonlyArray<Float32Array>> {
    return yield* Effect.suspend(() => embedder.embedMany(texts)).pipe(
      Effect.timeout(batchTimeout),
      Effect.filterOrFail(
        (vectors) => vectors.length === texts.length && vectors.every(isVectorOf(embedder)),
        () => noVector(embedder)
      ),
      Effect.catchCause((cause) => Effect.as(withoutVectors(cause, texts.length), []))
    )
  })

const isVectorOf = ({ dimensions }: Embedder["Service"]) => (vector: Float32Array): boolean =>
  vector.length === dimensions && vector.every(Number.isFinite)

const noVector = ({ name }: Embedder["Service"]) =>
  new EmbeddingFailed({ embedder: name, cause: "not a vector of its dimensions" })

/** Also for a cause of interrupts only: that was the embedder's own, whoever is interrupted does not get here. */
const withoutVectors = (cause: Cause.Cause<unknown>, texts: number): Effect.Effect<void> =>
  Effect.andThen(
    Metric.update(unembedded, texts),
    Effect.logDebug("no vector, so only the exact match works", cause)
  )
