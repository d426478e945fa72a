/** What the fallback cache does on PostgreSQL beyond the contract: embedders change, databases fail and hang. */
import { assert, type Vitest } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import { StoreUnavailable } from "../../src/domain/errors.ts"
import { Embedder } from "../../src/services/Embedder.ts"
import { FallbackCache } from "../../src/services/FallbackCache.ts"
import type { FallbackCacheOptions } from "../../src/services/FallbackCacheOptions.ts"
import { layerPostgres } from "../../src/services/FallbackCachePostgres.ts"
import { vectorTable, vectorText } from "../../src/services/VectorSpace.ts"
import {
  answerTo,
  counts,
  embedderOf,
  eventually,
  find,
  firstLetter,
  freshNamespace,
  remember,
  withOwnMetrics
} from "./FallbackCache.contract.ts"

export const fallbackCachePostgresTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  const on = <A, E, R>(
    test: Effect.Effect<A, E, FallbackCache | R>,
    embedder: Layer.Layer<Embedder>,
    options?: FallbackCacheOptions
  ) => test.pipe(Effect.provide(Layer.provide(layerPostgres(options), embedder)), withOwnMetrics)

  it.effect("never compares vectors of another embedder or dimension, and still finds the exact prompt", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* on(remember(answerTo(namespace, "a one")), firstLetter("letters", 8))
      const asked = (prompt: string) => find({ namespace, prompt })
      assert.isTrue(Option.isSome(yield* on(asked("a two"), firstLetter("letters", 8))))
      assert.isTrue(Option.isNone(yield* on(asked("a two"), firstLetter("other letters", 8))))
      assert.isTrue(Option.isNone(yield* on(asked("a two"), firstLetter("letters", 16))))
      assert.isTrue(Option.isSome(yield* on(asked("a one"), firstLetter("o'ther", 16))))
    }))

  it.effect("uses the embedder's index to search for similar prompts", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* on(Effect.void, Embedder.layerLocal)
      const embedder = yield* Effect.provide(Embedder, Embedder.layerLocal)
      const table = vectorTable(embedder)
      const vector = vectorText(yield* embedder.embed("anything"))
      const plan = yield* sql.withTransaction(Effect.gen(function*() {
        // So that a small table is planned like a large one.
        yield* sql`SET LOCAL enable_seqscan = off`
        yield* sql`SET LOCAL enable_sort = off`
        return yield* sql<{ "QUERY PLAN": string }>`
          EXPLAIN SELECT seq FROM ${sql(table)} WHERE namespace = 'n' ORDER BY embedding <#> ${vector}::vector LIMIT 8`
      }))
      assert.match(JSON.stringify(plan), /Index Scan using understudy_vectors_\w+_embedding_idx/)
    }))

  for (const dimensions of [1536, 2001]) {
    it.effect(`searches vectors of ${dimensions} dimensions`, () =>
      on(
        Effect.gen(function*() {
          const namespace = freshNamespace()
          yield* remember(answerTo(namespace, "a one"), answerTo(namespace, "b one"))
          assert.strictEqual(Option.getOrThrow(yield* find({ namespace, prompt: "b two" })).text, "An answer to: b one")
        }),
        firstLetter("long", dimensions)
      ))
  }

  it.effect("prepares its vectors with several instances starting at once", () =>
    Effect.gen(function*() {
      const fresh = firstLetter(`started together ${freshNamespace()}`, 8)
      const sql = yield* SqlClient.SqlClient
      const tables = sql`SELECT 1 FROM pg_class WHERE relkind = 'p' AND relname LIKE 'understudy\\_vectors\\_%'`
      const before = (yield* tables).length
      yield* Effect.all(Array.from({ length: 6 }, () => on(Effect.void, fresh)), { concurrency: "unbounded" })
      assert.strictEqual((yield* tables).length, before + 1)
    }))

  it.effect("finds the exact prompt in time when the embedder hangs", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        yield* remember(answerTo(namespace, "a one"))
        assert.isTrue(Option.isSome(yield* find({ namespace, prompt: "a one" })))
        assert.isTrue(Option.isNone(yield* find({ namespace, prompt: "a two" })))
      }),
      embedderOf("hanging", 8, () => Effect.never),
      { embedTimeout: "20 millis" }
    ))

  it.effect("answers in time and drops answers in the background while the database hangs, and recovers", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const sql = yield* SqlClient.SqlClient
        const cache = yield* FallbackCache
        yield* remember(answerTo(namespace, "a one"))
        const [locked, unlock] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const holder = yield* Effect.forkChild(sql.withTransaction(Effect.gen(function*() {
          yield* sql`LOCK TABLE understudy_answers IN ACCESS EXCLUSIVE MODE`
          yield* Deferred.succeed(locked, undefined)
          yield* Deferred.await(unlock)
        })))
        yield* Deferred.await(locked)

        const begin = yield* Clock.currentTimeMillis
        const errors = yield* Effect.all(
          Array.from({ length: 300 }, () => Effect.flip(cache.find({ namespace, prompt: "a one" }))),
          { concurrency: "unbounded" }
        )
        for (let n = 0; n < 300; n++) yield* cache.remember(answerTo(namespace, `b ${n}`))
        const took = (yield* Clock.currentTimeMillis) - begin
        assert.isTrue(errors.every((error) => error instanceof StoreUnavailable))
        assert.isBelow(took, 1_500)
        assert.isAbove((yield* counts)("dropped"), 0)

        yield* Deferred.succeed(unlock, undefined)
        yield* Fiber.join(holder)
        yield* eventually(Effect.match(cache.find({ namespace, prompt: "a one" }), {
          onFailure: () => false,
          onSuccess: Option.isSome
        }))
        yield* eventually(
          Effect.map(counts, (now) => now("remembered") + now("failed") + now("dropped") === 301)
        )
        yield* remember(answerTo(namespace, "c one"))
        assert.isTrue(Option.isSome(yield* cache.find({ namespace, prompt: "c one" })))
      }),
      firstLetter("letters", 8),
      { storeTimeout: "200 millis", queueCapacity: 64 }
    ), 60_000)

  it.effect("fails with StoreUnavailable, counts what is lost and recovers when the database fails", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const sql = yield* SqlClient.SqlClient
        const cache = yield* FallbackCache
        yield* sql`ALTER TABLE understudy_answers RENAME TO elsewhere`
        yield* Effect.gen(function*() {
          const error = yield* Effect.flip(cache.find({ namespace, prompt: "a one" }))
          assert.strictEqual(error._tag, "StoreUnavailable")
          yield* remember(answerTo(namespace, "a one"), answerTo(namespace, "a two"))
          assert.strictEqual((yield* counts)("failed"), 2)
        }).pipe(Effect.ensuring(Effect.orDie(sql`ALTER TABLE elsewhere RENAME TO understudy_answers`)))
        yield* remember(answerTo(namespace, "a three"))
        assert.isTrue(Option.isSome(yield* cache.find({ namespace, prompt: "a three" })))
      }),
      firstLetter("letters", 8)
    ))

  it.effect("loses one answer, and not its batch, when the database refuses that one", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const sql = yield* SqlClient.SqlClient
        yield* sql`ALTER TABLE understudy_answers ADD CONSTRAINT picky CHECK (prompt <> 'poison') NOT VALID`
        yield* remember(answerTo(namespace, "a one"), answerTo(namespace, "poison"), answerTo(namespace, "a two")).pipe(
          Effect.ensuring(Effect.orDie(sql`ALTER TABLE understudy_answers DROP CONSTRAINT picky`))
        )
        const now = yield* counts
        assert.deepStrictEqual([now("remembered"), now("failed")], [2, 1])
        assert.isTrue(Option.isSome(yield* find({ namespace, prompt: "a two" })))
      }),
      firstLetter("letters", 8)
    ))
}
