/** The database that everything lasting is kept in: a PostgreSQL server, or PGlite embedded in this process. */
import { PgClient } from "@effect/sql-pg"
import { Effect, type Layer, Option, Redacted } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { type DatabaseError, DatabaseRefused, DatabaseUnreachable, DatabaseUrlInvalid } from "./DatabaseError.ts"
import * as Migrations from "./Migrations.ts"
import * as Pglite from "./Pglite.ts"
import * as ServiceRole from "./ServiceRole.ts"

/** Which database: a server when there is a URL, else the embedded one. */
export interface DatabaseOptions {
  /** A PostgreSQL server with pgvector. None: the embedded database. */
  readonly url: Option.Option<Redacted.Redacted>
  /** Where the embedded database lives; `memory:` keeps nothing. */
  readonly dataDir: string
}

/** Connections to a server that one instance takes at most. */
export const poolSize = 10

/** Connected, and its tables up to date. Fails at start with an error that says what to do. */
export const layer = (options: DatabaseOptions): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, DatabaseError> =>
  PgClient.layerFrom(Effect.gen(function*() {
    const target = Option.isSome(options.url) ? yield* server(options.url.value) : yield* embedded(options.dataDir)
    const connect = (config: PgClient.PgPoolConfig) =>
      Effect.mapError(PgClient.make(config), (error) => connectError(target.name, error))
    // A client of its own for the migrations: they may take longer than a statement may in service.
    const role = yield* Effect.scoped(Effect.gen(function*() {
      const client = yield* connect({ ...target.config, minConnections: 0, maxConnections: 1 })
      yield* Effect.mapError(client`SELECT 1`, (error) => connectError(target.name, error))
      return yield* Migrations.run(target.name).pipe(
        Effect.andThen(Effect.mapError(ServiceRole.prepare(), (error) => connectError(target.name, error))),
        Effect.provideService(SqlClient.SqlClient, client)
      )
    }))
    return yield* connect({
      ...target.config,
      // Short statements of several fibers share a connection, one behind the other, without waiting for each other's
      // answers. Transactions have a connection to themselves.
      multiplex: true,
      startupParameters: {
        ...target.config.startupParameters,
        statement_timeout: "10s",
        ...role === undefined ? {} : { role }
      }
    })
  }))

/** Which database, and how it is connected to. */
export interface Target {
  /** For messages: host and port, never user or password. */
  readonly name: string
  readonly config: PgClient.PgPoolConfig
}

/**
 * `hnsw.iterative_scan`: an index scan that the filters leave empty-handed goes on instead of finding nothing. The
 * server keeps the name as a placeholder until pgvector is loaded by the session's first vector.
 *
 * The planner takes comparing two vectors for as cheap as comparing two numbers, and so prefers to read a namespace
 * whole. Everything here goes by an index anyway, so the other ways are closed, and reading by the primary key costs
 * what it costs in the worst order: then small namespaces are read whole, and large ones searched.
 */
const session = {
  TimeZone: "UTC",
  "hnsw.iterative_scan": "strict_order",
  "hnsw.ef_search": "64",
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  seq_page_cost: "4",
  jit: "off"
}

/** The server of a `DATABASE_URL`, and how the service connects to it. */
export const server = Effect.fnUntraced(
  function*(secret: Redacted.Redacted): Effect.fn.Return<Target, DatabaseUrlInvalid> {
    const url = URL.canParse(Redacted.value(secret)) ? new URL(Redacted.value(secret)) : undefined
    if (url === undefined) return yield* new DatabaseUrlInvalid({ detail: "it is not a URL" })
    if (url.protocol !== "postgres:" && url.protocol !== "postgresql:") {
      return yield* new DatabaseUrlInvalid({ detail: `it begins with ${url.protocol}//` })
    }
    if (url.pathname.includes("@")) {
      return yield* new DatabaseUrlInvalid({ detail: "its password holds a \"/\", which must be written as %2F" })
    }
    return {
      name: `${url.searchParams.get("host") ?? (url.hostname || "localhost")}:${url.port || "5432"}`,
      config: {
        url: secret,
        applicationName: "understudy",
        maxConnections: poolSize,
        connectTimeout: "3 seconds",
        keepAlive: "30 seconds",
        startupParameters: session
      }
    }
  }
)

const embedded = Effect.fnUntraced(function*(dataDir: string) {
  const pglite = yield* Pglite.make(dataDir)
  const target: Target = {
    name: "the embedded database",
    config: { ...Pglite.clientConfig(pglite), startupParameters: session }
  }
  return target
})

/** Why there is no connection, and what to do. */
export const connectError = (
  name: string,
  { reason }: SqlError.SqlError
): DatabaseUnreachable | DatabaseRefused | DatabaseUrlInvalid => {
  const detail = reason.cause instanceof Error && reason.cause.message !== ""
    ? reason.cause.message
    : reason.message ?? reason._tag
  if (reason._tag !== "ConnectionError") return new DatabaseRefused({ server: name, detail })
  // The driver reads the URL's parts only now, and quotes them.
  return reason.message?.includes(" URL") === true
    ? new DatabaseUrlInvalid({ detail: reason.message.replace("PgConnection: ", "").replace(/: ".*"$/u, "") })
    : new DatabaseUnreachable({ server: name, detail })
}
