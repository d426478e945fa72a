import { assert, describe, it, layer } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { Idempotency } from "../../src/services/Idempotency.ts"
import { withinNamespace } from "../../src/services/store/withinNamespace.ts"
import {
  freshDatabase,
  layerEmbedded,
  layerFreshServer,
  layerServer,
  urlOf,
  withoutServer
} from "../support/databases.ts"
import { eventually } from "../support/http.ts"
import { freezableProxy } from "../support/postgresServers.ts"
import {
  answer,
  freshNamespace,
  type IdempotencyBackend,
  idempotencyContract,
  seen,
  started
} from "./Idempotency.contract.ts"
import { idempotencyPostgresTests, instance } from "./idempotency/IdempotencyPostgres.contract.ts"

const memory: IdempotencyBackend<never> = {
  layer: Idempotency.layerMemory,
  age: (_, millis) => TestClock.adjust(millis),
  elsewhere: (effect) => effect,
  lostAfterMillis: 3_600_000
}

const postgres: IdempotencyBackend<SqlClient.SqlClient> = {
  // A busy machine is no database that is away.
  layer: (options) => Layer.fresh(Idempotency.layerPostgres({ ...options, storeTimeout: "5 seconds" })),
  age: (namespace, millis) =>
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      withinNamespace(sql, namespace)(
        sql`UPDATE understudy_idempotency SET expires_at = expires_at - ${millis}::float8 * interval '1 millisecond'`
      )),
  elsewhere: (effect) => Effect.provide(effect, postgres.layer()),
  lostAfterMillis: 30_000
}

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

layer(Layer.empty)("in memory", (it) => {
  idempotencyContract(it, memory)

  it.effect("a bounded length of answers is kept, the newest ones", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      for (let n = 0; n < 10; n++) yield* answer(namespace, "x".repeat(4_000_000), `key-${n}`)
      const kept = yield* Effect.forEach([0, 1, 2, 9], (n) => seen(namespace, `key-${n}`))
      assert.deepStrictEqual(kept.map((each) => each === "Started"), [true, true, false, false])
    }).pipe(Effect.provide(Idempotency.layerMemory())))
})

layer(layerEmbedded("memory:"), live)("in PostgreSQL, embedded", (it) => {
  idempotencyContract(it, postgres)
  idempotencyPostgresTests(it)
})

describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
  layer(layerFreshServer, live)("in PostgreSQL, on a server", (it) => {
    idempotencyContract(it, postgres)
    idempotencyPostgresTests(it)
  })

  it.live(
    "an attempt ends in time while the server's network is frozen, and keys are shared again afterwards",
    () =>
      Effect.gen(function*() {
        const url = new URL(urlOf(yield* freshDatabase))
        const proxy = yield* freezableProxy({ host: url.hostname, port: Number(url.port || 5432) })
        url.host = `127.0.0.1:${proxy.port}`
        const namespace = freshNamespace()
        yield* Effect.gen(function*() {
          const [one, other] = [yield* instance({ storeTimeout: "250 millis" }), yield* instance()]
          const attempt = yield* one(started(namespace))
          yield* proxy.freeze(true)
          const from = yield* Clock.currentTimeMillis
          yield* attempt.complete("\"kept here\"")
          assert.strictEqual(yield* one(seen(namespace)), "\"kept here\"")
          assert.strictEqual(yield* one(seen(namespace, "new")), "Started")
          assert.isBelow((yield* Clock.currentTimeMillis) - from, 2_500)
          yield* proxy.freeze(false)
          yield* eventually(
            Effect.andThen(one(answer(namespace, "\"shared\"", "next")), other(seen(namespace, "next"))).pipe(
              Effect.catchDefect(() => other(seen(namespace, "next")))
            ),
            (it) => it === "\"shared\"",
            "keys are shared again"
          )
        }).pipe(Effect.scoped, Effect.provide(layerServer(url.href)))
      }),
    60_000
  )
})
