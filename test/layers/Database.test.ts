import { PgClient } from "@effect/sql-pg"
import { assert, describe, it, layer } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Layer, Schema, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import { spawn } from "node:child_process"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { defaultNamespace, Namespace } from "../../src/domain/Generation.ts"
import * as Pglite from "../../src/layers/Pglite.ts"
import { withinNamespace } from "../../src/services/store/withinNamespace.ts"
import {
  freshDatabase,
  freshDirectory,
  layerEmbedded,
  layerFreshServer,
  layerServer,
  urlOf,
  withoutServer,
  withServer
} from "../support/databases.ts"
import { refusingServer, rudeServer, serverWithoutPgvector, silentServer } from "../support/postgresServers.ts"

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

class Boom extends Schema.TaggedError<Boom>()("Boom", {}) {}

const databaseTests = (it: Parameters<Parameters<ReturnType<typeof layer<SqlClient.SqlClient, never>>>[1]>[0]) => {
  it.effect("holds its tables, in UTC, with the settings of the session", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* sql`SELECT count(*)::int AS n FROM understudy_answers WHERE false`, [{ n: 0 }])
      const settings = sql`SELECT current_setting('TimeZone') AS zone, current_setting('statement_timeout') AS timeout,
        current_setting('hnsw.iterative_scan') AS scan`
      const expected = [{ zone: "UTC", timeout: "10s", scan: "strict_order" }]
      assert.deepStrictEqual(yield* settings, expected)
      // The session's first vector loads pgvector, which then checks what it had been given.
      assert.deepStrictEqual(yield* sql`SELECT ('[1,2]'::vector <=> '[1,2]'::vector) AS distance`, [{ distance: 0 }])
      assert.deepStrictEqual(yield* settings, expected)
    }))

  it.effect("keeps what was asked and answered, jobs too, to its namespace", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const tables = yield* sql<{ readonly name: string; readonly holds: boolean }>`
        SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity
            AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid) AS holds
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relkind IN ('r', 'p') AND c.relname LIKE 'understudy%' AND a.attname = 'namespace' ORDER BY 1`
      const known = ["understudy_answers", "understudy_idempotency", "understudy_jobs"]
      assert.includeMembers(tables.map(({ name }) => name), known)
      // Neither says what anybody has asked or was answered: who there is, and what operators have imported.
      const open = ["understudy_namespaces", "understudy_templates"]
      assert.deepStrictEqual(tables.filter(({ holds }) => !holds).map(({ name }) => name), open)

      const [alpha, beta] = [Namespace.make("rls-alpha"), Namespace.make("rls-beta")]
      yield* withinNamespace(sql, alpha)(
        sql`INSERT INTO understudy_jobs (namespace, id, form, status, deadline)
          VALUES (${alpha}, 'job_rls', 'generate', 'queued', now())`
      )
      const jobs = sql`SELECT id FROM understudy_jobs WHERE id = 'job_rls'`
      assert.lengthOf(yield* withinNamespace(sql, alpha)(jobs), 1)
      assert.lengthOf(yield* withinNamespace(sql, beta)(jobs), 0)
      assert.lengthOf(yield* jobs, 0)
    }))

  it.effect("answers many queries at once, each its own", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const answers = yield* Effect.all(
        Array.from({ length: 500 }, (_, n) => sql<{ n: number }>`SELECT ${n}::int AS n`),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(answers.map(([row]) => row?.n), Array.from({ length: 500 }, (_, n) => n))
    }))

  it.effect("takes a parameter and gives a result of 5 MB", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const text = "0123456789".repeat(500_000)
      const [row] = yield* sql<
        { text: string; size: number }
      >`SELECT ${text}::text AS text, length(${text}::text) AS size`
      assert.strictEqual(row?.size, text.length)
      assert.isTrue(row?.text === text)
    }))

  it.effect("streams a result larger than what may wait unread, and can be left in the middle", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const rows = sql<{ text: string }>`SELECT n, repeat('x', 10000) AS text FROM generate_series(1, 2000) AS n`
      assert.strictEqual(yield* Stream.runFold(rows.stream, () => 0, (sum, row) => sum + row.text.length), 20_000_000)
      assert.strictEqual((yield* Stream.runCollect(Stream.take(rows.stream, 3))).length, 3)
      assert.deepStrictEqual(yield* sql`SELECT 1 AS one`, [{ one: 1 }])
    }))

  it.effect("commits a transaction, rolls a failed one back, and goes on after an error inside one", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE numbers (n int PRIMARY KEY)`
      const insert = (n: number) => sql`INSERT INTO numbers VALUES (${n})`
      yield* sql.withTransaction(Effect.andThen(insert(1), insert(2)))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(sql.withTransaction(Effect.andThen(insert(3), new Boom())))))
      const duplicate = yield* Effect.flip(sql.withTransaction(Effect.andThen(insert(4), insert(1))))
      assert.strictEqual(duplicate.reason._tag, "UniqueViolation")
      assert.deepStrictEqual(yield* sql`SELECT n FROM numbers ORDER BY n`, [{ n: 1 }, { n: 2 }])
      yield* sql`DROP TABLE numbers`
    }))

  it.effect("is usable after a query was interrupted", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const slow = sql`SELECT count(*) FROM generate_series(1, 3000000)`
      yield* Effect.timeoutOption(slow, "30 millis")
      const [row] = yield* sql`SELECT current_setting('hnsw.iterative_scan') AS scan`
      assert.deepStrictEqual(row, { scan: "strict_order" })
    }))
}

layer(Layer.orDie(layerEmbedded("memory:")), live)("the embedded database, keeping nothing", databaseTests)

const failureOf = <A, E, R>(database: Layer.Layer<A, E, R>) => Effect.flip(Effect.scoped(Layer.build(database)))

/** The test's own process that uses a directory. */
const startProcess = (directory: string, mode: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const script = fileURLToPath(new URL("../support/databaseProcess.ts", import.meta.url))
      const child = spawn(process.execPath, [script, directory, mode], { stdio: ["ignore", "pipe", "inherit"] })
      const lines: Array<string> = []
      const reader = createInterface({ input: child.stdout })
      reader.on("line", (line) => lines.push(line))
      const closed = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)))
      const line = (matching: (lines: ReadonlyArray<string>) => boolean) =>
        Effect.callback<void>((resume) => {
          const look = () => matching(lines) && resume(Effect.void)
          reader.on("line", look)
          look()
        })
      return { child, lines, line, closed: Effect.promise(() => closed) }
    }),
    ({ child, closed }) => Effect.andThen(Effect.sync(() => child.kill("SIGKILL")), closed)
  )

describe("the embedded database in a directory", () => {
  it.live("keeps what it holds, and leaves nothing that keeps the process alive", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = join(yield* freshDirectory, "not", "there yet")
      const insert = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`CREATE TABLE kept AS SELECT 7 AS n`)
      yield* Effect.provide(insert, layerEmbedded(directory))
      const child = yield* startProcess(directory, "once")
      assert.strictEqual(yield* child.closed, 0)
      assert.deepStrictEqual(child.lines, ["open 0"])
      const select = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT n FROM kept`)
      assert.deepStrictEqual(yield* Effect.provide(select, layerEmbedded(directory)), [{ n: 7 }])
    })))

  it.live("refuses a second process at once, and names the directory, the first one and what to do", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* freshDirectory
      const first = yield* startProcess(directory, "hold")
      yield* first.line((lines) => lines.length > 0)
      const begin = yield* Clock.currentTimeMillis
      const second = yield* startProcess(directory, "once")
      assert.strictEqual(yield* second.closed, 1)
      assert.isBelow((yield* Clock.currentTimeMillis) - begin, 3_000)
      const [message = ""] = second.lines
      assert.include(message, "DataDirLocked: the data directory")
      for (const part of [directory, `process ${first.child.pid} `, "DATA_DIR", "DATABASE_URL"]) {
        assert.include(message, part)
      }

      const here = yield* failureOf(layerEmbedded(directory))
      assert.strictEqual(here._tag, "DataDirLocked")
      first.child.kill("SIGKILL")
      yield* first.closed
      yield* Effect.scoped(Layer.build(layerEmbedded(directory)))
    })))

  it.live("refuses a second database on the directory within one process, and opens it again after closing", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* freshDirectory
      yield* Effect.provide(
        Effect.gen(function*() {
          assert.strictEqual((yield* failureOf(layerEmbedded(directory)))._tag, "DataDirLocked")
        }),
        layerEmbedded(directory)
      )
      yield* Effect.scoped(Layer.build(layerEmbedded(directory)))
    })))

  it.live(
    "keeps every acknowledged row when the process is killed in the middle of writing",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const directory = yield* freshDirectory
        let acknowledged = 0
        for (const rows of [50, 120, 200]) {
          const writer = yield* startProcess(directory, "write")
          yield* writer.line((lines) => lines.length > rows)
          writer.child.kill("SIGKILL")
          yield* writer.closed
          acknowledged += writer.lines.length - 1
          const count = Effect.flatMap(
            SqlClient.SqlClient,
            (sql) =>
              withinNamespace(sql, defaultNamespace)(
                sql<{ n: number }>`SELECT count(*)::int AS n FROM understudy_answers`
              )
          )
          const [row] = yield* Effect.provide(count, layerEmbedded(directory))
          // One more may have been written than the pipe had told.
          assert.isAtLeast(row?.n ?? 0, acknowledged)
          acknowledged = row?.n ?? 0
        }
      })),
    60_000
  )

  it.live("starts over when the first start had been killed halfway", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* freshDirectory
      mkdirSync(join(directory, "pglite.new", "base"), { recursive: true })
      writeFileSync(join(directory, "pglite.new", "PG_VERSION"), "18\n")
      yield* Effect.scoped(Layer.build(layerEmbedded(directory)))
    })))

  it.live("says so when what the directory holds is no database of ours", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* freshDirectory
      mkdirSync(join(directory, "pglite", "base"), { recursive: true })
      writeFileSync(join(directory, "pglite", "PG_VERSION"), "12\n")
      const error = yield* failureOf(layerEmbedded(directory))
      assert.strictEqual(error._tag, "DataDirUnusable")
      assert.include(error.message, directory)
    })))

  it.live("says what is wrong with a directory that it cannot use", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* freshDirectory
      const file = join(directory, "file")
      writeFileSync(file, "")
      const error = yield* failureOf(layerEmbedded(file))
      assert.strictEqual(error._tag, "DataDirUnusable")
      assert.include(error.message, file)
      assert.include(error.message, "DATA_DIR")
    })))

  it.live.skipIf(process.getuid?.() === 0)(
    "says that it may not write to a directory",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const directory = yield* freshDirectory
        yield* Effect.acquireRelease(
          Effect.sync(() => chmodSync(directory, 0o500)),
          () => Effect.sync(() => chmodSync(directory, 0o700))
        )
        assert.strictEqual((yield* failureOf(layerEmbedded(directory)))._tag, "DataDirUnusable")
      }))
  )

  it.live("fails its queries with a typed error, now and later, when its thread dies", () =>
    Effect.scoped(Effect.gen(function*() {
      const pglite = yield* Pglite.make("memory:")
      const sql = yield* PgClient.make(Pglite.clientConfig(pglite)).pipe(Effect.provide(Reactivity.layer))
      yield* sql`SELECT 1`
      const waiting = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 20 }, () => Effect.flip(sql`SELECT count(*) FROM generate_series(1, 100000000)`)),
          { concurrency: "unbounded" }
        )
      )
      yield* Effect.sleep("50 millis")
      yield* pglite.kill
      const errors = yield* Effect.timeout(Fiber.join(waiting), "5 seconds")
      assert.isTrue(errors.every((error) => error.reason._tag === "ConnectionError"))
      // Of this thread only: V8 goes on compiling the database's code in others.
      const cpu = process.threadCpuUsage()
      yield* Effect.sleep("1 second")
      const { system, user } = process.threadCpuUsage(cpu)
      assert.isBelow((system + user) / 1000, 500, "nothing keeps trying in a loop")
      const later = yield* Effect.timeout(Effect.flip(sql`SELECT 1`), "5 seconds")
      assert.strictEqual(later.reason._tag, "ConnectionError")
      assert.include(String(later.reason.cause), "the embedded database has stopped")
    })))

  it.live("closes in time although a statement runs that does not end", () =>
    Effect.gen(function*() {
      const closing = yield* Effect.scoped(Effect.gen(function*() {
        const pglite = yield* Pglite.make("memory:")
        const sql = yield* PgClient.make(Pglite.clientConfig(pglite)).pipe(Effect.provide(Reactivity.layer))
        yield* Effect.forkScoped(sql`SELECT count(*) FROM generate_series(1, 1000000000)`)
        yield* Effect.sleep("50 millis")
        return yield* Clock.currentTimeMillis
      }))
      assert.isBelow((yield* Clock.currentTimeMillis) - closing, 12_000)
    }), 60_000)
})

describe("a server that does not do", () => {
  const messageOf = (url: string, tag: string) =>
    Effect.map(failureOf(layerServer(url)), (error) => {
      assert.strictEqual(error._tag, tag)
      assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "s3cret")
      return error.message
    })

  it.live("is named when nobody listens, hangs up or answers in time", () =>
    Effect.scoped(Effect.gen(function*() {
      assert.include(
        yield* messageOf("postgres://app:s3cret@127.0.0.1:1/app", "DatabaseUnreachable"),
        "cannot reach PostgreSQL at 127.0.0.1:1 (connect ECONNREFUSED"
      )
      const rude = yield* rudeServer
      yield* messageOf(`postgres://app:s3cret@127.0.0.1:${rude}/app`, "DatabaseUnreachable")
      const silent = yield* silentServer
      const begin = yield* Clock.currentTimeMillis
      yield* messageOf(`postgres://app:s3cret@127.0.0.1:${silent}/app`, "DatabaseUnreachable")
      assert.isBelow((yield* Clock.currentTimeMillis) - begin, 4_500)
    })))

  it.live("is told from a URL that is none, without printing it", () =>
    Effect.gen(function*() {
      for (
        const url of [
          "localhost",
          "mysql://app:s3cret@localhost/app",
          "postgres://app:s3cret%zz@localhost/app",
          "postgres://app:s3cret@localhost:99999/app",
          "postgres://app:1234/s3cret@localhost/app",
          "postgres://app:secret@localhost/app?port=s3cret"
        ]
      ) assert.include(yield* messageOf(url, "DatabaseUrlInvalid"), "DATABASE_URL is not usable")
    }))

  it.live("is quoted when it refuses the password", () =>
    Effect.scoped(Effect.gen(function*() {
      const port = yield* refusingServer
      const message = yield* messageOf(`postgres://app:s3cret@127.0.0.1:${port}/app`, "DatabaseRefused")
      assert.include(
        message,
        `PostgreSQL at 127.0.0.1:${port} refuses us: password authentication failed for user "app"`
      )
    })))

  it.live("is asked for pgvector when that is not installed", () =>
    Effect.scoped(Effect.gen(function*() {
      const port = yield* serverWithoutPgvector
      const message = yield* messageOf(`postgres://postgres@127.0.0.1:${port}/postgres`, "PgvectorMissing")
      for (const part of ["pgvector", "postgresql-17-pgvector", "pgvector/pgvector:pg17"]) assert.include(message, part)
    })))
})

describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
  layer(Layer.orDie(layerFreshServer), live)("a server", databaseTests)

  it.live("brings a fresh database up to date with several instances starting at once", () =>
    Effect.scoped(Effect.gen(function*() {
      const url = urlOf(yield* freshDatabase)
      yield* Effect.all(Array.from({ length: 8 }, () => Effect.scoped(Layer.build(layerServer(url)))), {
        concurrency: "unbounded"
      })
      const names = yield* withServer((sql) => sql`SELECT migration_id, name FROM understudy_migrations`, url)
      const applied = [
        "answers",
        "circuits",
        "limits",
        "governed_answers",
        "templates",
        "contexts",
        "idempotency",
        "jobs"
      ].map(
        (
          name,
          index
        ) => ({
          migration_id: index + 1,
          name
        })
      )
      assert.deepStrictEqual(names, applied)
    })))

  it.live("is asked for CREATE EXTENSION when our user may not, and is enough when somebody else has done it", () =>
    Effect.scoped(Effect.gen(function*() {
      const name = yield* freshDatabase
      const role = yield* Effect.acquireRelease(
        Effect.as(withServer((sql) => sql`CREATE ROLE ${sql(`${name}_role`)} LOGIN`), `${name}_role`),
        (role) =>
          Effect.orDie(Effect.andThen(
            withServer((sql) => sql`DROP OWNED BY ${sql(role)} CASCADE`, urlOf(name)),
            withServer((sql) => sql`DROP ROLE ${sql(role)}`)
          ))
      )
      const url = urlOf(name, { name: role, password: "s3cret" })
      const error = yield* failureOf(layerServer(url))
      assert.strictEqual(error._tag, "PgvectorMissing")
      assert.include(error.message, "run CREATE EXTENSION vector;")

      yield* withServer((sql) => sql`CREATE EXTENSION vector`, urlOf(name))
      assert.strictEqual((yield* failureOf(layerServer(url)))._tag, "MigrationFailed")
      yield* withServer((sql) => sql`GRANT CREATE ON SCHEMA public TO ${sql(role)}`, urlOf(name))
      yield* Effect.scoped(Layer.build(layerServer(url)))
    })))

  it.live("is named when it has no such database or user", () =>
    Effect.gen(function*() {
      const missing = yield* failureOf(layerServer(urlOf("no_such_database")))
      assert.strictEqual(missing._tag, "DatabaseRefused")
      assert.include(missing.message, `database "no_such_database" does not exist`)
    }))
})
