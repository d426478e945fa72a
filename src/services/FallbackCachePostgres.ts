/** The fallback cache on PostgreSQL with pgvector: a server or the embedded database, it cannot tell. */
import { Array, Effect, Layer, Option, type Scope } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { type CacheEntry, storable, toCacheEntries, toCacheScope } from "../domain/CacheEntry.ts"
import { GenerationId } from "../domain/Generation.ts"
import { normalizePrompt } from "../domain/Prompt.ts"
import { Embedder } from "./Embedder.ts"
import { type CacheMatch, type CacheQuery, FallbackCache, type RememberedAnswer } from "./FallbackCache.ts"
import { type FallbackCacheOptions, makeEmbed, makeEmbedMany, withDefaults } from "./FallbackCacheOptions.ts"
import { makeRemembering } from "./Remembering.ts"
import { makeStoreCall } from "./StoreCall.ts"
import { prepareVectorIndex, vectorColumn } from "./VectorIndex.ts"

/** Off the answer's path, so it may wait longer than a lookup. */
const writeTimeout = "5 seconds"

/** The embeddings of one batch of an import: nobody is kept waiting by them but the one who imports. */
const importTimeout = "1 minute"

/** Nearest entries looked at: the newest of equally near ones wins. */
const nearestCount = 8

interface Row {
  readonly id: string
  readonly text: string
  readonly model: string
  readonly input_tokens: number | null
  readonly output_tokens: number | null
  readonly age_millis: number
  readonly similarity: number
}

export const layerPostgres = (
  options: FallbackCacheOptions = {}
): Layer.Layer<FallbackCache, never, Embedder | SqlClient.SqlClient> => Layer.effect(FallbackCache, make(options))

const make = Effect.fnUntraced(function*(
  options: FallbackCacheOptions
): Effect.fn.Return<FallbackCache["Service"], never, Embedder | SqlClient.SqlClient | Scope.Scope> {
  const settings = withDefaults(options)
  const sql = yield* SqlClient.SqlClient
  const embedder = yield* Embedder
  const embed = makeEmbed(embedder, settings.embedTimeout)
  const embedMany = makeEmbedMany(embedder, importTimeout)
  const vectors = vectorColumn(sql, embedder)
  const storeCall = yield* makeStoreCall
  yield* prepareVectorIndex(embedder).pipe(
    (prepare) =>
      storeCall("FallbackCache.prepare", "30 seconds", Effect.provideService(prepare, SqlClient.SqlClient, sql)),
    Effect.catch((error) => Effect.logWarning(`similar prompts are searched without an index: ${error.message}`))
  )

  const upsert = (rows: ReadonlyArray<object>) =>
    sql`
      INSERT INTO understudy_answers (
        id, namespace, prompt_hash, content_type, locale, model_family, prompt, model, text,
        input_tokens, output_tokens, embedder, embedding
      )
      SELECT id, namespace, sha256(convert_to(normalized_prompt, 'UTF8')), content_type, locale, model_family, prompt,
        model, text, input_tokens, output_tokens, embedder, embedding::vector
      FROM json_to_recordset(${JSON.stringify(rows)}::json) AS answer (
        id text, namespace text, normalized_prompt text, content_type text, locale text, model_family text,
        prompt text, model text, text text, input_tokens integer, output_tokens integer, embedder text, embedding text
      )
      ON CONFLICT (namespace, prompt_hash, content_type, locale, model_family) DO UPDATE SET
        seq = DEFAULT, id = EXCLUDED.id, prompt = EXCLUDED.prompt, model = EXCLUDED.model, text = EXCLUDED.text,
        input_tokens = EXCLUDED.input_tokens, output_tokens = EXCLUDED.output_tokens,
        embedder = EXCLUDED.embedder, embedding = EXCLUDED.embedding, created_at = EXCLUDED.created_at,
        quarantined_at = NULL`

  const store = Effect.fnUntraced(function*(
    entries: ReadonlyArray<CacheEntry>,
    embedded: ReadonlyArray<Option.Option<Float32Array>>
  ) {
    const rows = entries.map((entry, index) => ({
      ...toRow(entry),
      ...Option.match(embedded[index] ?? Option.none(), { onNone: () => ({}), onSome: vectors.toRow })
    }))
    const whole = storeCall("FallbackCache.remember", writeTimeout, upsert(rows))
    return yield* Effect.as(whole, 0).pipe(Effect.catchIf(
      ({ cause }) => rows.length > 1 && isAboutARow(cause),
      // One entry that the database will not have must not cost the others.
      () =>
        Effect.map(
          Effect.partition(rows, (row) => storeCall("FallbackCache.remember", writeTimeout, upsert([row]))),
          ([, refused]) => refused.length
        )
    ))
  })

  const storeInBackground = (entries: ReadonlyArray<CacheEntry>) =>
    Effect.flatMap(
      Effect.forEach(entries, ({ prompt }) => embed(prompt), { concurrency: 8 }),
      (embedded) => store(entries, embedded)
    )

  const rememberAll = Effect.fn("FallbackCache.rememberAll")(function*(answers: ReadonlyArray<RememberedAnswer>) {
    const entries = toCacheEntries(answers)
    let stored = 0
    for (const batch of Array.chunksOf(entries, settings.batchSize)) {
      const refused = yield* store(batch, yield* embedMany(batch.map(({ prompt }) => prompt)))
      stored += batch.length - refused
    }
    return stored
  })

  const search = Effect.fnUntraced(function*(query: CacheQuery) {
    const prompt = storable(query.prompt)
    const scope = toCacheScope(query)
    const maxAge = Math.min(query.maxAgeMillis ?? settings.maxAgeMillis, settings.maxAgeMillis)
    const allowed = sql.and([
      sql`namespace = ${storable(query.namespace)}`,
      sql`quarantined_at IS NULL`,
      sql`created_at > now() - ${maxAge}::float8 * interval '1 millisecond'`,
      ...scope.contentType === "" ? [] : [sql`content_type = ${storable(scope.contentType)}`],
      ...scope.locale === "" ? [] : [sql`locale = ${storable(scope.locale)}`],
      ...scope.modelFamily === "" ? [] : [sql`model_family = ${storable(scope.modelFamily)}`]
    ])
    const columns = sql`id, text, model, input_tokens, output_tokens, created_at, seq,
      greatest(0, extract(epoch FROM now() - created_at) * 1000)::float8 AS age_millis`
    const exact = yield* sql<Row>`
      SELECT ${columns}, 1::float8 AS similarity FROM understudy_answers
      WHERE ${allowed} AND prompt_hash = sha256(convert_to(${normalizePrompt(prompt)}, 'UTF8'))
      ORDER BY created_at DESC, seq DESC LIMIT 1`
    if (exact[0] !== undefined) return Option.some(toMatch(exact[0], "exact"))

    const vector = yield* embed(prompt)
    if (Option.isNone(vector)) return Option.none()
    const similar = yield* sql<Row>`
      SELECT *, least(1, 1 - distance) AS similarity FROM (
        SELECT ${columns}, ${vectors.distance(vector.value)} AS distance FROM understudy_answers
        WHERE ${vectors.comparable} AND ${allowed}
        ORDER BY distance LIMIT ${sql.literal(String(nearestCount))}
      ) AS nearest
      WHERE distance <= ${1 - settings.minSimilarity}::float8
      ORDER BY distance, created_at DESC, seq DESC LIMIT 1`
    return similar[0] === undefined ? Option.none() : Option.some(toMatch(similar[0], "similar"))
  })

  const changed = (operation: string, statement: Effect.Effect<ReadonlyArray<object>, SqlError.SqlError>) =>
    Effect.map(storeCall(operation, writeTimeout, statement), (rows) => rows.length > 0)

  return FallbackCache.of({
    remember: yield* makeRemembering({ ...settings, store: storeInBackground }),
    rememberAll,
    find: Effect.fn("FallbackCache.find")((query) =>
      storeCall("FallbackCache.find", settings.storeTimeout, search(query))
    ),
    quarantine: (namespace, id) =>
      changed(
        "FallbackCache.quarantine",
        sql`UPDATE understudy_answers SET quarantined_at = now() WHERE namespace = ${namespace} AND id = ${id} RETURNING 1`
      ),
    forget: (namespace, id) =>
      changed(
        "FallbackCache.forget",
        sql`DELETE FROM understudy_answers WHERE namespace = ${namespace} AND id = ${id} RETURNING 1`
      ),
    erase: (namespace) =>
      Effect.map(
        storeCall(
          "FallbackCache.erase",
          writeTimeout,
          sql`DELETE FROM understudy_answers WHERE namespace = ${namespace} RETURNING 1`
        ),
        (rows) => rows.length
      )
  })
})

const isAboutARow = (cause: unknown): boolean =>
  SqlError.isSqlError(cause) && ["UnknownError", "ConstraintError", "SqlSyntaxError"].includes(cause.reason._tag)

const toRow = (entry: CacheEntry) => ({
  id: entry.id,
  namespace: entry.namespace,
  normalized_prompt: entry.normalizedPrompt,
  content_type: entry.contentType,
  locale: entry.locale,
  model_family: entry.modelFamily,
  prompt: entry.prompt,
  model: entry.model,
  text: entry.text,
  input_tokens: entry.usage?.inputTokens,
  output_tokens: entry.usage?.outputTokens
})

const toMatch = (row: Row, match: CacheMatch["match"]): CacheMatch => ({
  id: GenerationId.make(row.id),
  text: row.text,
  model: row.model,
  usage: row.input_tokens === null || row.output_tokens === null
    ? undefined
    : { inputTokens: row.input_tokens, outputTokens: row.output_tokens },
  match,
  similarity: row.similarity,
  ageMillis: row.age_millis
})
