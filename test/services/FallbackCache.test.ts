import { describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { layerMemory } from "../../src/services/FallbackCacheMemory.ts"
import { layerPostgres } from "../../src/services/FallbackCachePostgres.ts"
import { layerEmbedded, layerFreshDirectory, layerFreshServer, withoutServer } from "../support/databases.ts"
import { type CacheBackend, fallbackCacheContract } from "./FallbackCache.contract.ts"
import { fallbackCachePostgresTests } from "./FallbackCachePostgres.contract.ts"

const memory: CacheBackend<never> = {
  layer: layerMemory,
  age: (_, millis) => TestClock.adjust(millis)
}

const postgres: CacheBackend<SqlClient.SqlClient> = {
  layer: layerPostgres,
  age: (namespace, millis) =>
    Effect.flatMap(
      SqlClient.SqlClient,
      (sql) =>
        sql`UPDATE understudy_answers SET created_at = created_at - ${millis}::float8 * interval '1 millisecond'
        WHERE namespace = ${namespace}`
    )
}

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

layer(Layer.empty)("in memory", (it) => fallbackCacheContract(it, memory))

for (
  const [where, database] of [
    ["embedded, keeping nothing", layerEmbedded("memory:")],
    ["embedded, in a directory", layerFreshDirectory]
  ] as const
) {
  layer(database, live)(`in PostgreSQL, ${where}`, (it) => {
    fallbackCacheContract(it, postgres)
    fallbackCachePostgresTests(it)
  })
}

describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
  layer(layerFreshServer, live)("in PostgreSQL, on a server", (it) => {
    fallbackCacheContract(it, postgres)
    fallbackCachePostgresTests(it)
  })
})
