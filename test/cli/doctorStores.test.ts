/** `understudy doctor` on databases, embedded and on servers, with whatever can be wrong. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { randomBytes } from "node:crypto"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { freshDatabase, freshDirectory, layerServer, urlOf, withoutServer, withServer } from "../support/databases.ts"
import { decodeReport, examine, finds, live, withoutPowers } from "../support/doctor.ts"
import {
  listeningServer,
  refusingServer,
  rudeServer,
  serverWithoutPgvector,
  silentServer
} from "../support/postgresServers.ts"
import { startProcess } from "../support/serviceProcess.ts"

layer(Layer.empty, live)("understudy doctor on an embedded database", (it) => {
  it.effect("says who has it, looks at what is there, and names what cannot be used", () =>
    Effect.gen(function*() {
      const folder = yield* freshDirectory
      const DATA_DIR = join(folder, "data")
      mkdirSync(join(DATA_DIR, "pglite"), { recursive: true })
      finds(yield* examine({ DATA_DIR }), "database", "ok", /which holds no database yet/)
      const service = yield* startProcess({ DATA_DIR })
      const used = yield* examine({ DATA_DIR })
      finds(used, "database", "ok", new RegExp(`in use by process ${service.child.pid} on `))
      service.child.kill("SIGTERM")
      yield* service.exited
      const before = readdirSync(DATA_DIR).sort()
      const free = yield* examine({ DATA_DIR })
      // Of the very version that we look for.
      finds(free, "database", "ok", /data$/)
      assert.deepStrictEqual(readdirSync(DATA_DIR).sort(), before)

      writeFileSync(join(DATA_DIR, "pglite", "PG_VERSION"), "12\n")
      finds(yield* examine({ DATA_DIR }), "database", "failed", /of PostgreSQL 12/, /DATA_DIR/)
      writeFileSync(join(folder, "file"), "")
      finds(
        yield* examine({ DATA_DIR: join(folder, "file", "data") }),
        "database",
        "failed",
        /cannot be used/,
        /DATA_DIR/
      )
    }), 60_000)

  it.effect("names a folder that this user may not write to", () =>
    Effect.gen(function*() {
      const closed = join(yield* freshDirectory, "closed")
      mkdirSync(closed, { mode: 0o555 })
      for (const DATA_DIR of [closed, join(closed, "data")]) {
        const report = yield* decodeReport(yield* withoutPowers(["doctor", "--json"], { PORT: "0", DATA_DIR }))
        const { advice, found, status } = report.findings.find(({ check }) => check === "database") ?? {}
        assert.strictEqual(status, "failed")
        assert.match(found ?? "", /EACCES/)
        assert.match(advice ?? "", /may write to/)
      }
    }), 60_000)
})

layer(Layer.empty, live)("understudy doctor on a server", (it) => {
  it.effect("that is not there, is silent, hangs up, refuses the password or lacks pgvector", () =>
    Effect.gen(function*() {
      const at = (port: number) => examine({ DATABASE_URL: `postgres://postgres:s3cret@127.0.0.1:${port}/postgres` })
      const wrong: ReadonlyArray<readonly [number, RegExp, RegExp]> = [
        [1, /cannot reach PostgreSQL at 127\.0\.0\.1:1 .*ECONNREFUSED/, /check that it runs/],
        [yield* silentServer, /cannot reach/, /check that it runs/],
        [yield* rudeServer, /cannot reach/, /check that it runs/],
        [yield* refusingServer, /refuses us: password authentication failed/, /password/],
        [yield* serverWithoutPgvector, /lacks the extension/, /pgvector\/pgvector:pg17/]
      ]
      yield* Effect.forEach(
        wrong,
        ([port, found, advice]) =>
          Effect.map(at(port), (examined) => finds(examined, "database", "failed", found, advice)),
        { concurrency: "unbounded" }
      )
      const garbled = yield* examine({ DATABASE_URL: "postgres://app:s3cret/@127.0.0.1/app" })
      finds(garbled, "database", "failed", /DATABASE_URL is not usable/, /percent-encode/)
    }))

  it.effect("asks at the connection for nothing that the service does not ask for, and then may change nothing", () =>
    Effect.gen(function*() {
      const { heard, port } = yield* listeningServer
      const DATABASE_URL = `postgres://postgres@127.0.0.1:${port}/postgres`
      yield* examine({ DATABASE_URL })
      yield* Effect.exit(Effect.scoped(Layer.build(layerServer(DATABASE_URL))))
      const [doctors = "", services = ""] = heard()
      // After its length and the version of the protocol: names and values by turns.
      const namesIn = (heard: string) =>
        heard.slice(8, heard.indexOf("\0\0", 8)).split("\0").filter((_, index) => index % 2 === 0)
      const asked = namesIn(services)
      assert.includeMembers([...asked], ["user", "timezone", "jit"])
      // The service asks for this one once the tables are up to date, which these never are.
      assert.deepStrictEqual(
        namesIn(doctors).filter((name) => !asked.includes(name)),
        ["statement_timeout"]
      )
      const [, ...statements] = doctors.split(/(?=BEGIN|SET TRANSACTION READ ONLY|SELECT)/)
      assert.match(statements[0] ?? "", /^BEGIN/)
      assert.match(statements[1] ?? "", /^SET TRANSACTION READ ONLY/)
    }))
})

describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
  layer(Layer.empty, live)("understudy doctor on a server", (it) => {
    it.effect("tells tables that are to come, are there and are newer, and makes none", () =>
      Effect.gen(function*() {
        const database = yield* freshDatabase
        const DATABASE_URL = urlOf(database)
        const tables = withServer(
          (sql) => sql<{ n: number }>`SELECT count(*)::int AS n FROM pg_class WHERE relname LIKE 'understudy%'`,
          DATABASE_URL
        )
        const fresh = yield* examine({ DATABASE_URL })
        finds(fresh, "database", "ok", /^PostgreSQL \d+\.\d+.* a round trip takes/)
        finds(fresh, "database", "ok", /pgvector [\d.]+ is there/)
        finds(fresh, "database", "ok", /none yet/)
        finds(fresh, "database", "ok", /connections are taken; an instance takes up to 10/)
        assert.deepStrictEqual(yield* tables, [{ n: 0 }])

        yield* Effect.scoped(Layer.build(layerServer(DATABASE_URL)))
        const current = yield* examine({ DATABASE_URL })
        finds(current, "database", "ok", /tables are up to date/)
        finds(current, "database", "ok", /^pgvector [\d.]+$/)

        yield* withServer((sql) => sql`DELETE FROM understudy_migrations WHERE migration_id > 6`, DATABASE_URL)
        finds(yield* examine({ DATABASE_URL }), "database", "ok", /steps? will be applied/)
        yield* withServer(
          (sql) => sql`INSERT INTO understudy_migrations (migration_id, name) VALUES (999, 'future')`,
          DATABASE_URL
        )
        finds(yield* examine({ DATABASE_URL }), "database", "warning", /newer \(step 999\)/, /older versions/)
      }))

    it.effect("says what the user lacks", () =>
      Effect.gen(function*() {
        const database = yield* freshDatabase
        const name = `understudy_doctor_${randomBytes(6).toString("hex")}`
        yield* Effect.acquireRelease(
          withServer((sql) => sql`CREATE ROLE ${sql(name)} LOGIN BYPASSRLS PASSWORD 's3cret'`),
          () =>
            Effect.orDie(Effect.andThen(
              withServer((sql) => sql`DROP OWNED BY ${sql(name)}`, urlOf(database)),
              withServer((sql) => sql`DROP ROLE ${sql(name)}`)
            ))
        )
        const DATABASE_URL = urlOf(database, { name, password: "s3cret" })
        const poor = yield* examine({ DATABASE_URL })
        finds(poor, "database", "failed", /may not switch it on/, /CREATE EXTENSION vector/)
        finds(
          poor,
          "database",
          "failed",
          /may not create any in the schema public/,
          /GRANT USAGE, CREATE ON SCHEMA public/
        )
        finds(poor, "database", "warning", /has BYPASSRLS/, /NOBYPASSRLS/)

        yield* Effect.scoped(Layer.build(layerServer(urlOf(database))))
        finds(yield* examine({ DATABASE_URL }), "database", "failed", /belong to another user/, /OWNER TO/)
      }))
  })
})
