/** The fallback cache on PostgreSQL with pgvector: a server or the embedded database, it cannot tell. */
import { Effect, Layer, Option, type Scope } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { type CacheEntry, storable, toCacheScope } from "../../domain/CacheEntry.ts"
import { GenerationId, type Namespace } from "../../domain/Generation.ts"
import { normalizePrompt } from "../../domain/similarity/Prompt.ts"
import { decodeTraits } from "../../domain/similarity/PromptTraits.ts"
import { Embedder } from "../Embedder.ts"
import { type CacheMatch, type CacheQuery, FallbackCache } from "../FallbackCache.ts"
import { makeStoreCall } from "../store/StoreCall.ts"
import { withinNamespace } from "../store/withinNamespace.ts"
import { type FallbackCacheOptions, makeEmbed, makeEmbedMany, withDefaults } from "./FallbackCacheOptions.ts"
import { makeChoose } from "./Guarding.ts"
import { makeRemembering, storeAll } from "./Remembering.ts"
import { hashText } from "./TextHash.ts"
import { makeUpkeep } from "./upkeep/Upkeep.ts"
import { makeUseCounts } from "./UseCounts.ts"
import { prepareVectorSpace, vectorTable, vectorText } from "./VectorSpace.ts"

/** Off the answer's path, so it may wait longer than a lookup. */
const writeTimeout = "5 seconds"

/** Nearest entries looked at: the newest of equally near ones wins, and the guard may refuse the first ones. */
const nearestCount = 8

interface Row {
  readonly seq: string
  readonly id: string
  readonly text: string
  readonly model: string
  readonly input_tokens: number | null
  readonly output_tokens: number | null
  readonly traits: string | null
  readonly age_millis: number
  readonly similarity: number
  readonly is_exact: boolean
}

/**
 * Outlives the process, and is shared by all instances on one server. Needs pgvector, and the tables that
 * `Database.layer` of `understudy/layers` makes.
 */
export const layerPostgres = (
  options: FallbackCacheOptions = {}
): Layer.Layer<FallbackCache, never, Embedder | SqlClient.SqlClient> => Layer.effect(FallbackCache, make(options))

const make = Effect.fnUntraced(function*(
  options: FallbackCacheOptions
): Effect.fn.Return<FallbackCache["Service"], never, Embedder | SqlClient.SqlClient | Scope.Scope> {
  const settings = { ...withDefaults(options), maxEntries: options.maxEntries ?? 20_000 }
  const sql = yield* SqlClient.SqlClient
  const embedder = yield* Embedder
  const embed = makeEmbed(embedder, settings.embedTimeout)
  const embedMany = makeEmbedMany(embedder)
  const vectors = vectorTable(embedder)
  const choose = makeChoose()
  const storeCall = yield* makeStoreCall
  yield* storeCall(
    "FallbackCache.prepare",
    "30 seconds",
    Effect.provideService(prepareVectorSpace(embedder), SqlClient.SqlClient, sql)
  ).pipe(Effect.catch((error) => Effect.logWarning(`similar prompts are not found: ${error.message}`)))
  const within = (operation: string, namespace: Namespace) => <A, E>(statements: Effect.Effect<A, E>) =>
    storeCall(operation, writeTimeout, withinNamespace(sql, namespace)(statements))

  const upkeep = yield* makeUpkeep({ ...settings, storeCall })

  const countUse = yield* makeUseCounts((namespace, uses) =>
    within("FallbackCache.countUses", namespace)(sql`
      UPDATE understudy_answers a SET uses = a.uses + used.uses, last_used_at = now()
      FROM json_each_text(${JSON.stringify(Object.fromEntries(uses))}::json) AS entry (seq, uses),
        LATERAL (SELECT entry.seq::bigint AS seq, entry.uses::integer AS uses) AS used
      WHERE a.namespace = ${namespace} AND a.seq = used.seq`)
  )

  const write = (namespace: string, rows: ReadonlyArray<object>) =>
    storeCall(
      "FallbackCache.remember",
      writeTimeout,
      sql`SELECT understudy_remember(${namespace}, ${JSON.stringify(rows)}::json, ${vectors})`
    )

  /** Answers how many of the rows the database would not have. */
  const writeAll = (namespace: string, rows: ReadonlyArray<object>) =>
    Effect.as(write(namespace, rows), 0).pipe(Effect.catchIf(
      ({ cause }) => rows.length > 1 && isAboutARow(cause),
      // One entry that the database will not have must not cost the others.
      () => Effect.map(Effect.partition(rows, (row) => write(namespace, [row])), ([, refused]) => refused.length)
    ))

  const store = Effect.fnUntraced(function*(entries: ReadonlyArray<CacheEntry>) {
    const embedded = entries.filter(({ isExactOnly }) => !isExactOnly)
    const made = embedded.length === 0 ? [] : yield* embedMany(embedded.map(({ prompt }) => prompt))
    const vectorOf = new Map(embedded.map((entry, index) => [entry, made[index]]))
    const rows = yield* Effect.forEach(entries, (entry) =>
      Effect.map(hashText(entry.context), (context) => ({
        namespace: entry.namespace,
        row: toRow(entry, context, settings.storePrompts, vectorOf.get(entry))
      })))
    const refused = yield* Effect.forEach(
      Map.groupBy(rows, ({ namespace }) => namespace),
      ([namespace, ofNamespace]) =>
        Effect.tap(
          writeAll(namespace, ofNamespace.map(({ row }) => row)),
          () => Effect.sync(() => upkeep.stored(namespace, ofNamespace.length, made.length === embedded.length))
        ),
      { concurrency: 4 }
    )
    return refused.reduce((sum, count) => sum + count, 0)
  })

  const search = Effect.fnUntraced(function*(query: CacheQuery) {
    const prompt = storable(query.prompt)
    const scope = toCacheScope(query)
    const context = yield* hashText(query.context ?? "")
    const maxAge = Math.min(query.maxAgeMillis ?? settings.maxAgeMillis, settings.maxAgeMillis)
    const look = (exact: string | null, question: Float32Array | undefined) =>
      sql<Row>`
        SELECT seq::text, id, text, model, input_tokens, output_tokens, traits, age_millis, similarity, is_exact
        FROM understudy_find(
          ${storable(query.namespace)}, ${exact}, ${vectors},
          ${question === undefined ? null : vectorText(question)}, ${settings.minSimilarity}, ${maxAge}, ${context},
          ${storable(scope.contentType)}, ${storable(scope.locale)}, ${storable(scope.modelFamily)}, ${nearestCount}
        )`
    if (query.isExactOnly === true) return yield* look(normalizePrompt(prompt), undefined)
    // An embedder that takes time is asked only when the exact prompt has no answer.
    const first = embedder.isInstant === true ? Option.getOrUndefined(yield* embed(prompt)) : undefined
    const found = yield* look(normalizePrompt(prompt), first)
    if (found[0]?.is_exact === true || first !== undefined) return found
    const vector = yield* embed(prompt)
    return Option.isNone(vector) ? [] : yield* look(null, vector.value)
  })

  const find = Effect.fn("FallbackCache.find")(function*(query: CacheQuery) {
    const rows = yield* storeCall("FallbackCache.find", settings.storeTimeout, search(query))
    const candidates = rows.map(toCandidate)
    const [first] = candidates
    const chosen = first?.match === "exact" ? first : yield* choose(query, candidates)
    if (chosen === undefined) return Option.none()
    const { seq, traits: _, ...match } = chosen
    if (query.isShadow !== true) countUse(query.namespace, seq)
    return Option.some<CacheMatch>(match)
  })

  const quarantine = Effect.fn("FallbackCache.quarantine")(function*(namespace: Namespace, id: GenerationId) {
    const rows = yield* within("FallbackCache.quarantine", namespace)(
      sql<{ readonly seq: string }>`
        UPDATE understudy_answers SET quarantined_at = coalesce(quarantined_at, now())
        WHERE namespace = ${namespace} AND id = ${id} RETURNING seq::text`
    )
    // It is out already; without its vector it does not stand in the way of others either.
    yield* Effect.ignore(
      within("FallbackCache.quarantine", namespace)(
        Effect.forEach(
          rows,
          ({ seq }) => sql`DELETE FROM ${sql(vectors)} WHERE namespace = ${namespace} AND seq = ${seq}::bigint`
        )
      )
    )
    return rows.length > 0
  })

  const erase = Effect.fn("FallbackCache.erase")(function*(namespace: Namespace) {
    // In pieces: a statement has ten seconds.
    const piece = within("FallbackCache.erase", namespace)(sql`
      DELETE FROM understudy_answers WHERE namespace = ${namespace} AND seq IN (
        SELECT seq FROM understudy_answers WHERE namespace = ${namespace} LIMIT 1000
      ) RETURNING 1`)
    let erased = 0
    for (let deleted = -1; deleted !== 0;) {
      deleted = (yield* piece).length
      erased += deleted
    }
    return erased
  })

  const { remember, settled } = yield* makeRemembering({ ...settings, store })

  return FallbackCache.of({
    remember,
    find,
    unembedded: upkeep.unembedded,
    rememberAll: (answers) => storeAll(answers, settings.batchSize, store),
    quarantine: (namespace, id) => settled("FallbackCache.quarantine", quarantine(namespace, id)),
    forget: (namespace, id) =>
      settled(
        "FallbackCache.forget",
        Effect.map(
          within("FallbackCache.forget", namespace)(
            sql`DELETE FROM understudy_answers WHERE namespace = ${namespace} AND id = ${id} RETURNING seq`
          ),
          (rows) => rows.length > 0
        )
      ),
    erase: (namespace) => settled("FallbackCache.erase", erase(namespace))
  })
})

const isAboutARow = (cause: unknown): boolean =>
  SqlError.isSqlError(cause) && ["UnknownError", "ConstraintError", "SqlSyntaxError"].includes(cause.reason._tag)

/** Of the normalised prompt the database keeps the hash, together with that of the context. */
const toRow = (entry: CacheEntry, context: string, storesPrompts: boolean, vector: Float32Array | undefined) => ({
  id: entry.id,
  normalized_prompt: entry.normalizedPrompt,
  context,
  content_type: entry.contentType,
  locale: entry.locale,
  model_family: entry.modelFamily,
  prompt: storesPrompts && !entry.isExactOnly ? entry.prompt : undefined,
  traits: entry.traits,
  model: entry.model,
  text: entry.text,
  input_tokens: entry.usage?.inputTokens,
  output_tokens: entry.usage?.outputTokens,
  embedding: vector === undefined ? undefined : vectorText(vector)
})

const toCandidate = (row: Row) => ({
  seq: row.seq,
  traits: row.traits === null ? undefined : decodeTraits(row.traits),
  id: GenerationId.make(row.id),
  text: row.text,
  model: row.model,
  usage: row.input_tokens === null || row.output_tokens === null
    ? undefined
    : { inputTokens: row.input_tokens, outputTokens: row.output_tokens },
  match: row.is_exact ? "exact" as const : "similar" as const,
  similarity: row.similarity,
  ageMillis: row.age_millis
})
