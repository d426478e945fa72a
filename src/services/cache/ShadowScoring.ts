/**
 * Measures the cache on live traffic: what would it have served in place of a live answer, and how near was that to it?
 * A layer over a cache, which behaves as before.
 */
import { type Cause, type Duration, Effect, Exit, Layer, Metric, Option, Queue, Random, type Scope } from "effect"
import { lengthOf } from "../../domain/CacheEntry.ts"
import { similarity } from "../../domain/similarity/TextVector.ts"
import { Embedder } from "../Embedder.ts"
import { type CacheMatch, type CacheQuery, FallbackCache, type RememberedAnswer } from "../FallbackCache.ts"

/** How much is scored, and what may wait for it. */
export interface ShadowOptions {
  /**
   * Share of the live answers to remember that are scored, 0 to 1; 0 adds nothing at all. An answer that must not be
   * remembered never comes here, and is never scored.
   */
  readonly share: number
  /** Answers that may wait for their lookup; with one more, all that wait are remembered unscored. Default 64. */
  readonly queueCapacity?: number | undefined
  /** A lookup that takes longer has failed. Default 2 seconds. */
  readonly lookupTimeout?: Duration.Input | undefined
  /** Two texts without vectors for so long are not compared. Default 5 seconds. */
  readonly embedTimeout?: Duration.Input | undefined
}

/** Counts and compares in the background; the answer's path pays for a random number and an offer to a queue. */
export const layer = (options: ShadowOptions): Layer.Layer<FallbackCache, never, FallbackCache | Embedder> =>
  Layer.effect(FallbackCache, options.share > 0 ? make(options) : FallbackCache)

/** Characters of prompts, contexts and texts that may wait. */
const maxWaiting = 8_000_000

/** Of each text, what is compared: an embedder takes no more, or takes long. */
const maxCompared = 8_000

/** An answer on its way to the cache; those after it wait behind it, so that the newest of equals stays the newest. */
interface Passing {
  readonly answer: RememberedAnswer
  readonly isSampled: boolean
}

const make = Effect.fnUntraced(function*(
  options: ShadowOptions
): Effect.fn.Return<FallbackCache["Service"], never, FallbackCache | Embedder | Scope.Scope> {
  const cache = yield* FallbackCache
  const lookupTimeout = options.lookupTimeout ?? "2 seconds"
  const compare = makeCompare(yield* Embedder, options.embedTimeout ?? "5 seconds")
  const queue = yield* Queue.dropping<Passing, Cause.Done>(options.queueCapacity ?? 64)
  /** Not handed on yet, oldest first: the one that is looked up, and those in the queue. */
  const waiting = new Set<Passing>()
  let length = 0
  let isClosed = false

  const handOn = (passing: Passing): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (!waiting.delete(passing)) return Effect.void
      length -= lengthOf(passing.answer)
      return cache.remember(passing.answer)
    })

  /** At once and unscored. What the worker then finds of them in the queue is nothing to it any more. */
  const handOnAll = Effect.suspend(() => {
    if (waiting.size === 0) return Effect.void
    const all = [...waiting]
    return Effect.andThen(
      Metric.update(dropped, all.filter(({ isSampled }) => isSampled).length),
      Effect.forEach(all, handOn, { discard: true })
    )
  })

  const offer = (passing: Passing): boolean => {
    if (length + lengthOf(passing.answer) > maxWaiting) return false
    waiting.add(passing)
    if (!Queue.offerUnsafe(queue, passing)) return !waiting.delete(passing)
    length += lengthOf(passing.answer)
    return true
  }

  const remember = (answer: RememberedAnswer) =>
    Effect.flatMap(Random.next, (chance) => {
      const isSampled = chance < options.share && !isClosed
      if (!isSampled && waiting.size === 0) return cache.remember(answer)
      if (offer({ answer, isSampled })) return Effect.void
      return handOnAll.pipe(
        Effect.andThen(isSampled ? Metric.update(dropped, 1) : Effect.void),
        Effect.andThen(cache.remember(answer))
      )
    })

  const score = Effect.fnUntraced(function*(passing: Passing) {
    const { answer } = passing
    const found = yield* Effect.suspend(() => cache.find(toQuery(answer))).pipe(
      Effect.timeout(lookupTimeout),
      Effect.exit
    )
    // Handed on in the meantime: what was found may be this very answer.
    if (!waiting.has(passing)) return
    // The new answer takes an earlier one's place, so it is handed on after the lookup.
    yield* handOn(passing)
    if (Exit.isFailure(found)) return yield* Metric.update(lookups.failed, 1)
    if (Option.isNone(found.value)) return yield* Metric.update(lookups.none, 1)
    yield* compare(answer, found.value.value)
  })

  const cycle = Effect.flatMap(
    Queue.take(queue),
    (passing) => passing.isSampled && waiting.has(passing) ? score(passing) : handOn(passing)
  )
  yield* Effect.forkScoped(Effect.forever(cycle))
  // Runs before the cache below closes, which stores what it gets here.
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isClosed = true
      return handOnAll
    })
  )

  return FallbackCache.of({
    ...cache,
    remember,
    // What is taken out may still be waiting here.
    quarantine: (namespace, id) => Effect.andThen(handOnAll, cache.quarantine(namespace, id)),
    forget: (namespace, id) => Effect.andThen(handOnAll, cache.forget(namespace, id)),
    erase: (namespace) => Effect.andThen(handOnAll, cache.erase(namespace))
  })
})

const toQuery = (
  { askedModel, contentType, context, isExactOnly, locale, namespace, prompt }: RememberedAnswer
): CacheQuery => ({
  namespace,
  prompt,
  context,
  isExactOnly,
  contentType,
  locale,
  model: askedModel,
  isShadow: true
})

/** Never fails: two texts without vectors are counted, and not compared. */
const makeCompare = (embedder: Embedder["Service"], timeout: Duration.Input) =>
  Effect.fnUntraced(function*({ text }: RememberedAnswer, found: CacheMatch) {
    yield* Metric.update(lookups[found.match], 1)
    if (found.match === "similar") yield* Metric.update(promptSimilarity, found.similarity)
    const texts = [text, found.text].map((whole) => whole.slice(0, maxCompared).toWellFormed())
    const embedded = yield* Effect.suspend(() => embedder.embedMany(texts)).pipe(Effect.timeout(timeout), Effect.exit)
    const [live, cached] = Exit.isSuccess(embedded) ? embedded.value : []
    if (live === undefined || cached === undefined || live.length !== cached.length) {
      return yield* Metric.update(unembedded, 1)
    }
    yield* Metric.update(answerSimilarity[found.match], similarity(live, cached))
  })

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })

const lookupCount = counter("understudy_shadow_total", "Live answers scored, by what the cache would have served")
const lookups = {
  exact: Metric.withAttributes(lookupCount, { match: "exact" }),
  similar: Metric.withAttributes(lookupCount, { match: "similar" }),
  none: Metric.withAttributes(lookupCount, { match: "none" }),
  failed: Metric.withAttributes(lookupCount, { match: "failed" })
}
const dropped = counter(
  "understudy_shadow_dropped_total",
  "Live answers sampled and remembered, but not scored: too many waited, one was taken out, or the service stopped"
)
const unembedded = counter(
  "understudy_shadow_embedding_failed_total",
  "Pairs of a live and a cached answer not compared: the embedder failed or was too slow"
)
const boundaries = [0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1]
const promptSimilarity = Metric.histogram("understudy_shadow_prompt_similarity", {
  description: "Cosine of the prompts where the cache would have served a similar one's answer",
  boundaries
})
const answerHistogram = Metric.histogram("understudy_shadow_answer_similarity", {
  description: "Cosine of the live answer and the one that the cache would have served",
  boundaries
})
const answerSimilarity = {
  exact: Metric.withAttributes(answerHistogram, { match: "exact" }),
  similar: Metric.withAttributes(answerHistogram, { match: "similar" })
}
