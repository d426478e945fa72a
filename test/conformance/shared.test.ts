import { describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import {
  freshDatabase,
  layerEmbedded,
  layerFreshServer,
  layerServer,
  urlOf,
  withoutServer
} from "../support/databases.ts"
import { freezableProxy } from "../support/postgresServers.ts"
import { quietly } from "./circuits.ts"
import { inOwnProcess, inThisProcess } from "./instances.ts"
import { outage, sharedCases } from "./shared.contract.ts"

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

layer(layerEmbedded("memory:"), live)("two instances on the embedded database", (it) => {
  for (const [title, run] of sharedCases) {
    it.effect(title, () => Effect.flatMap(inThisProcess, run).pipe(Effect.scoped, quietly))
  }
})

describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
  layer(layerFreshServer, live)("two instances in one process", (it) => {
    for (const [title, run] of sharedCases) {
      it.effect(title, () => Effect.flatMap(inThisProcess, run).pipe(Effect.scoped, quietly))
    }
  })

  describe("two processes", () => {
    for (const [title, run] of sharedCases) {
      it.live(title, () =>
        freshDatabase.pipe(
          Effect.tap(migrated),
          Effect.flatMap((name) => run(inOwnProcess(urlOf(name)))),
          Effect.scoped
        ))
    }

    it.live(
      "28. calls go on while the database cannot be reached, and are shared again within 2 s",
      () =>
        Effect.gen(function*() {
          const url = new URL(urlOf(yield* freshDatabase))
          const proxy = yield* freezableProxy({ host: url.hostname, port: Number(url.port || "5432") })
          url.host = `127.0.0.1:${proxy.port}`
          yield* outage(inOwnProcess(url.href), proxy.freeze(true), proxy.freeze(false))
        }).pipe(Effect.scoped),
      60_000
    )
  })
})

/**
 * A directory with `start PORT`, which prints the URL of a PostgreSQL of our own, and `stop PORT [--purge]`: the server
 * of TEST_DATABASE_URL is not ours to stop.
 */
const control = process.env["TEST_POSTGRES_CONTROL"] ?? ""

describe.skipIf(control === "")("with TEST_POSTGRES_CONTROL", () => {
  it.live(
    "28. calls go on while the database is stopped and started, and are shared again within 2 s",
    () =>
      Effect.gen(function*() {
        const port = "5461"
        const command = (name: string, ...more: ReadonlyArray<string>) =>
          Effect.promise(() => promisify(execFile)(`${control}/${name}`, [port, ...more]))
        const { stdout } = yield* Effect.acquireRelease(command("start"), () => command("stop", "--purge"))
        const url = stdout.trim()
        yield* Effect.scoped(Effect.provide(Effect.void, layerServer(url)))
        yield* outage(inOwnProcess(url), command("stop"), command("start"))
      }).pipe(Effect.scoped),
    120_000
  )
})

/** Two instances that start at once may both migrate: not what these cases are about. */
const migrated = (name: string) => Effect.scoped(Effect.provide(Effect.void, layerServer(urlOf(name))))
