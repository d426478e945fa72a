/** What there is to know of a PostgreSQL server before the service is started on it. Changes nothing there. */
import { PgClient } from "@effect/sql-pg"
import { Clock, Duration, Effect, type Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import { connectError, server } from "../Database.ts"
import { type DatabaseRefused, DatabaseUnreachable, type DatabaseUrlInvalid } from "../DatabaseError.ts"
import { steps } from "../MigrationSteps.ts"

export interface ServerFacts {
  /** host:port */
  readonly server: string
  readonly version: string
  readonly roundTripMillis: number
  /** How far its clock is ahead of ours. */
  readonly clockAheadMillis: number
  /** As the session has it: another one than UTC means that what we asked for at the connection was dropped. */
  readonly timeZone: string
  readonly isReplica: boolean
  /** Absent: the search path names no schema that exists. */
  readonly schema: string | null
  readonly user: {
    readonly name: string
    readonly isSuper: boolean
    readonly bypassesRls: boolean
    readonly mayCreateTables: boolean
    readonly mayCreateExtension: boolean
  }
  readonly pgvector: {
    readonly installed: string | null
    readonly available: string | null
    /** A database's owner may switch it on; else only a superuser. */
    readonly isTrusted: boolean
  }
  readonly connections: { readonly max: number; readonly used: number }
  readonly migrations: {
    /** 0: none yet. */
    readonly applied: number
    /** Of this version. */
    readonly latest: number
    /** Our tables that belong to somebody whose rights our user lacks. */
    readonly foreignTables: number
  }
}

interface Row {
  readonly version: string
  readonly now: number
  readonly time_zone: string
  readonly is_replica: boolean
  readonly schema: string | null
  readonly user_name: string
  readonly is_super: boolean
  readonly bypasses: boolean
  readonly may_create: boolean | null
  readonly may_make: boolean
  readonly installed: string | null
  readonly available: string | null
  readonly trusted: boolean
  readonly max: number
  readonly used: number
  readonly is_migrated: boolean
}

const longest = Duration.seconds(10)

/** Within ten seconds. */
export const inspectServer = (
  url: Redacted.Redacted
): Effect.Effect<ServerFacts, DatabaseUrlInvalid | DatabaseUnreachable | DatabaseRefused> =>
  Effect.flatMap(server(url), ({ config, name }) =>
    Effect.scoped(look(name, {
      ...config,
      minConnections: 0,
      maxConnections: 1,
      // No parameter that the service does not ask for: a pooler may let through only those.
      startupParameters: { ...config.startupParameters, statement_timeout: "5s" }
    })).pipe(
      Effect.provide(Reactivity.layer),
      Effect.catchTag("SqlError", (error) => Effect.fail(connectError(name, error))),
      Effect.timeoutOrElse({
        duration: longest,
        orElse: () =>
          Effect.fail(
            new DatabaseUnreachable({ server: name, detail: `no answer within ${Duration.format(longest)}` })
          )
      })
    ))

/** In one transaction that may change nothing: what is set for a session, a pooler would hand on to others. */
const look = Effect.fnUntraced(function*(name: string, config: PgClient.PgPoolConfig) {
  const sql = yield* PgClient.make(config)
  return yield* sql.withTransaction(Effect.andThen(sql`SET TRANSACTION READ ONLY`, factsOf(name, sql)))
})

const factsOf = Effect.fnUntraced(function*(name: string, sql: PgClient.PgClient) {
  const [row] = yield* sql<Row>`
    SELECT current_setting('server_version') AS version,
      (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now,
      current_setting('TimeZone') AS time_zone,
      pg_is_in_recovery() AS is_replica,
      current_schema() AS schema,
      current_user::text AS user_name,
      rolsuper AS is_super,
      rolbypassrls AS bypasses,
      has_schema_privilege(current_schema(), 'CREATE') AS may_create,
      has_database_privilege(current_database(), 'CREATE') AS may_make,
      (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS installed,
      (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS available,
      EXISTS (SELECT FROM pg_available_extension_versions WHERE name = 'vector' AND trusted) AS trusted,
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS max,
      (SELECT count(*)::int FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> pg_backend_pid()) AS used,
      to_regclass('understudy_migrations') IS NOT NULL AS is_migrated
    FROM pg_roles WHERE rolname = current_user`
  if (row === undefined) return yield* Effect.die(new Error("the user is no role"))
  const clockAheadMillis = row.now - (yield* Clock.currentTimeMillis)
  const [roundTrip] = yield* Effect.timed(sql`SELECT 1`)
  const applied = row.is_migrated ? yield* appliedSteps(sql) : { latest: 0, foreign: 0 }
  const facts: ServerFacts = {
    server: name,
    version: row.version,
    roundTripMillis: Duration.toMillis(roundTrip),
    clockAheadMillis,
    timeZone: row.time_zone,
    isReplica: row.is_replica,
    schema: row.schema,
    user: {
      name: row.user_name,
      isSuper: row.is_super,
      bypassesRls: row.bypasses,
      mayCreateTables: row.may_create === true,
      mayCreateExtension: row.is_super || (row.may_make && row.trusted)
    },
    pgvector: { installed: row.installed, available: row.available, isTrusted: row.trusted },
    connections: { max: row.max, used: row.used },
    migrations: { applied: applied.latest, latest: yield* latestStep, foreignTables: applied.foreign }
  }
  return facts
})

const latestStep = Effect.orDie(Effect.map(steps, (resolved) => Math.max(...resolved.map(([id]) => id))))

/** A row that is not there, or a table that may not be read, counts as none: the tables' owner says the rest. */
const appliedSteps = Effect.fnUntraced(function*(sql: PgClient.PgClient) {
  const [tables] = yield* sql<{ readonly foreign: number; readonly readable: boolean }>`
    SELECT count(*) FILTER (WHERE NOT pg_has_role(relowner, 'USAGE'))::int AS foreign,
      has_table_privilege('understudy_migrations', 'SELECT') AS readable
    FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname LIKE 'understudy\\_%'
      AND relkind IN ('r', 'p')`
  if (tables?.readable !== true) return { latest: 0, foreign: tables?.foreign ?? 0 }
  const [step] = yield* sql<{ readonly latest: number | null }>`
    SELECT max(migration_id)::int AS latest FROM understudy_migrations`
  return { latest: step?.latest ?? 0, foreign: tables.foreign }
})
