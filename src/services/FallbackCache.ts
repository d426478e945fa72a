/** Remembers live answers, and finds the closest one when the provider cannot answer. */
import { Clock, Context, Effect, Layer, Option, Random } from "effect"
import type { StoreUnavailable } from "../domain/errors.ts"
import { type GenerationId, Namespace, type Usage } from "../domain/Generation.ts"
import { generationIds } from "../domain/GenerationId.ts"

/** A complete live answer and the request it answered. */
export interface RememberedAnswer {
  readonly id: GenerationId
  readonly namespace: Namespace
  readonly prompt: string
  /** What shaped the answer beside the prompt. Absent or empty: nothing did. */
  readonly context?: string | undefined
  /** `true`: it is found by the very same prompt and context only, and neither is kept in the clear. */
  readonly isExactOnly?: boolean | undefined
  readonly contentType?: string | undefined
  readonly locale?: string | undefined
  /** The model that answered, as the provider names it. */
  readonly model: string
  /** The model that the request named, if it did: what the provider calls it may be another name. */
  readonly askedModel?: string | undefined
  readonly text: string
  readonly usage: Usage | undefined
}

/**
 * What may be shown instead of a live answer. The context must be equal, and so must the scopes that are present; absent
 * scopes match every entry.
 */
export interface CacheQuery {
  readonly namespace: Namespace
  readonly prompt: string
  /** As of the answer. Absent or empty: only answers that nothing else had shaped. */
  readonly context?: string | undefined
  /** `true`: the very same prompt and context, and nothing similar. */
  readonly isExactOnly?: boolean | undefined
  readonly contentType?: string | undefined
  readonly locale?: string | undefined
  readonly model?: string | undefined
  /** The oldest age allowed, in milliseconds; the configured maximum holds when it is lower or this is absent. */
  readonly maxAgeMillis?: number | undefined
  /** `true`: nobody is shown what is found, so it counts as no use of the entry, and a refusal is not logged. */
  readonly isShadow?: boolean | undefined
}

/** An earlier answer that may stand in. */
export interface CacheMatch {
  readonly id: GenerationId
  readonly text: string
  readonly model: string
  readonly usage: Usage | undefined
  readonly match: "exact" | "similar"
  readonly similarity: number
  readonly ageMillis: number
}

/** A request, as an answer to it is remembered and looked for. */
export type AroundQuery = Omit<CacheQuery, "isShadow">

/** What a generator has to say of its text. */
export interface GeneratedText {
  readonly text: string
  readonly model: string
  readonly usage?: Usage | undefined
  /** `false`: it is cut, and so not remembered. */
  readonly isComplete?: boolean | undefined
}

/** The generator's own answer, and the name under which it can be quarantined or forgotten. */
export type LiveText<A extends GeneratedText> = A & { readonly source: "live"; readonly id: GenerationId }

/** An earlier answer, and what it stands in for. */
export type CachedText<E> = CacheMatch & { readonly source: "cache"; readonly error: E }

/** Remembers answers off their path, and finds the one that is closest to a prompt. Nothing crosses a namespace. */
export class FallbackCache extends Context.Service<FallbackCache, {
  /**
   * Hands a live answer over and returns at once: storing happens in the background, in batches. When the queue is
   * full the answer is dropped and counted, never waited for.
   */
  readonly remember: (answer: RememberedAnswer) => Effect.Effect<void>
  /** Stores all of them now, past the queue, and says how many could be stored. For seeding. */
  readonly rememberAll: (answers: ReadonlyArray<RememberedAnswer>) => Effect.Effect<number, StoreUnavailable>
  /** The exact answer, else the nearest one above the threshold, within the namespace. */
  readonly find: (query: CacheQuery) => Effect.Effect<Option.Option<CacheMatch>, StoreUnavailable>
  /**
   * Takes a bad answer out at once, and keeps it to be looked at. `false`: the namespace has no such answer. Like the
   * two below it waits for what is still to be stored, so that nothing taken out appears afterwards.
   */
  readonly quarantine: (namespace: Namespace, id: GenerationId) => Effect.Effect<boolean, StoreUnavailable>
  /** Deletes an answer. `false`: the namespace has no such answer. */
  readonly forget: (namespace: Namespace, id: GenerationId) => Effect.Effect<boolean, StoreUnavailable>
  /** Deletes all of a namespace, and says how many answers that were. */
  readonly erase: (namespace: Namespace) => Effect.Effect<number, StoreUnavailable>
  /**
   * Answers that wait for a vector of the present embedder, as of the last look. Until they have one they are found by
   * the exact prompt only.
   */
  readonly unembedded: Effect.Effect<number>
}>()("understudy/services/FallbackCache") {
  /**
   * Around any generator: a success is remembered, and a failure gives the closest earlier answer where there is one.
   * Without one, or when the store does not answer, the failure stays as it is. Defects and interruptions pass.
   * `standsIn` says of which failures: a request that is refused should hear so. Default all.
   */
  static readonly around =
    <E>(query: AroundQuery, standsIn: (error: E) => boolean = () => true) =>
    <A extends GeneratedText, R>(
      self: Effect.Effect<A, E, R>
    ): Effect.Effect<LiveText<A> | CachedText<E>, E, R | FallbackCache> =>
      FallbackCache.use((cache) => around(cache, query, standsIn, self))

  /**
   * The same cache with entries of its own: what is remembered here is never found there, and the other way round.
   * For answers that must not be mixed up, such as those of a simulated provider with those of a real one. An erase
   * takes both: whoever wants a namespace gone wants all of it gone.
   */
  static readonly layerApart = (name: string): Layer.Layer<FallbackCache, never, FallbackCache> =>
    Layer.effect(
      FallbackCache,
      Effect.map(FallbackCache, (cache) => ({
        remember: (answer) => cache.remember({ ...answer, namespace: apart(name, answer.namespace) }),
        rememberAll: (answers) =>
          cache.rememberAll(answers.map((answer) => ({ ...answer, namespace: apart(name, answer.namespace) }))),
        find: (query) => cache.find({ ...query, namespace: apart(name, query.namespace) }),
        unembedded: cache.unembedded,
        quarantine: (namespace, id) => cache.quarantine(apart(name, namespace), id),
        forget: (namespace, id) => cache.forget(apart(name, namespace), id),
        erase: eraseBoth(cache, name)
      }))
    )

  /** The plain side of {@link layerApart}: the cache as it is, but an erase takes the entries apart as well. */
  static readonly layerBeside = (name: string): Layer.Layer<FallbackCache, never, FallbackCache> =>
    Layer.effect(
      FallbackCache,
      Effect.map(FallbackCache, (cache) => ({ ...cache, erase: eraseBoth(cache, name) }))
    )
}

const apart = (name: string, namespace: Namespace): Namespace => Namespace.make(`${name}:${namespace}`)

const eraseBoth = (cache: FallbackCache["Service"], name: string) => (namespace: Namespace) =>
  Effect.zipWith(cache.erase(namespace), cache.erase(apart(name, namespace)), (plain, others) => plain + others)

const around = Effect.fnUntraced(function*<A extends GeneratedText, E, R>(
  cache: FallbackCache["Service"],
  query: AroundQuery,
  standsIn: (error: E) => boolean,
  self: Effect.Effect<A, E, R>
): Effect.fn.Return<LiveText<A> | CachedText<E>, E, R> {
  const result = yield* Effect.result(self)
  if (result._tag === "Success") {
    const { isComplete, model, text, usage } = result.success
    const id = yield* newId
    // A model that the request names narrows what is looked for; what is remembered is the one that answered.
    if (isComplete !== false) yield* cache.remember({ ...query, id, model, askedModel: query.model, text, usage })
    return { ...result.success, source: "live", id }
  }
  const error = result.failure
  if (!standsIn(error)) return yield* Effect.fail(error)
  const match = yield* Effect.catch(
    cache.find(query),
    (unavailable) => Effect.as(Effect.logWarning(`no earlier answer: ${unavailable.message}`), Option.none())
  )
  return Option.isSome(match) ? { ...match.value, source: "cache", error } : yield* Effect.fail(error)
})

const newId = Effect.gen(function*() {
  return generationIds(yield* Clock.currentTimeMillis, yield* Random.nextInt, yield* Random.nextInt)()
})
