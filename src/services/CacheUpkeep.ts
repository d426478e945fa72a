/**
 * The fallback cache's housekeeping, in the background and in small steps: vectors of the present embedder for entries
 * that have none, expired entries out, the least useful out where there are too many, unused vector spaces out.
 */
import { Cause, Duration, Effect, Metric, type Scope } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import type { EmbeddingFailed, StoreUnavailable } from "../domain/errors.ts"
import { Namespace } from "../domain/Generation.ts"
import { encodeTraits, promptTraits, traitsVersion } from "../domain/PromptTraits.ts"
import { withinNamespace } from "./CacheRows.ts"
import { Embedder } from "./Embedder.ts"
import type { StoreCall } from "./StoreCall.ts"
import { prepareVectorSpace, spaceName, vectorTable, vectorText } from "./VectorSpace.ts"

export interface UpkeepOptions {
  readonly maxAgeMillis: number
  readonly maxEntries: number
  /** Between two rounds, and before the first one: a start has other things to do. */
  readonly upkeepEvery: Duration.Input
  readonly storeCall: StoreCall
}

/** Rows touched in one statement, so that nobody waits long behind one. */
const batch = 100
/** Between two batches, relative to what a batch took: at least three quarters of the time belong to the answers. */
const restShare = 3
const statementTimeout = "5 seconds"
/** Whoever embeds again holds this lease, so that instances do not all do the same work. */
const leaseSeconds = 60
/** A space that no instance has been started with for so long is not coming back. */
const spaceLifetimeDays = 7

const maxRefused = 10_000
const isRefusal = ({ reason }: EmbeddingFailed): boolean => reason === "rejected"

const waiting = Metric.gauge("understudy_cache_unembedded", {
  description: "Remembered answers without a vector of the present embedder: found by the exact prompt only"
})
const removed = Metric.counter("understudy_cache_removed_total", {
  description: "Remembered answers deleted by upkeep, by why: expired, or evicted for the cap",
  incremental: true
})
const upkeepFailures = Metric.counter("understudy_cache_upkeep_failures_total", {
  description: "Rounds of upkeep that failed; the next one goes on",
  incremental: true
})

type Statements<A> = Effect.Effect<A, SqlError.SqlError>

/** Runs for as long as the scope is open. `unembedded`: how many entries had no vector at the last look. */
export const makeUpkeep = Effect.fnUntraced(function*(
  { maxAgeMillis, maxEntries, storeCall, upkeepEvery }: UpkeepOptions
): Effect.fn.Return<
  { readonly unembedded: Effect.Effect<number> },
  never,
  Embedder | SqlClient.SqlClient | Scope.Scope
> {
  const sql = yield* SqlClient.SqlClient
  const embedder = yield* Embedder
  const table = vectorTable(embedder)
  let unembedded = 0
  let announced = 0
  /** Entries whose prompts the embedder refuses: they keep their exact match, and are not tried again. */
  const refused = new Set<string>()

  const call = <A>(operation: string, statements: Statements<A>) =>
    storeCall(`FallbackCache.${operation}`, statementTimeout, statements)
  const within = <A>(operation: string, namespace: Namespace, statements: Statements<A>) =>
    call(operation, withinNamespace(sql, namespace)(statements))

  /** Repeats a step that says how much it has done until there is nothing left, with rests in between. */
  const inBatches = Effect.fnUntraced(function*<E, R>(step: Effect.Effect<number, E, R>) {
    let sum = 0
    for (let done = batch; done >= batch;) {
      const [took, count] = yield* Effect.timed(step)
      done = count
      sum += count
      if (done > 0) yield* Effect.sleep(Duration.times(took, restShare))
    }
    return sum
  })

  const purge = (namespace: Namespace) =>
    inBatches(Effect.map(
      within(
        "purge",
        namespace,
        sql`
          DELETE FROM understudy_answers WHERE namespace = ${namespace} AND seq IN (
            SELECT seq FROM understudy_answers
            WHERE namespace = ${namespace} AND created_at <= now() - ${maxAgeMillis}::float8 * interval '1 millisecond'
            LIMIT ${batch} FOR UPDATE SKIP LOCKED
          ) RETURNING 1`
      ),
      (rows) => rows.length
    ))

  /** The order of `usefulness` in domain/Candidates.ts; what is quarantined is the least useful of all. */
  const evict = (namespace: Namespace) =>
    inBatches(Effect.map(
      within(
        "evict",
        namespace,
        sql`
          DELETE FROM understudy_answers WHERE namespace = ${namespace} AND seq IN (
            SELECT seq FROM understudy_answers WHERE namespace = ${namespace}
            ORDER BY quarantined_at IS NULL,
              greatest(created_at, last_used_at) + least(uses, 30) * interval '1 day', seq
            LIMIT least(${batch}, greatest(0, (
              SELECT count(*) FROM understudy_answers WHERE namespace = ${namespace}
            ) - ${maxEntries}))
          ) RETURNING 1`
      ),
      (rows) => rows.length
    ))

  const pending = () =>
    sql`a.quarantined_at IS NULL AND a.prompt IS NOT NULL
    AND a.seq <> ALL (ARRAY(SELECT json_array_elements_text(${JSON.stringify([...refused])}::json)::bigint)) AND (
    a.traits IS NULL OR NOT starts_with(a.traits, ${`${traitsVersion} `})
    OR NOT EXISTS (SELECT FROM ${sql(table)} v WHERE v.namespace = a.namespace AND v.seq = a.seq))`

  const countPending = (namespace: Namespace) =>
    Effect.map(
      within(
        "countUnembedded",
        namespace,
        sql<{ readonly count: number }>`
          SELECT count(*)::integer AS count FROM understudy_answers a WHERE a.namespace = ${namespace} AND ${pending()}`
      ),
      ([row]) => row?.count ?? 0
    )

  /** A batch fails as a whole: where the embedder refuses a text, the others are asked about one by one. */
  const embedRows = (rows: ReadonlyArray<{ readonly prompt: string }>) =>
    embedder.embedMany(rows.map(({ prompt }) => prompt)).pipe(
      Effect.map((vectors): ReadonlyArray<Float32Array | undefined> => vectors),
      Effect.catchIf(isRefusal, () =>
        Effect.forEach(rows, ({ prompt }) =>
          embedder.embedMany([prompt]).pipe(
            Effect.catchIf(isRefusal, () => Effect.succeed([])),
            Effect.map(([vector]) => vector)
          )))
    )

  const embedBatch = Effect.fnUntraced(function*(namespace: Namespace) {
    const rows = yield* within(
      "unembedded",
      namespace,
      sql<{ readonly seq: string; readonly prompt: string }>`
        SELECT seq::text, prompt FROM understudy_answers a WHERE a.namespace = ${namespace} AND ${pending()}
        ORDER BY created_at DESC LIMIT ${batch}`
    )
    if (rows.length === 0) return 0
    const vectors = yield* embedRows(rows)
    const made = rows.map(({ prompt, seq }, index) => {
      const vector = vectors[index]
      if (vector === undefined && refused.size < maxRefused) refused.add(seq)
      return {
        seq,
        traits: encodeTraits(promptTraits(prompt)),
        embedding: vector === undefined ? undefined : vectorText(vector)
      }
    })
    yield* within(
      "embed",
      namespace,
      sql`
        WITH made AS (
          SELECT * FROM json_to_recordset(${
        JSON.stringify(made)
      }::json) AS made (seq bigint, traits text, embedding text)
        ), known AS (
          UPDATE understudy_answers a SET traits = made.traits FROM made
          WHERE a.namespace = ${namespace} AND a.seq = made.seq AND a.traits IS DISTINCT FROM made.traits
        )
        INSERT INTO ${sql(table)} (namespace, seq, content_type, locale, model_family, created_at, embedding)
        SELECT a.namespace, a.seq, a.content_type, a.locale, a.model_family, a.created_at, made.embedding::vector
        FROM understudy_answers a JOIN made USING (seq)
        WHERE a.namespace = ${namespace} AND a.quarantined_at IS NULL AND made.embedding IS NOT NULL
        ON CONFLICT (namespace, seq) DO NOTHING`
    )
    yield* noteProgress(rows.length)
    return rows.length
  })

  const noteProgress = (embedded: number) =>
    Effect.suspend(() => {
      unembedded = Math.max(0, unembedded - embedded)
      const tenth = Math.ceil((unembedded / Math.max(1, announced)) * 10)
      const before = Math.ceil(((unembedded + embedded) / Math.max(1, announced)) * 10)
      return Effect.andThen(
        Metric.update(waiting, unembedded),
        tenth < before
          ? Effect.logInfo(`embedded again for ${embedder.name}: ${announced - unembedded} of ${announced} answers`)
          : Effect.void
      )
    })

  const claim = Effect.map(
    call(
      "claimSpace",
      sql`
        UPDATE understudy_spaces SET leased_until = now() + ${leaseSeconds} * interval '1 second', used_at = now()
        WHERE name = ${spaceName(embedder)} AND (leased_until IS NULL OR leased_until <= now()) RETURNING 1`
    ),
    (rows) => rows.length > 0
  )
  const renew = call(
    "renewSpace",
    sql`UPDATE understudy_spaces SET leased_until = now() + ${leaseSeconds} * interval '1 second' WHERE name = ${
      spaceName(embedder)
    }`
  )
  const release = call(
    "releaseSpace",
    sql`UPDATE understudy_spaces SET leased_until = NULL WHERE name = ${spaceName(embedder)}`
  )

  const embedMissing = Effect.fnUntraced(function*(namespaces: ReadonlyArray<Namespace>) {
    const counts = yield* Effect.forEach(namespaces, countPending)
    unembedded = counts.reduce((sum, count) => sum + count, 0)
    yield* Metric.update(waiting, unembedded)
    if (unembedded === 0 || !(yield* claim)) return
    announced = unembedded
    if (announced > batch) {
      yield* Effect.logInfo(
        `${announced} answers are embedded for ${embedder.name} in the background: until then they are found by their exact prompt only`
      )
    }
    yield* Effect.forEach(
      namespaces.filter((_, index) => counts[index] !== 0),
      (namespace) => inBatches(Effect.tap(embedBatch(namespace), renew)),
      { discard: true }
    ).pipe(Effect.ensuring(Effect.ignore(release)))
  })

  const dropUnusedSpaces = Effect.gen(function*() {
    const spaces = yield* call(
      "unusedSpaces",
      sql<{ readonly name: string; readonly vectors: string }>`
        SELECT name, vectors FROM understudy_spaces
        WHERE name <> ${spaceName(embedder)} AND used_at < now() - ${spaceLifetimeDays} * interval '1 day'`
    )
    yield* Effect.forEach(spaces, ({ name, vectors }) =>
      call(
        "dropSpace",
        sql.withTransaction(Effect.andThen(
          sql`DROP TABLE IF EXISTS ${sql(vectors)}`,
          sql`DELETE FROM understudy_spaces WHERE name = ${name}`
        ))
      ), { discard: true })
  })

  const round = Effect.gen(function*() {
    // It may have failed at the start, and another instance may have dropped it.
    yield* call("prepare", Effect.provideService(prepareVectorSpace(embedder), SqlClient.SqlClient, sql))
    const namespaces = (yield* call(
      "namespaces",
      sql<{ readonly namespace: string }>`SELECT namespace FROM understudy_namespaces ORDER BY namespace`
    )).map(({ namespace }) => Namespace.make(namespace))
    for (const namespace of namespaces) {
      yield* Metric.update(Metric.withAttributes(removed, { why: "expired" }), yield* purge(namespace))
      yield* Metric.update(Metric.withAttributes(removed, { why: "evicted" }), yield* evict(namespace))
    }
    yield* embedMissing(namespaces)
    yield* dropUnusedSpaces
  })

  let isFailing = false
  const survive = (cause: Cause.Cause<StoreUnavailable | { readonly message: string }>) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
    const log = isFailing ? Effect.logDebug : Effect.logWarning
    isFailing = true
    return Effect.andThen(
      Metric.update(upkeepFailures, 1),
      log("upkeep of the cache has failed and will be tried again", Cause.squash(cause))
    )
  }
  const succeeded = Effect.sync(() => {
    isFailing = false
  })
  yield* Effect.forkScoped(Effect.forever(
    Effect.andThen(Effect.sleep(upkeepEvery), Effect.catchCause(Effect.andThen(round, succeeded), survive))
  ))
  return { unembedded: Effect.sync(() => unembedded) }
})
