import { assert, describe, it, layer } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { CircuitBreaker } from "../../../src/services/CircuitBreaker.ts"
import { callsOf, freshKey, memory, postgres, quietly, second } from "../../conformance/circuits.ts"
import {
  freshDatabase,
  layerEmbedded,
  layerFreshServer,
  layerServer,
  urlOf,
  withoutServer
} from "../../support/databases.ts"
import { freezableProxy } from "../../support/postgresServers.ts"
import { breakerContract } from "../CircuitBreaker.contract.ts"

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

layer(Layer.empty, live)("in memory", (it) => {
  breakerContract(it, memory)

  it.effect("forgets keys that nobody calls, but no opening and nothing forced", () =>
    Effect.gen(function*() {
      const { statuses } = yield* CircuitBreaker
      const [idle, open, forced] = [callsOf(freshKey()), callsOf(freshKey()), callsOf(freshKey())]
      yield* idle.calls("F")
      yield* open.calls("FFF")
      yield* forced.control("force-open")
      yield* second(3_700)
      assert.deepStrictEqual((yield* statuses).map(({ key }) => key), [open.key, forced.key])
      yield* second(2 * 3_600 + 60)
      assert.deepStrictEqual((yield* statuses).map(({ key }) => key), [forced.key])
      assert.strictEqual(yield* open.tag, "Closed")
    }).pipe(
      Effect.provide(Layer.provideMerge(memory.layer({ openFor: "1 hour" }), TestClock.layer())),
      quietly
    ))
})

layer(layerEmbedded("memory:"), live)("in PostgreSQL, embedded", (it) => breakerContract(it, postgres))

const versionOf = (key: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql<{ version: number }>`SELECT version::int AS version FROM understudy_circuits WHERE key = ${key}`,
      (rows) => rows[0]?.version
    ))

describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
  layer(layerFreshServer, live)("in PostgreSQL, on a server", (it) => {
    breakerContract(it, postgres)

    it.effect("writes nothing on a success when there is nothing to clear", () =>
      Effect.gen(function*() {
        const calls = callsOf(freshKey())
        yield* calls.calls("SSSSS")
        assert.isUndefined(yield* versionOf(calls.key))
        yield* calls.calls("FS")
        const cleared = yield* versionOf(calls.key)
        yield* calls.calls("SSSSS")
        assert.strictEqual(yield* versionOf(calls.key), cleared)
      }).pipe(Effect.provide(CircuitBreaker.layerPostgres())))

    it.effect("shares the good calls of a rate without a write each", () =>
      Effect.gen(function*() {
        const calls = callsOf(freshKey())
        const one = yield* Layer.build(Layer.fresh(rate))
        const two = yield* Layer.build(Layer.fresh(rate))
        yield* Effect.provideContext(calls.calls("S".repeat(10)), one)
        yield* Effect.sleep("600 millis")
        yield* Effect.provideContext(calls.calls("FFFFFFFFF"), two)
        assert.strictEqual(yield* Effect.provideContext(calls.tag, two), "Closed")
        yield* Effect.provideContext(calls.calls("F"), two)
        assert.strictEqual(yield* Effect.provideContext(calls.tag, two), "Open")
      }).pipe(Effect.scoped, quietly))
  })

  it.live(
    "delays no call for longer than its store timeout, once, when the database hangs",
    () =>
      Effect.gen(function*() {
        const url = new URL(urlOf(yield* freshDatabase))
        const proxy = yield* freezableProxy({ host: url.hostname, port: Number(url.port || "5432") })
        url.host = `127.0.0.1:${proxy.port}`
        const calls = callsOf(freshKey())
        yield* Effect.gen(function*() {
          yield* calls.calls("S")
          yield* proxy.freeze(true)
          const from = yield* Clock.currentTimeMillis
          assert.strictEqual(yield* calls.calls("FFF" + "S".repeat(100)), "FFF" + "-".repeat(100))
          assert.isBelow((yield* Clock.currentTimeMillis) - from, 500)
          yield* proxy.freeze(false)
        }).pipe(Effect.provide(Layer.provide(CircuitBreaker.layerPostgres(), layerServer(url.href))))
      }).pipe(Effect.scoped, quietly),
    60_000
  )
})

const rate = CircuitBreaker.layerPostgres({ policy: { _tag: "Rate", threshold: 0.5, minimumCalls: 10 } })
