/** Remembers live answers, and finds the closest one when the provider cannot answer. */
import { Context, Effect, Layer, type Option } from "effect"
import type { StoreUnavailable } from "../domain/errors.ts"
import { type GenerationId, Namespace, type Usage } from "../domain/Generation.ts"

/** A complete live answer and the request it answered. */
export interface RememberedAnswer {
  readonly id: GenerationId
  readonly namespace: Namespace
  readonly prompt: string
  readonly contentType?: string | undefined
  readonly locale?: string | undefined
  /** The model that answered, as the provider names it. */
  readonly model: string
  /** The model that the request named, if it did: what the provider calls it may be another name. */
  readonly askedModel?: string | undefined
  readonly text: string
  readonly usage: Usage | undefined
}

/** What may be shown instead of a live answer. Absent scopes match every entry; present ones must be equal. */
export interface CacheQuery {
  readonly namespace: Namespace
  readonly prompt: string
  readonly contentType?: string | undefined
  readonly locale?: string | undefined
  readonly model?: string | undefined
  /** The oldest age allowed, in milliseconds; the configured maximum holds when it is lower or this is absent. */
  readonly maxAgeMillis?: number | undefined
}

export interface CacheMatch {
  readonly id: GenerationId
  readonly text: string
  readonly model: string
  readonly usage: Usage | undefined
  readonly match: "exact" | "similar"
  readonly similarity: number
  readonly ageMillis: number
}

export class FallbackCache extends Context.Service<FallbackCache, {
  /**
   * Hands a live answer over and returns at once: storing happens in the background, in batches. When the queue is
   * full the answer is dropped and counted, never waited for.
   */
  readonly remember: (answer: RememberedAnswer) => Effect.Effect<void>
  /** Stores all of them now, and says how many: for imports, where nothing may be dropped and somebody waits. */
  readonly rememberAll: (answers: ReadonlyArray<RememberedAnswer>) => Effect.Effect<number, StoreUnavailable>
  /** The exact answer, else the nearest one above the threshold, within the namespace. */
  readonly find: (query: CacheQuery) => Effect.Effect<Option.Option<CacheMatch>, StoreUnavailable>
  /** Takes a bad answer out at once, and keeps it to be looked at. `false`: the namespace has no such answer. */
  readonly quarantine: (namespace: Namespace, id: GenerationId) => Effect.Effect<boolean, StoreUnavailable>
  /** Deletes an answer. `false`: the namespace has no such answer. */
  readonly forget: (namespace: Namespace, id: GenerationId) => Effect.Effect<boolean, StoreUnavailable>
  /** Deletes all of a namespace, and says how many answers that were. */
  readonly erase: (namespace: Namespace) => Effect.Effect<number, StoreUnavailable>
}>()("understudy/services/FallbackCache") {
  /**
   * The same cache with entries of its own: what is remembered here is never found there, and the other way round.
   * For answers that must not be mixed up, such as those of a simulated provider with those of a real one.
   */
  static readonly layerApart = (name: string): Layer.Layer<FallbackCache, never, FallbackCache> =>
    Layer.effect(
      FallbackCache,
      Effect.map(FallbackCache, (cache) => {
        const apart = (namespace: Namespace) => Namespace.make(`${name}:${namespace}`)
        return {
          remember: (answer) => cache.remember({ ...answer, namespace: apart(answer.namespace) }),
          rememberAll: (answers) =>
            cache.rememberAll(answers.map((answer) => ({ ...answer, namespace: apart(answer.namespace) }))),
          find: (query) => cache.find({ ...query, namespace: apart(query.namespace) }),
          quarantine: (namespace, id) => cache.quarantine(apart(namespace), id),
          forget: (namespace, id) => cache.forget(apart(namespace), id),
          erase: (namespace) => cache.erase(apart(namespace))
        }
      })
    )
}
