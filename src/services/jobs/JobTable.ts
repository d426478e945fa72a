/** The table of jobs: a row each, inside the row-level security of its namespace, in the database's time. */
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { Namespace } from "../../domain/Generation.ts"
import type { JobForm, JobStatus } from "../../domain/jobs/Job.ts"
import { batch } from "../cache/upkeep/UpkeepCalls.ts"
import { withinNamespace } from "../store/withinNamespace.ts"
import { type Errand, queueTable, turnsQueue } from "./JobQueues.ts"
import type { JobRow, SummaryRow } from "./JobRow.ts"

/** A job that somebody has taken to work on. */
export interface TakenRow {
  readonly request: string | null
  readonly failure: string | null
  readonly attempts: number
  readonly left_millis: number
}

/** What a job that has ended still has to be told of. */
export interface EndedRow {
  readonly turn: number
  readonly callback_url: string | null
}

export interface NewRow {
  readonly id: string
  readonly form: JobForm
  readonly request: string
  readonly callbackUrl: string | undefined
  readonly upgradeOf: string | undefined
  readonly patienceMillis: number
}

type Statement<A> = Effect.Effect<A, SqlError.SqlError>

export const makeJobTable = (sql: SqlClient.SqlClient) => {
  const millis = (column: string) => sql.literal(`(extract(epoch FROM ${column}) * 1000)::float8`)
  const inMillis = (wait: number) => sql`now() + ${wait}::float8 * interval '1 millisecond'`
  const summary = sql`
    j.seq::text, j.id, j.form, j.status, j.version, j.attempts, j.waiting_for, ${
    millis("j.next_try_at")
  } AS next_try_at,
    ${millis("j.created_at")} AS created_at, ${millis("j.started_at")} AS started_at,
    ${millis("j.ended_at")} AS ended_at, ${millis("j.deadline")} AS deadline, ${millis("j.expires_at")} AS expires_at,
    j.upgrade_of, j.callback_url, j.callback_status, j.callback_attempts, j.callback_error`
  const isJob = (namespace: string, id: string) => sql`j.namespace = ${namespace} AND j.id = ${storedId(id)}`
  const isTurn = ({ id, namespace, turn }: Errand) =>
    sql`${isJob(namespace, id)} AND j.turn = ${turn} AND j.ended_at IS NULL`
  const first = <A extends object>(rows: Statement<ReadonlyArray<A>>): Statement<A | undefined> =>
    Effect.map(rows, ([row]) => row)
  const changed = (rows: Statement<ReadonlyArray<unknown>>): Statement<boolean> =>
    Effect.map(rows, ({ length }) => length > 0)

  return {
    within: <A, E, R>(namespace: Namespace, statements: Effect.Effect<A, E, R>) =>
      withinNamespace(sql, namespace)(statements),

    insert: (namespace: Namespace, row: NewRow): Statement<unknown> =>
      sql`
        WITH known AS (INSERT INTO understudy_namespaces VALUES (${namespace}) ON CONFLICT DO NOTHING)
        INSERT INTO understudy_jobs (namespace, id, form, status, request, callback_url, upgrade_of, deadline)
        VALUES (${namespace}, ${row.id}, ${row.form}, 'queued', ${row.request}, ${row.callbackUrl ?? null},
          ${row.upgradeOf ?? null}, ${inMillis(row.patienceMillis)})`,

    /** Whether so many are under way already. */
    isFull: (namespace: Namespace, limit: number): Statement<boolean> =>
      changed(sql`
        SELECT 1 FROM understudy_jobs WHERE namespace = ${namespace} AND ended_at IS NULL
        OFFSET ${limit - 1} LIMIT 1`),

    /** The position is that of its turn among all that are due and not yet taken; nobody counts beyond a thousand. */
    get: (namespace: Namespace, id: string): Statement<JobRow | undefined> =>
      first(sql<JobRow>`
        SELECT ${summary}, j.outcome, CASE WHEN j.status = 'queued' THEN (
          SELECT count(*)::int FROM (
            SELECT FROM ${sql(queueTable)} mine JOIN ${sql(queueTable)} other
              ON other.queue_name = ${turnsQueue} AND other.state = 'pending' AND other.acquired_at IS NULL
                AND (other.visible_at, other.sequence) < (mine.visible_at, mine.sequence)
            WHERE mine.queue_name = ${turnsQueue} AND mine.id = j.id || ':' || j.turn LIMIT 1000
          ) before_it
        ) END AS position
        FROM understudy_jobs j WHERE ${isJob(namespace, id)}`),

    list: (
      namespace: Namespace,
      { before, callback, limit, status }: {
        readonly before: string | undefined
        readonly callback: string | undefined
        readonly limit: number
        readonly status: JobStatus | undefined
      }
    ): Statement<ReadonlyArray<SummaryRow>> =>
      sql<SummaryRow>`
        SELECT ${summary} FROM understudy_jobs j WHERE j.namespace = ${namespace}
          ${before === undefined ? sql`` : sql`AND j.seq < ${before}::bigint`}
          ${status === undefined ? sql`` : sql`AND j.status = ${status}`}
          ${callback === undefined ? sql`` : sql`AND j.callback_status = ${callback}`}
        ORDER BY j.seq DESC LIMIT ${limit}`,

    versions: (namespace: Namespace, ids: ReadonlyArray<string>) =>
      sql<{ readonly id: string; readonly version: number; readonly status: JobStatus }>`
        SELECT id, version, status FROM understudy_jobs j WHERE namespace = ${namespace} AND ${
        sql.in("id", ids.map(storedId))
      }`,

    /** As if it had never been. */
    forget: (namespace: Namespace, id: string): Statement<unknown> =>
      sql`DELETE FROM understudy_jobs j WHERE ${isJob(namespace, id)}`,

    /** Begins the turn; nothing when the job has gone on, has ended, or is at its end. */
    begin: (errand: Errand): Statement<TakenRow | undefined> =>
      first(sql<TakenRow>`
        UPDATE understudy_jobs j SET status = 'running', version = version + 1, waiting_for = NULL, next_try_at = NULL,
          started_at = coalesce(started_at, now())
        WHERE ${isTurn(errand)} AND deadline > now()
        RETURNING request, failure, attempts, ${millis("deadline - now()")} AS left_millis`),

    /** What its fallback needs, for a job that has not ended. */
    remains: (namespace: Namespace, id: string): Statement<TakenRow | undefined> =>
      first(sql<TakenRow>`
        SELECT request, failure, attempts, ${millis("deadline - now()")} AS left_millis FROM understudy_jobs j
        WHERE ${isJob(namespace, id)} AND ended_at IS NULL`),

    /** Ends the turn without an end of the job. */
    wait: (
      errand: Errand,
      { attempts, failure, inMillis: wait, reason }: {
        readonly attempts: number
        readonly failure: string | null
        readonly reason: string
        readonly inMillis: number | undefined
      }
    ): Statement<boolean> =>
      changed(sql`
        UPDATE understudy_jobs j SET status = 'waiting', version = version + 1, turn = turn + 1,
          attempts = attempts + ${attempts}, failure = ${failure}, waiting_for = ${reason},
          next_try_at = ${wait === undefined ? sql`NULL` : inMillis(wait)}
        WHERE ${isTurn(errand)} RETURNING 1`),

    /** A turn that was broken off, and is somebody else's now. */
    release: (errand: Errand): Statement<boolean> =>
      changed(sql`
        UPDATE understudy_jobs j SET status = 'queued', version = version + 1
        WHERE ${isTurn(errand)} AND status = 'running' RETURNING 1`),

    /** The one end that a job comes to: whoever comes later changes nothing. What was asked is forgotten with it. */
    end: (
      namespace: Namespace,
      id: string,
      { attempts, outcome, status, ttlMillis }: {
        readonly status: JobStatus
        readonly outcome: string | null
        /** Since the last that are known. */
        readonly attempts: number
        readonly ttlMillis: number
      }
    ): Statement<EndedRow | undefined> =>
      first(sql<EndedRow>`
        UPDATE understudy_jobs j SET status = ${status}, outcome = ${outcome}, version = version + 1, turn = turn + 1,
          attempts = attempts + ${attempts}, request = NULL, failure = NULL,
          waiting_for = NULL, next_try_at = NULL, ended_at = now(), expires_at = ${inMillis(ttlMillis)},
          callback_status = CASE WHEN callback_url IS NOT NULL THEN 'pending' END
        WHERE ${isJob(namespace, id)} AND ended_at IS NULL RETURNING turn, callback_url`),

    /** A callback that is due, unless it has been told. */
    callbackDue: ({ id, namespace, turn }: Errand): Statement<JobRow | undefined> =>
      first(sql<JobRow>`
        SELECT ${summary}, j.outcome, NULL::int AS position FROM understudy_jobs j
        WHERE ${isJob(namespace, id)} AND j.turn = ${turn} AND j.callback_status = 'pending'`),

    callbackTold: (
      { id, namespace, turn }: Errand,
      { error, status, ttlMillis }: {
        readonly status: string
        readonly error: string | null
        /** From now on, if it has come to an end; the job is kept at least so long. */
        readonly ttlMillis: number | undefined
      }
    ): Statement<boolean> =>
      changed(sql`
        UPDATE understudy_jobs j SET callback_status = ${status}, callback_error = ${error}, version = version + 1,
          callback_attempts = callback_attempts + 1, turn = turn + 1,
          expires_at = ${ttlMillis === undefined ? sql`expires_at` : sql`greatest(expires_at, ${inMillis(ttlMillis)})`}
        WHERE ${isJob(namespace, id)} AND j.turn = ${turn} AND callback_status = 'pending' RETURNING 1`),

    /** A callback that was given up is due again, from its first attempt on. Answers the turn to send it in. */
    callbackAgain: (namespace: Namespace, id: string): Statement<{ readonly turn: number } | undefined> =>
      first(sql<{ readonly turn: number }>`
        UPDATE understudy_jobs j SET callback_status = 'pending', callback_attempts = 0, version = version + 1,
          turn = turn + 1
        WHERE ${isJob(namespace, id)} AND callback_status = 'failed' RETURNING turn`),

    namespaces: Effect.map(
      sql<{ readonly namespace: string }>`SELECT namespace FROM understudy_namespaces ORDER BY namespace`,
      (rows) => rows.map(({ namespace }) => Namespace.make(namespace))
    ),

    /** One batch of those whose time is over; one that still has to be told of stays. */
    purge: (namespace: Namespace): Statement<number> =>
      Effect.map(
        sql`
          DELETE FROM understudy_jobs WHERE namespace = ${namespace} AND seq IN (
            SELECT seq FROM understudy_jobs WHERE namespace = ${namespace} AND expires_at <= now()
              AND callback_status IS DISTINCT FROM 'pending'
            LIMIT ${batch} FOR UPDATE SKIP LOCKED
          ) RETURNING 1`,
        ({ length }) => length
      ),

    erase: (namespace: Namespace): Statement<number> =>
      Effect.map(
        sql`
          DELETE FROM understudy_jobs WHERE namespace = ${namespace} AND seq IN (
            SELECT seq FROM understudy_jobs WHERE namespace = ${namespace} LIMIT ${batch}
          ) RETURNING 1`,
        ({ length }) => length
      )
  }
}

/** Ids come from anywhere. PostgreSQL takes no NUL, and with this character in its place it is no id of ours either. */
const storedId = (id: string): string => id.replaceAll("\0", "\ufffd")

/** The statements on the jobs' table. */
export type JobTable = ReturnType<typeof makeJobTable>
