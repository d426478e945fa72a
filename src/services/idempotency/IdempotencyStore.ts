/** The table of keys: one row per key, inside the row-level security of its namespace, in the database's time. */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import { Namespace } from "../../domain/Generation.ts"
import { decide, type IdempotencyDecision } from "../../domain/Idempotency.ts"
import { batch } from "../cache/upkeep/UpkeepCalls.ts"
import { withinNamespace } from "../store/withinNamespace.ts"
import type { Claim } from "./IdempotencyBook.ts"

interface Row {
  readonly attempt: string
  readonly fingerprint: string
  readonly answer: string | null
  readonly until: number
  readonly now: number
}

/** Rounds against others who want the same key at the same time; each of them sees a newer row. */
const maxRounds = 4

export const makeIdempotencyStore = (sql: SqlClient.SqlClient) => {
  const isKey = ({ id, namespace }: Claim) => sql`namespace = ${namespace} AND key_hash = decode(${id}, 'hex')`
  const inMillis = (millis: number) => sql`now() + ${millis}::float8 * interval '1 millisecond'`

  const look = (claim: Claim) =>
    Effect.map(
      sql<Row>`
        SELECT attempt, encode(fingerprint_hash, 'hex') AS fingerprint, answer,
          extract(epoch FROM expires_at)::float8 * 1000 AS until, extract(epoch FROM now())::float8 * 1000 AS now
        FROM understudy_idempotency WHERE ${isKey(claim)}`,
      ([row]) => row
    )

  /** Takes the key from the attempt that was seen there, or from nobody. `false`: somebody else was faster. */
  const take = ({ attempt, fingerprint, id, namespace }: Claim, seen: Row | undefined, leaseMillis: number) =>
    Effect.map(
      sql`
        WITH known AS (INSERT INTO understudy_namespaces VALUES (${namespace}) ON CONFLICT DO NOTHING)
        INSERT INTO understudy_idempotency AS taken (namespace, key_hash, fingerprint_hash, attempt, expires_at)
        VALUES (${namespace}, decode(${id}, 'hex'), decode(${fingerprint}, 'hex'), ${attempt}, ${inMillis(leaseMillis)})
        ON CONFLICT (namespace, key_hash) DO UPDATE SET
          fingerprint_hash = EXCLUDED.fingerprint_hash, attempt = EXCLUDED.attempt, answer = NULL,
          expires_at = EXCLUDED.expires_at
        WHERE taken.attempt = ${seen?.attempt ?? ""}
        RETURNING 1`,
      (rows) => rows.length > 0
    )

  const begin = Effect.fnUntraced(function*(claim: Claim, leaseMillis: number) {
    let decision: IdempotencyDecision = { _tag: "InFlight" }
    for (let round = 0; round < maxRounds; round++) {
      const row = yield* look(claim)
      decision = decide(
        row === undefined ? undefined : { ...row, answer: row.answer ?? undefined },
        claim.fingerprint,
        row?.now ?? 0
      )
      if (decision._tag !== "Start" || (yield* take(claim, row, leaseMillis))) return decision
    }
    return { _tag: "InFlight" } satisfies IdempotencyDecision
  })

  const within = <A, E>({ namespace }: Pick<Claim, "namespace">, statements: Effect.Effect<A, E>) =>
    withinNamespace(sql, namespace)(statements)

  return {
    begin: (claim: Claim, leaseMillis: number) => within(claim, begin(claim, leaseMillis)),
    renew: (claim: Claim, leaseMillis: number) =>
      within(
        claim,
        sql`UPDATE understudy_idempotency SET expires_at = ${inMillis(leaseMillis)}
          WHERE ${isKey(claim)} AND attempt = ${claim.attempt} AND answer IS NULL`
      ),
    /** Where the row is not there, for the database was away when the attempt began, it comes now. */
    complete: (claim: Claim, answer: string, ttlMillis: number) =>
      within(
        claim,
        sql`
          WITH known AS (INSERT INTO understudy_namespaces VALUES (${claim.namespace}) ON CONFLICT DO NOTHING)
          INSERT INTO understudy_idempotency AS taken (
            namespace, key_hash, fingerprint_hash, attempt, answer, expires_at
          )
          VALUES (
            ${claim.namespace}, decode(${claim.id}, 'hex'), decode(${claim.fingerprint}, 'hex'), ${claim.attempt},
            ${answer}, ${inMillis(ttlMillis)}
          )
          ON CONFLICT (namespace, key_hash) DO UPDATE SET answer = EXCLUDED.answer, expires_at = EXCLUDED.expires_at
          WHERE taken.attempt = EXCLUDED.attempt`
      ),
    abandon: (claim: Claim) =>
      within(
        claim,
        sql`DELETE FROM understudy_idempotency
          WHERE ${isKey(claim)} AND attempt = ${claim.attempt} AND answer IS NULL`
      ),
    discard: (claim: Claim, answer: string) =>
      within(claim, sql`DELETE FROM understudy_idempotency WHERE ${isKey(claim)} AND answer = ${answer}`),
    namespaces: Effect.map(
      sql<{ readonly namespace: string }>`SELECT namespace FROM understudy_namespaces ORDER BY namespace`,
      (rows) => rows.map(({ namespace }) => Namespace.make(namespace))
    ),
    /** One batch of what has expired; answers how many rows went. */
    purge: (namespace: Namespace) =>
      Effect.map(
        within(
          { namespace },
          sql`
            DELETE FROM understudy_idempotency WHERE namespace = ${namespace} AND key_hash IN (
              SELECT key_hash FROM understudy_idempotency WHERE namespace = ${namespace} AND expires_at <= now()
              LIMIT ${batch} FOR UPDATE SKIP LOCKED
            ) RETURNING 1`
        ),
        (rows) => rows.length
      ),
    /** One batch of a namespace's answers; keys that are under way go with them. Answers how many of either. */
    erase: (namespace: Namespace) =>
      Effect.map(
        within(
          { namespace },
          sql<{ readonly answered: boolean }>`
            DELETE FROM understudy_idempotency WHERE namespace = ${namespace} AND key_hash IN (
              SELECT key_hash FROM understudy_idempotency WHERE namespace = ${namespace} LIMIT ${batch}
            ) RETURNING answer IS NOT NULL AS answered`
        ),
        (rows) => ({ rows: rows.length, answers: rows.filter(({ answered }) => answered).length })
      )
  }
}
