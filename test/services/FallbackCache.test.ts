import { assert, describe, it, layer } from "@effect/vitest"
import { Clock, Effect, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { layerMemory } from "../../src/services/cache/FallbackCacheMemory.ts"
import { layerPostgres } from "../../src/services/cache/FallbackCachePostgres.ts"
import { vectorTable } from "../../src/services/cache/VectorSpace.ts"
import { Embedder } from "../../src/services/Embedder.ts"
import { FallbackCache } from "../../src/services/FallbackCache.ts"
import { withinNamespace } from "../../src/services/store/withinNamespace.ts"
import {
  freshDatabase,
  layerEmbedded,
  layerFreshDirectory,
  layerFreshServer,
  layerServer,
  urlOf,
  withoutServer
} from "../support/databases.ts"
import { freezableProxy } from "../support/postgresServers.ts"
import { fallbackCacheContextContract } from "./cache/FallbackCacheContext.contract.ts"
import { fallbackCacheContextPostgresTests } from "./cache/FallbackCacheContextPostgres.contract.ts"
import { fallbackCachePostgresTests } from "./cache/FallbackCachePostgres.contract.ts"
import {
  answerTo,
  type CacheBackend,
  eventually,
  fallbackCacheContract,
  freshNamespace,
  remember,
  withOwnMetrics
} from "./FallbackCache.contract.ts"

const memory: CacheBackend<never> = {
  layer: layerMemory,
  age: (_, millis) => TestClock.adjust(millis)
}

const postgres: CacheBackend<SqlClient.SqlClient> = {
  layer: layerPostgres,
  age: (namespace, millis) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const shift = sql`SET created_at = created_at - ${millis}::float8 * interval '1 millisecond'`
      yield* withinNamespace(sql, namespace)(Effect.andThen(
        sql`UPDATE understudy_answers ${shift}`,
        sql`UPDATE ${sql(vectorTable(yield* Embedder))} ${shift}`
      ))
    })
}

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

layer(Layer.empty)("in memory", (it) => {
  fallbackCacheContract(it, memory)
  fallbackCacheContextContract(it, memory)
})

for (
  const [where, database] of [
    ["embedded, keeping nothing", layerEmbedded("memory:")],
    ["embedded, in a directory", layerFreshDirectory]
  ] as const
) {
  layer(database, live)(`in PostgreSQL, ${where}`, (it) => {
    fallbackCacheContract(it, postgres)
    fallbackCacheContextContract(it, postgres)
    fallbackCachePostgresTests(it)
    fallbackCacheContextPostgresTests(it)
  })
}

describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
  layer(layerFreshServer, live)("in PostgreSQL, on a server", (it) => {
    fallbackCacheContract(it, postgres)
    fallbackCacheContextContract(it, postgres)
    fallbackCachePostgresTests(it)
    fallbackCacheContextPostgresTests(it)
  })

  it.live("answers in time while the server's network is frozen, and recovers", () =>
    Effect.gen(function*() {
      const url = new URL(urlOf(yield* freshDatabase))
      const proxy = yield* freezableProxy({ host: url.hostname, port: Number(url.port || 5432) })
      url.host = `127.0.0.1:${proxy.port}`
      const namespace = freshNamespace()
      yield* Effect.gen(function*() {
        const cache = yield* FallbackCache
        yield* remember(answerTo(namespace, "a one"))
        yield* proxy.freeze(true)
        const begin = yield* Clock.currentTimeMillis
        yield* cache.remember(answerTo(namespace, "a two"))
        yield* Effect.all(
          Array.from({ length: 40 }, () => Effect.flip(cache.find({ namespace, prompt: "a one" }))),
          { concurrency: "unbounded" }
        )
        assert.isBelow((yield* Clock.currentTimeMillis) - begin, 1_000)
        yield* proxy.freeze(false)
        yield* eventually(Effect.match(cache.find({ namespace, prompt: "a one" }), {
          onFailure: () => false,
          onSuccess: Option.isSome
        }))
        yield* eventually(Effect.map(cache.find({ namespace, prompt: "a two" }), Option.isSome))
      }).pipe(
        Effect.provide(
          layerPostgres({ storeTimeout: "300 millis" }).pipe(
            Layer.provide(Layer.mergeAll(Embedder.layerLocal, layerServer(url.href)))
          )
        ),
        withOwnMetrics
      )
    }), 60_000)
})
