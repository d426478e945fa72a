/** What idempotency keys do on PostgreSQL beyond the contract: several instances, and databases that fail and hang. */
import { assert, type Vitest } from "@effect/vitest"
import { Clock, Context, Deferred, Effect, Exit, Fiber, Layer, Logger, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { Idempotency, type IdempotencyStoreOptions } from "../../../src/services/Idempotency.ts"
import { withinNamespace } from "../../../src/services/store/withinNamespace.ts"
import { eventually } from "../../support/http.ts"
import { answer, freshNamespace, seen, started } from "../Idempotency.contract.ts"

/** A process of its own, as far as memory goes. Closing its scope is a death without last words. */
export const instance = (options?: IdempotencyStoreOptions) =>
  Effect.map(
    // A busy machine is no database that is away.
    Layer.build(Layer.fresh(Idempotency.layerPostgres({ storeTimeout: "5 seconds", ...options }))),
    (context) => <A, E, R>(effect: Effect.Effect<A, E, R | Idempotency>) =>
      Effect.provideService(effect, Idempotency, Context.get(context, Idempotency))
  )

/** What was logged, a line each. */
const withLogs = <A, E, R>(use: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  return Effect.provide(use(lines), Logger.layer([Logger.map(Logger.formatLogFmt, (line) => void lines.push(line))]))
}

export const idempotencyPostgresTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  it.effect("exactly one of two instances starts, whatever the race, and the other gets its answer", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      const [one, other] = [yield* instance(), yield* instance()]
      yield* Effect.forEach(Array.from({ length: 30 }, (_, n) => `key-${n}`), (key) =>
        Effect.gen(function*() {
          const race = yield* Effect.all([one(seen(namespace, key)), other(seen(namespace, key))], { concurrency: 2 })
          assert.deepStrictEqual([...race].sort(), ["IdempotencyInFlight", "Started"])
        }), { concurrency: 10 })
      yield* one(answer(namespace, "\"done\"", "shared"))
      assert.strictEqual(yield* other(seen(namespace, "shared")), "\"done\"")
      assert.strictEqual(yield* other(seen(namespace, "shared", "another body")), "IdempotencyMismatch")
    }))

  it.effect("an attempt keeps its key however long it takes, and an instance that dies loses it after the lease", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      const options = { lease: "1 second" } as const
      const scope = yield* Scope.make()
      const mortal = yield* Scope.provide(instance(options), scope)
      const other = yield* instance(options)
      yield* mortal(started(namespace))
      const from = yield* Clock.currentTimeMillis
      while ((yield* Clock.currentTimeMillis) - from < 2_200) {
        assert.strictEqual(yield* other(seen(namespace)), "IdempotencyInFlight")
        yield* Effect.sleep("50 millis")
      }
      yield* Scope.close(scope, Exit.void)
      yield* eventually(other(seen(namespace)), (it) => it === "Started", "the key is free")
    }))

  it.effect("keeps neither keys nor requests, and shows a statement that names no namespace nothing", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const namespace = freshNamespace()
      const one = yield* instance()
      yield* one(answer(namespace, "\"text\"", "a-secret-key"))
      const all = sql`SELECT t::text AS line FROM understudy_idempotency t`
      assert.deepStrictEqual(yield* all, [])
      const rows = JSON.stringify(yield* withinNamespace(sql, namespace)(all))
      assert.include(rows, "text")
      assert.notMatch(rows, /a-secret-key|body/)
      assert.deepStrictEqual(yield* withinNamespace(sql, freshNamespace())(all), [])
    }))

  it.effect("spaces of one database share nothing, but for being erased", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      const [real, simulated] = [yield* instance(), yield* instance({ space: "simulated" })]
      yield* simulated(answer(namespace, "\"simulated\""))
      yield* real(answer(namespace, "\"real\""))
      assert.strictEqual(yield* simulated(seen(namespace)), "\"simulated\"")
      assert.strictEqual(yield* real(Effect.flatMap(Idempotency, ({ erase }) => erase(namespace))), 2)
    }))

  it.effect("what has expired is deleted in the background, in batches, and nothing else", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const namespace = freshNamespace()
      const one = yield* instance({ purgeEvery: "200 millis" })
      yield* one(answer(namespace, "\"stays\"", "stays"))
      const within = withinNamespace(sql, namespace)
      yield* within(sql`
        INSERT INTO understudy_idempotency
        SELECT ${namespace}, sha256(n::text::bytea), '', 'gone', CASE WHEN n % 2 = 0 THEN '{}' END, now()
        FROM generate_series(1, 250) AS n`)
      const rows = within(sql<{ readonly n: number }>`SELECT count(*)::int AS n FROM understudy_idempotency`)
      yield* eventually(rows, ([row]) => row?.n === 1, "the expired ones go")
      assert.strictEqual(yield* one(seen(namespace, "stays")), "\"stays\"")
    }))

  it.effect("a hanging database delays nobody: keys go on in memory, with one warning, and are shared again later", () =>
    withLogs((lines) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const namespace = freshNamespace()
        const one = yield* instance({ storeTimeout: "250 millis" })
        const [locked, unlock] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const before = yield* one(started(namespace, "before"))
        const holder = yield* Effect.forkChild(sql.withTransaction(Effect.gen(function*() {
          yield* sql`LOCK TABLE understudy_idempotency IN ACCESS EXCLUSIVE MODE`
          yield* Deferred.succeed(locked, undefined)
          yield* Deferred.await(unlock)
        })))
        yield* Deferred.await(locked)

        const from = yield* Clock.currentTimeMillis
        const attempt = yield* one(started(namespace))
        assert.strictEqual(yield* one(seen(namespace)), "IdempotencyInFlight")
        assert.strictEqual(yield* one(seen(namespace, "key-0001", "another body")), "IdempotencyMismatch")
        yield* attempt.complete("\"from memory\"")
        yield* before.complete("\"from memory too\"")
        assert.strictEqual(yield* one(seen(namespace)), "\"from memory\"")
        assert.strictEqual(yield* one(seen(namespace, "before")), "\"from memory too\"")
        const given = yield* one(started(namespace, "given up"))
        yield* given.abandon
        yield* one(started(namespace, "given up", "another body"))
        // Six calls of the store, none longer than its timeout.
        assert.isBelow((yield* Clock.currentTimeMillis) - from, 3_500)

        yield* Deferred.succeed(unlock, undefined)
        yield* Fiber.join(holder)
        const other = yield* instance()
        yield* one(answer(namespace, "\"shared\"", "later"))
        yield* eventually(other(seen(namespace, "later")), (it) => it === "\"shared\"", "keys are shared again")
        assert.strictEqual(yield* one(seen(namespace)), "\"from memory\"", "as long as this process lives")
        assert.lengthOf(lines.filter((line) => line.includes("known to this instance only")), 1)
        assert.lengthOf(lines.filter((line) => line.includes("shared again")), 1)
        assert.notMatch(lines.join("\n"), /from memory|another body|given up/)
      })
    ))
}
