/** The fallback cache of a process without a database: lost with the process, searched one entry after the other. */
import { Clock, Effect, Layer, Option } from "effect"
import { type CacheEntry, cacheKey, type CacheScope, inScope, storable, toCacheScope } from "../../domain/CacheEntry.ts"
import type { GenerationId, Namespace } from "../../domain/Generation.ts"
import { usefulness } from "../../domain/similarity/Candidates.ts"
import { normalizePrompt } from "../../domain/similarity/Prompt.ts"
import { decodeTraits } from "../../domain/similarity/PromptTraits.ts"
import { makeVectorTable, type VectorTable } from "../../domain/similarity/VectorTable.ts"
import { Embedder } from "../Embedder.ts"
import { type CacheMatch, type CacheQuery, FallbackCache } from "../FallbackCache.ts"
import { type FallbackCacheOptions, makeEmbed, withDefaults } from "./FallbackCacheOptions.ts"
import { makeChoose } from "./Guarding.ts"
import { makeRemembering, storeAll } from "./Remembering.ts"
import { hashText } from "./TextHash.ts"

interface Kept extends CacheScope, Pick<CacheEntry, "id" | "isExactOnly" | "traits" | "model" | "text" | "usage"> {
  /** Of an exact-only entry, its hash. */
  readonly normalizedPrompt: string
  /** Its hash; '' for none. */
  readonly context: string
  /** Of its vector; none: it is found by the same prompt only. */
  readonly place: number | undefined
  readonly createdAt: number
  lastUsedAt: number | undefined
  uses: number
  isQuarantined: boolean
}

/** What a namespace has. */
interface Shelf {
  /** Oldest first. */
  readonly entries: Map<string, Kept>
  readonly vectors: VectorTable
}

/** Lost with the process; for a few thousand answers, since it is searched one entry after the other. */
export const layerMemory = (options: FallbackCacheOptions = {}): Layer.Layer<FallbackCache, never, Embedder> =>
  Layer.effect(FallbackCache, make(options))

const make = Effect.fnUntraced(function*(options: FallbackCacheOptions) {
  const { batchSize, embedTimeout, maxAgeMillis, minSimilarity, queueCapacity } = withDefaults(options)
  const maxEntries = options.maxEntries ?? 1_000
  const embedder = yield* Embedder
  const embed = makeEmbed(embedder, embedTimeout)
  const choose = makeChoose()
  const shelves = new Map<Namespace, Shelf>()
  /** Those with entries whose key is a hash. */
  const withHashes = new Set<Namespace>()

  const keep = Effect.fnUntraced(function*(entry: CacheEntry) {
    const { contentType, id, isExactOnly, locale, model, modelFamily, text, traits, usage } = entry
    const vector = isExactOnly ? undefined : Option.getOrUndefined(yield* embed(entry.prompt))
    const context = yield* hashText(entry.context)
    const normalizedPrompt = isExactOnly ? yield* hashText(entry.normalizedPrompt) : entry.normalizedPrompt
    const createdAt = yield* Clock.currentTimeMillis
    const plainKey = cacheKey(entry)
    // What is kept in the clear anyway needs no hash, which takes a turn on another thread.
    const isHashed = isExactOnly || entry.context !== ""
    const hashedKey = isHashed || withHashes.has(entry.namespace) ? yield* hashText(plainKey) : plainKey
    // Nothing is waited for from here on: an interruption must not leave a place taken.
    if (isHashed) withHashes.add(entry.namespace)
    const shelf = shelves.get(entry.namespace) ?? { entries: new Map(), vectors: makeVectorTable(embedder.dimensions) }
    shelves.set(entry.namespace, shelf)
    const before = shelf.entries.get(plainKey) ?? shelf.entries.get(hashedKey)
    remove(shelf, [plainKey, hashedKey])
    if (shelf.entries.size >= maxEntries) makeRoom(shelf)
    shelf.entries.set(isHashed ? hashedKey : plainKey, {
      id,
      contentType,
      locale,
      modelFamily,
      normalizedPrompt,
      context,
      isExactOnly,
      traits,
      model,
      text,
      usage,
      place: vector === undefined ? undefined : shelf.vectors.add(vector),
      createdAt,
      lastUsedAt: before?.lastUsedAt,
      uses: before?.uses ?? 0,
      isQuarantined: before?.isQuarantined === true && before.id === id
    })
  })

  const store = (entries: ReadonlyArray<CacheEntry>) => Effect.as(Effect.forEach(entries, keep, { discard: true }), 0)

  const { remember, settled } = yield* makeRemembering({ queueCapacity, batchSize, store })

  const find = Effect.fn("FallbackCache.find")(function*(query: CacheQuery) {
    const context = yield* hashText(query.context ?? "")
    const now = yield* Clock.currentTimeMillis
    const isAllowed = allowing({
      context,
      scope: toCacheScope(query),
      newerThan: now - Math.min(query.maxAgeMillis ?? maxAgeMillis, maxAgeMillis)
    })
    const newest = (is: (entry: Kept) => boolean) =>
      newestOf(shelves.get(query.namespace), (entry) => is(entry) && isAllowed(entry))
    const use = (entry: Kept, match: CacheMatch["match"], cosine: number) => {
      if (query.isShadow !== true) {
        entry.uses++
        entry.lastUsedAt = now
      }
      return Option.some(toMatch(entry, match, cosine, now))
    }
    const prompt = storable(query.prompt)
    const normalized = normalizePrompt(prompt)
    const hashed = withHashes.has(query.namespace) ? yield* hashText(normalized) : undefined
    const exact = newest((entry) => entry.normalizedPrompt === (entry.isExactOnly ? hashed : normalized))
    if (exact !== undefined) return use(exact, "exact", 1)
    if (query.isExactOnly === true) return Option.none()
    const vector = yield* embed(prompt)
    if (Option.isNone(vector)) return Option.none()
    // Looked for again: meanwhile an entry may have been taken out.
    const chosen = yield* choose(
      query,
      nearestOf(shelves.get(query.namespace), isAllowed, vector.value, minSimilarity)
    )
    return chosen === undefined ? Option.none() : use(chosen.entry, "similar", chosen.similarity)
  })

  const entriesOf = (namespace: Namespace, id: GenerationId) =>
    [...shelves.get(namespace)?.entries ?? []].filter(([, entry]) => entry.id === id)

  return FallbackCache.of({
    remember,
    rememberAll: (answers) => storeAll(answers, batchSize, store),
    find,
    unembedded: Effect.succeed(0),
    quarantine: (namespace, id) =>
      settled(
        "FallbackCache.quarantine",
        Effect.sync(() => {
          const found = entriesOf(namespace, id)
          for (const [, entry] of found) entry.isQuarantined = true
          return found.length > 0
        })
      ),
    forget: (namespace, id) =>
      settled(
        "FallbackCache.forget",
        Effect.sync(() => {
          const found = entriesOf(namespace, id)
          const shelf = shelves.get(namespace)
          if (shelf !== undefined) remove(shelf, found.map(([key]) => key))
          return found.length > 0
        })
      ),
    erase: (namespace) =>
      settled(
        "FallbackCache.erase",
        Effect.sync(() => {
          const size = shelves.get(namespace)?.entries.size ?? 0
          shelves.delete(namespace)
          withHashes.delete(namespace)
          return size
        })
      )
  })
})

const remove = ({ entries, vectors }: Shelf, keys: ReadonlyArray<string>): void => {
  for (const key of keys) {
    const place = entries.get(key)?.place
    if (place !== undefined) vectors.remove(place)
    entries.delete(key)
  }
}

/** The least useful fiftieth, at least one: whoever stores often does not look through all of them each time. */
const makeRoom = (shelf: Shelf): void => {
  const worth = (entry: Kept) => entry.isQuarantined ? -Infinity : usefulness(entry)
  const least = [...shelf.entries].map(([key, entry]) => ({ key, worth: worth(entry) }))
    .sort((a, b) => a.worth - b.worth)
    .slice(0, Math.ceil(shelf.entries.size / 50))
  remove(shelf, least.map(({ key }) => key))
}

const allowing =
  (query: { readonly context: string; readonly scope: CacheScope; readonly newerThan: number }) =>
  (entry: Kept): boolean =>
    !entry.isQuarantined && entry.createdAt > query.newerThan && entry.context === query.context
    && inScope(query.scope, entry)

const newestOf = (shelf: Shelf | undefined, is: (entry: Kept) => boolean): Kept | undefined => {
  let newest: Kept | undefined
  for (const entry of shelf?.entries.values() ?? []) if (is(entry)) newest = entry
  return newest
}

/** Nearest looked at, as in the database. */
const nearestCount = 8

/** The nearest first, and the newest of equally near ones. */
const nearestOf = (
  shelf: Shelf | undefined,
  isAllowed: (entry: Kept) => boolean,
  vector: Float32Array,
  minSimilarity: number
) => {
  if (shelf === undefined) return []
  const cosines = shelf.vectors.similarities(vector)
  const near: Array<{ readonly entry: Kept; readonly id: GenerationId; readonly similarity: number }> = []
  for (const entry of shelf.entries.values()) {
    if (entry.place === undefined || entry.traits === undefined) continue
    const cosine = Math.min(1, cosines[entry.place] ?? 0)
    if (cosine >= minSimilarity && isAllowed(entry)) near.push({ entry, id: entry.id, similarity: cosine })
  }
  return near
    .toReversed()
    .sort((a, b) => rounded(b.similarity) - rounded(a.similarity))
    .slice(0, nearestCount)
    .map((found) => ({ ...found, traits: decodeTraits(found.entry.traits ?? "") }))
}

const rounded = (cosine: number): number => Math.round(cosine * 1_000)

const toMatch = (entry: Kept, match: CacheMatch["match"], cosine: number, now: number): CacheMatch => ({
  id: entry.id,
  text: entry.text,
  model: entry.model,
  usage: entry.usage,
  match,
  similarity: cosine,
  ageMillis: Math.max(0, now - entry.createdAt)
})
