/** Remembers live answers, and finds the closest one when the provider cannot answer. */
import { Context, type Effect, type Option } from "effect"
import type { StoreUnavailable } from "../domain/errors.ts"
import type { GenerationId, Namespace, Usage } from "../domain/Generation.ts"

/** A complete live answer and the request it answered. */
export interface RememberedAnswer {
  readonly id: GenerationId
  readonly namespace: Namespace
  readonly prompt: string
  readonly contentType?: string | undefined
  readonly locale?: string | undefined
  /** The model that answered, as the provider names it. */
  readonly model: string
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
  /** The exact answer, else the nearest one above the threshold, within the namespace. */
  readonly find: (query: CacheQuery) => Effect.Effect<Option.Option<CacheMatch>, StoreUnavailable>
}>()("understudy/services/FallbackCache") {}
