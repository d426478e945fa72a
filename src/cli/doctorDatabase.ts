/** What the facts of the database mean for a service that starts on it. */
import { Effect, Result } from "effect"
import { counted } from "../domain/text/Table.ts"
import type { AppConfig } from "../layers/AppConfig.ts"
import { poolSize } from "../layers/Database.ts"
import { embeddedMajor, type FolderFacts, inspectFolder } from "../layers/inspection/FolderInspection.ts"
import { inspectServer, type ServerFacts } from "../layers/inspection/ServerInspection.ts"
import { type Finding, findingsOf } from "./doctorReport.ts"

const { failed, ok, warning } = findingsOf("database")

export const checkDatabase = Effect.fnUntraced(function*({ dataDir, databaseUrl }: AppConfig) {
  if (databaseUrl !== undefined) {
    const facts = yield* Effect.result(inspectServer(databaseUrl))
    return Result.isSuccess(facts) ? serverFindings(facts.success) : [unreachable(facts.failure.message)]
  }
  return dataDir.startsWith("memory:")
    ? [warning("embedded, in memory: nothing outlives the process", "set DATA_DIR to a folder, or DATABASE_URL")]
    : folderFindings(yield* inspectFolder(dataDir))
})

/** Their messages end with what to do, after a colon or a semicolon. */
const unreachable = (message: string): Finding => {
  const [, found = message, advice] = /^(.*?)[:;] ((?:check|expected) .*)$/s.exec(message) ?? []
  return failed(found, advice ?? "look at DATABASE_URL and at the server")
}

/** Far less than this is too slow for a lookup on the way of each fallback. */
const slowMillis = 50

export const serverFindings = (facts: ServerFacts): ReadonlyArray<Finding> => [
  facts.roundTripMillis <= slowMillis
    ? ok(`PostgreSQL ${facts.version} at ${facts.server}, a round trip takes ${facts.roundTripMillis.toFixed(1)} ms`)
    : warning(
      `PostgreSQL ${facts.version} at ${facts.server}, a round trip takes ${facts.roundTripMillis.toFixed(0)} ms`,
      "run the service near its database: each fallback makes some round trips"
    ),
  ...pgvectorFindings(facts),
  ...migrationFindings(facts),
  ...userFindings(facts),
  ...sessionFindings(facts),
  ...connectionFindings(facts)
]

const pgvectorFindings = (
  { pgvector: { available, installed, isTrusted }, user }: ServerFacts
): ReadonlyArray<Finding> => {
  if (installed !== null) return [ok(`pgvector ${installed}`)]
  if (available === null) {
    return [failed(
      "the server lacks the extension \"vector\" (pgvector)",
      "install it: apt install postgresql-17-pgvector (for another version change the 17), the image pgvector/pgvector:pg17, "
        + "or \"vector\" in the console of a hosted server"
    )]
  }
  return user.mayCreateExtension
    ? [ok(`pgvector ${available} is there, and is switched on at the next start`)]
    : [failed(
      `pgvector ${available} is there, and ${user.name} may not switch it on`,
      `run CREATE EXTENSION vector; once in this database as ${
        isTrusted ? "its owner or a superuser" : "a superuser: to this server it is not trusted, so its owner may not"
      }`
    )]
}

const migrationFindings = (facts: ServerFacts): ReadonlyArray<Finding> => {
  const { migrations: { applied, foreignTables, latest }, schema, user } = facts
  const foreign = foreignTables > 0 && !user.isSuper
    ? [failed(
      `${counted(foreignTables, "table")} of Understudy belong to another user than ${user.name}`,
      `make them its own (ALTER TABLE … OWNER TO ${user.name}), or connect as their owner`
    )]
    : []
  if (applied === latest) return [ok(`tables are up to date (step ${latest})`), ...foreign]
  if (applied > latest) {
    return [
      warning(
        `tables are newer (step ${applied}) than this version (step ${latest})`,
        "older versions may run on beside newer ones during an upgrade; start no more of them"
      ),
      ...foreign
    ]
  }
  const missing = counted(latest - applied, "step")
  return [
    user.mayCreateTables
      ? ok(`tables: ${applied === 0 ? "none yet, they are made" : `${missing} will be applied`} at the next start`)
      : failed(
        schema === null
          ? "the tables are not up to date, and the search path of the user names no schema that exists"
          : `the tables are not up to date, and ${user.name} may not create any in the schema ${schema}`,
        schema === null
          ? `CREATE SCHEMA … AUTHORIZATION ${user.name}, or ALTER ROLE ${user.name} SET search_path`
          : `GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${user.name}`
      ),
    ...foreign
  ]
}

const userFindings = ({ isReplica, user }: ServerFacts): ReadonlyArray<Finding> => [
  ...isReplica ? [failed("the server is a replica, which takes no writes", "name the primary in DATABASE_URL")] : [],
  ...user.isSuper
    ? [
      ok(
        `user ${user.name} is a superuser: the service takes the role understudy_service, which row-level security binds`
      )
    ]
    : user.bypassesRls
    ? [warning(
      `user ${user.name} has BYPASSRLS: row-level security, the second line between namespaces, does not bind it`,
      `ALTER ROLE ${user.name} NOBYPASSRLS, or connect as another user`
    )]
    : []
]

const sessionFindings = ({ clockAheadMillis, timeZone }: ServerFacts): ReadonlyArray<Finding> => [
  ...timeZone === "UTC" ? [] : [warning(
    `the session has the time zone ${timeZone} although UTC was asked for: something between drops what is asked for at `
      + "the connection",
    "connect without a pooler, or with one that keeps the parameters of a connection (track_extra_parameters)"
  )],
  ...Math.abs(clockAheadMillis) < 5_000 ? [] : [warning(
    `the server's clock is ${Math.abs(clockAheadMillis / 1000).toFixed(0)} seconds ${
      clockAheadMillis > 0 ? "ahead of" : "behind"
    } ours`,
    "synchronise both clocks: the service reads either"
  )]
]

const connectionFindings = ({ connections: { max, used } }: ServerFacts): ReadonlyArray<Finding> => {
  const free = max - used
  const text = `${used} of ${max} connections are taken; an instance takes up to ${poolSize}, so there is room for `
    + counted(Math.max(0, Math.floor(free / poolSize)), "more instance")
  return free >= poolSize
    ? [ok(text)]
    : [
      warning(
        text,
        "raise max_connections, or end what holds connections; where instances run already they are among them"
      )
    ]
}

/** A cache of 20,000 answers takes about half of it. */
const littleSpace = 512 * 1024 * 1024

export const folderFindings = ({ folder, freeBytes, state }: FolderFacts): ReadonlyArray<Finding> => {
  const space = freeBytes !== undefined && freeBytes < littleSpace
    ? [
      warning(`the disk of ${folder} has ${Math.floor(freeBytes / 1024 / 1024)} MiB left`, "make room, or set DATA_DIR")
    ]
    : []
  switch (state._tag) {
    case "ToBeMade":
      return [ok(`embedded, in ${folder}, which is made at the next start`), ...space]
    case "Free":
      return [
        state.major === undefined || state.major === embeddedMajor
          ? ok(`embedded, in ${folder}${state.major === undefined ? ", which holds no database yet" : ""}`)
          : failed(
            `${folder} holds a database of PostgreSQL ${state.major}, and this version runs ${embeddedMajor}`,
            "start the version that made it, or set DATA_DIR to another folder"
          ),
        ...space
      ]
    case "InUse":
      return [ok(`embedded, in ${folder}, in use by ${state.holder ?? "another process"}`), ...space]
    case "Unusable":
      return [
        failed(
          `the data folder ${folder} cannot be used: ${state.why}`,
          "make it a folder that this user may write to, or set DATA_DIR to another one"
        ),
        ...space
      ]
  }
}
