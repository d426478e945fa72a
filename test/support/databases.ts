/** Databases for tests: one of their own on the server of `TEST_DATABASE_URL`, gone when the test is. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Option, Redacted } from "effect"
import { randomUUID } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Database from "../../src/layers/Database.ts"

/** A server where we may create databases, roles and extensions; tests that need it are skipped without. */
const serverUrl = process.env["TEST_DATABASE_URL"] ?? ""
export const withoutServer = serverUrl === ""

export const withServer = <A, E>(
  use: (sql: PgClient.PgClient) => Effect.Effect<A, E>,
  url: string = serverUrl
) =>
  Effect.flatMap(PgClient.PgClient, use).pipe(
    Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 }))
  )

export const urlOf = (name: string, user?: { readonly name: string; readonly password: string }): string => {
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  if (user !== undefined) {
    url.username = user.name
    url.password = user.password
  }
  return url.href
}

/** An empty database on the server, dropped with the scope. */
export const freshDatabase = Effect.acquireRelease(
  Effect.suspend(() => {
    const name = `understudy_test_${randomUUID().replaceAll("-", "")}`
    return Effect.as(withServer((sql) => sql`CREATE DATABASE ${sql(name)} TEMPLATE template0`), name)
  }),
  (name) => Effect.orDie(withServer((sql) => sql`DROP DATABASE ${sql(name)} WITH (FORCE)`))
)

/** An empty directory, removed with the scope. */
export const freshDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "understudy-test-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

export const layerEmbedded = (dataDir: string) => Database.layer({ url: Option.none(), dataDir })

export const layerServer = (url: string) => Database.layer({ url: Option.some(Redacted.make(url)), dataDir: "unused" })

export const layerFreshServer = Layer.unwrap(Effect.map(freshDatabase, (name) => layerServer(urlOf(name))))

export const layerFreshDirectory = Layer.unwrap(Effect.map(freshDirectory, layerEmbedded))
