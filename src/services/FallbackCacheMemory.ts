/** The fallback cache of a process without a database: lost with the process, searched one entry after the other. */
import { Clock, Effect, Layer, Option } from "effect"
import {
  type CacheEntry,
  cacheKey,
  type CacheScope,
  inScope,
  storable,
  toCacheEntries,
  toCacheScope
} from "../domain/CacheEntry.ts"
import type { GenerationId, Namespace } from "../domain/Generation.ts"
import { normalizePrompt } from "../domain/Prompt.ts"
import { similarity } from "../domain/TextVector.ts"
import { Embedder } from "./Embedder.ts"
import { type CacheMatch, type CacheQuery, FallbackCache } from "./FallbackCache.ts"
import { type FallbackCacheOptions, makeEmbed, withDefaults } from "./FallbackCacheOptions.ts"
import { makeRemembering } from "./Remembering.ts"

export interface MemoryOptions extends FallbackCacheOptions {
  /** Per namespace; the oldest make room. Default 1,000, which a lookup searches in about a millisecond. */
  readonly maxEntries?: number | undefined
}

interface Kept extends CacheEntry {
  readonly vector: Float32Array | undefined
  readonly createdAt: number
  isQuarantined: boolean
}

export const layerMemory = (options: MemoryOptions = {}): Layer.Layer<FallbackCache, never, Embedder> =>
  Layer.effect(FallbackCache, make(options))

const make = Effect.fnUntraced(function*(options: MemoryOptions) {
  const { batchSize, embedTimeout, maxAgeMillis, minSimilarity, queueCapacity } = withDefaults(options)
  const maxEntries = options.maxEntries ?? 1_000
  const embed = makeEmbed(yield* Embedder, embedTimeout)
  /** Oldest first. */
  const namespaces = new Map<Namespace, Map<string, Kept>>()

  const keep = Effect.fnUntraced(function*(entry: CacheEntry) {
    const vector = Option.getOrUndefined(yield* embed(entry.prompt))
    const entries = namespaces.get(entry.namespace) ?? new Map<string, Kept>()
    namespaces.set(entry.namespace, entries)
    const key = cacheKey(entry)
    entries.delete(key)
    entries.set(key, { ...entry, vector, createdAt: yield* Clock.currentTimeMillis, isQuarantined: false })
    const oldest = entries.size > maxEntries ? entries.keys().next() : undefined
    if (oldest?.done === false) entries.delete(oldest.value)
  })

  const remember = yield* makeRemembering({
    queueCapacity,
    batchSize,
    store: (entries) => Effect.as(Effect.forEach(entries, keep, { discard: true }), 0)
  })

  const find = Effect.fn("FallbackCache.find")(function*(query: CacheQuery) {
    const now = yield* Clock.currentTimeMillis
    const candidates = newestFirst(namespaces.get(query.namespace), {
      scope: toCacheScope(query),
      newerThan: now - Math.min(query.maxAgeMillis ?? maxAgeMillis, maxAgeMillis)
    })
    const prompt = storable(query.prompt)
    const normalized = normalizePrompt(prompt)
    const exact = candidates.find((entry) => entry.normalizedPrompt === normalized)
    if (exact !== undefined) return Option.some(toMatch(exact, "exact", 1, now))
    const vector = yield* embed(prompt)
    if (Option.isNone(vector)) return Option.none()
    const nearest = nearestOf(candidates, vector.value)
    return nearest === undefined || nearest.similarity < minSimilarity
      ? Option.none()
      : Option.some(toMatch(nearest.entry, "similar", nearest.similarity, now))
  })

  const entriesOf = (namespace: Namespace, id: GenerationId) =>
    [...namespaces.get(namespace) ?? []].filter(([, entry]) => entry.id === id)

  return FallbackCache.of({
    remember,
    rememberAll: (answers) => {
      const entries = toCacheEntries(answers)
      return Effect.as(Effect.forEach(entries, keep, { discard: true }), entries.length)
    },
    find,
    quarantine: (namespace, id) =>
      Effect.sync(() => {
        const found = entriesOf(namespace, id)
        for (const [, entry] of found) entry.isQuarantined = true
        return found.length > 0
      }),
    forget: (namespace, id) =>
      Effect.sync(() => {
        const found = entriesOf(namespace, id)
        for (const [key] of found) namespaces.get(namespace)?.delete(key)
        return found.length > 0
      }),
    erase: (namespace) =>
      Effect.sync(() => {
        const size = namespaces.get(namespace)?.size ?? 0
        namespaces.delete(namespace)
        return size
      })
  })
})

const newestFirst = (
  entries: Map<string, Kept> | undefined,
  allowed: { readonly scope: CacheScope; readonly newerThan: number }
): ReadonlyArray<Kept> =>
  [...entries?.values() ?? []].toReversed().filter((entry) =>
    !entry.isQuarantined && entry.createdAt > allowed.newerThan && inScope(allowed.scope, entry)
  )

const nearestOf = (entries: ReadonlyArray<Kept>, vector: Float32Array) => {
  let nearest: { readonly entry: Kept; readonly similarity: number } | undefined
  for (const entry of entries) {
    if (entry.vector === undefined) continue
    const cosine = similarity(entry.vector, vector)
    if (nearest === undefined || cosine > nearest.similarity) nearest = { entry, similarity: cosine }
  }
  return nearest
}

const toMatch = (entry: Kept, match: CacheMatch["match"], cosine: number, now: number): CacheMatch => ({
  id: entry.id,
  text: entry.text,
  model: entry.model,
  usage: entry.usage,
  match,
  similarity: cosine,
  ageMillis: Math.max(0, now - entry.createdAt)
})
