/** What the fallback cache does on PostgreSQL beyond the contract: embedders change, databases fail and hang. */
import { assert, type Vitest } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import { EmbeddingFailed, StoreUnavailable } from "../../../src/domain/errors.ts"
import type { FallbackCacheOptions } from "../../../src/services/cache/FallbackCacheOptions.ts"
import { layerPostgres } from "../../../src/services/cache/FallbackCachePostgres.ts"
import { spaceName, vectorTable, vectorText } from "../../../src/services/cache/VectorSpace.ts"
import { Embedder } from "../../../src/services/Embedder.ts"
import { FallbackCache } from "../../../src/services/FallbackCache.ts"
import { withinNamespace } from "../../../src/services/store/withinNamespace.ts"
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
} from "../FallbackCache.contract.ts"

export const fallbackCachePostgresTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  const on = <A, E, R>(
    test: Effect.Effect<A, E, FallbackCache | R>,
    embedder: Layer.Layer<Embedder>,
    options?: FallbackCacheOptions
  ) => test.pipe(Effect.provide(Layer.provide(layerPostgres(options), embedder)), withOwnMetrics)

  it.effect("never compares vectors of another embedder or dimension, and still finds the exact prompt", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* on(remember(answerTo(namespace, "a lake")), firstLetter("letters", 8))
      const asked = (prompt: string) => find({ namespace, prompt })
      assert.isTrue(Option.isSome(yield* on(asked("a lake, please"), firstLetter("letters", 8))))
      assert.isTrue(Option.isNone(yield* on(asked("a lake, please"), firstLetter("other letters", 8))))
      assert.isTrue(Option.isNone(yield* on(asked("a lake, please"), firstLetter("letters", 16))))
      assert.isTrue(Option.isSome(yield* on(asked("a lake"), firstLetter("o'ther", 16))))
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
          yield* remember(answerTo(namespace, "a lake"), answerTo(namespace, "b lake"))
          assert.strictEqual(
            Option.getOrThrow(yield* find({ namespace, prompt: "b lake, please" })).text,
            "An answer to: b lake"
          )
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
        yield* remember(answerTo(namespace, "a lake"))
        assert.isTrue(Option.isSome(yield* find({ namespace, prompt: "a lake" })))
        assert.isTrue(Option.isNone(yield* find({ namespace, prompt: "a lake, please" })))
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
        yield* remember(answerTo(namespace, "a lake"))
        const [locked, unlock] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const holder = yield* Effect.forkChild(sql.withTransaction(Effect.gen(function*() {
          yield* sql`LOCK TABLE understudy_answers IN ACCESS EXCLUSIVE MODE`
          yield* Deferred.succeed(locked, undefined)
          yield* Deferred.await(unlock)
        })))
        yield* Deferred.await(locked)

        const begin = yield* Clock.currentTimeMillis
        const errors = yield* Effect.all(
          Array.from({ length: 300 }, () => Effect.flip(cache.find({ namespace, prompt: "a lake" }))),
          { concurrency: "unbounded" }
        )
        for (let n = 0; n < 300; n++) yield* cache.remember(answerTo(namespace, `b ${n}`))
        const took = (yield* Clock.currentTimeMillis) - begin
        assert.isTrue(errors.every((error) => error instanceof StoreUnavailable))
        assert.isBelow(took, 1_500)
        assert.isAbove((yield* counts)("dropped"), 0)

        yield* Deferred.succeed(unlock, undefined)
        yield* Fiber.join(holder)
        yield* eventually(Effect.match(cache.find({ namespace, prompt: "a lake" }), {
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
          const error = yield* Effect.flip(cache.find({ namespace, prompt: "a lake" }))
          assert.strictEqual(error._tag, "StoreUnavailable")
          yield* remember(answerTo(namespace, "a lake"), answerTo(namespace, "a hill"))
          assert.strictEqual((yield* counts)("failed"), 2)
        }).pipe(Effect.ensuring(Effect.orDie(sql`ALTER TABLE elsewhere RENAME TO understudy_answers`)))
        yield* remember(answerTo(namespace, "a shore"))
        assert.isTrue(Option.isSome(yield* cache.find({ namespace, prompt: "a shore" })))
      }),
      firstLetter("letters", 8)
    ))

  it.effect("loses one answer, and not its batch, when the database refuses that one", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const sql = yield* SqlClient.SqlClient
        yield* sql`ALTER TABLE understudy_answers ADD CONSTRAINT picky CHECK (prompt <> 'poison') NOT VALID`
        yield* remember(answerTo(namespace, "a lake"), answerTo(namespace, "poison"), answerTo(namespace, "a hill"))
          .pipe(
            Effect.ensuring(Effect.orDie(sql`ALTER TABLE understudy_answers DROP CONSTRAINT picky`))
          )
        const now = yield* counts
        assert.deepStrictEqual([now("remembered"), now("failed")], [2, 1])
        assert.isTrue(Option.isSome(yield* find({ namespace, prompt: "a hill" })))
      }),
      firstLetter("letters", 8)
    ))

  it.effect("shows no namespace's rows to a statement that forgets the namespace, nor lets it write them", () =>
    on(
      Effect.gen(function*() {
        const [mine, theirs] = [freshNamespace(), freshNamespace()]
        const sql = yield* SqlClient.SqlClient
        yield* remember(answerTo(mine, "a lake"), answerTo(theirs, "a lake"), answerTo(theirs, "b lake"))
        const tables = ["understudy_answers", vectorTable(letters)]
        for (const table of tables) {
          const everything = sql<{ namespace: string }>`SELECT namespace FROM ${sql(table)}`
          assert.deepStrictEqual(yield* everything, [])
          assert.deepStrictEqual(yield* withinNamespace(sql, mine)(everything), [{ namespace: mine }])
          assert.deepStrictEqual(yield* everything, [], "the next statement is outside again")
          const changed = sql`UPDATE ${sql(table)} SET locale = 'xx' RETURNING namespace`
          assert.deepStrictEqual(yield* withinNamespace(sql, mine)(changed), [{ namespace: mine }])
          const smuggled = withinNamespace(sql, mine)(sql`UPDATE ${sql(table)} SET namespace = ${theirs}`)
          assert.strictEqual((yield* Effect.flip(smuggled))._tag, "SqlError")
        }
        // Not even past the parent, through the part that holds the rows.
        const parts = yield* sql<{ part: string }>`
          SELECT inhrelid::regclass::text AS part FROM pg_inherits WHERE inhparent = ${vectorTable(letters)}::regclass`
        assert.strictEqual(parts.length, 16)
        for (const { part } of parts) {
          assert.deepStrictEqual(yield* withinNamespace(sql, theirs)(sql`SELECT * FROM ${sql(part)}`), [])
        }
        const deleted = yield* sql`DELETE FROM understudy_answers RETURNING 1`
        assert.deepStrictEqual(deleted, [])
        assert.isTrue(Option.isSome(yield* find({ namespace: theirs, prompt: "a lake" })))
      }),
      firstLetter("letters", 8)
    ))

  it.effect("is bound by row-level security whoever the database user is", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(
        yield* sql`SELECT rolsuper OR rolbypassrls AS bypasses FROM pg_roles WHERE rolname = current_user`,
        [{ bypasses: false }]
      )
    }))

  it.effect("keeps no prompt when told so, and finds the exact and the similar one all the same", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const sql = yield* SqlClient.SqlClient
        yield* remember(answerTo(namespace, "secretive words about zebras", { text: "stripes" }))
        const rows = yield* withinNamespace(sql, namespace)(sql`SELECT to_jsonb(a) FROM understudy_answers a`)
        assert.strictEqual(rows.length, 1)
        assert.notMatch(JSON.stringify(rows), /secretive|zebra/u)
        for (const prompt of ["Secretive words about zebras!", "please, secretive words about zebras"]) {
          assert.strictEqual(Option.getOrThrow(yield* find({ namespace, prompt })).text, "stripes")
        }
        assert.isTrue(Option.isNone(yield* find({ namespace, prompt: "12 secretive words about zebras" })))
      }),
      firstLetter("one for all", 1),
      { storePrompts: false }
    ))

  const roundsOfUpkeep = { upkeepEvery: "20 millis" } as const

  it.effect(
    "embeds again in the background when the embedder has changed, and says how much is left",
    () =>
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const prompts = [
          "~ lake",
          ...Array.from({ length: 249 }, (_, n) => `${String.fromCodePoint(97 + n % 26)} ${n}`)
        ]
        yield* on(remember(...prompts.map((prompt) => answerTo(namespace, prompt))), firstLetter("before", 64))
        yield* on(
          Effect.gen(function*() {
            const cache = yield* FallbackCache
            yield* eventually(Effect.map(cache.unembedded, (left) => left > 0))
            yield* eventually(Effect.map(cache.unembedded, (left) => left === 0))
            assert.isTrue(Option.isSome(yield* find({ namespace, prompt: "~ lake, please" })))
            const sql = yield* SqlClient.SqlClient
            const after = vectorTable({ name: "after", dimensions: 32 })
            const made = yield* withinNamespace(sql, namespace)(sql`SELECT 1 FROM ${sql(after)}`)
            assert.strictEqual(made.length, 250)
          }),
          firstLetter("after", 32),
          roundsOfUpkeep
        )
      }),
    60_000
  )

  it.effect("goes on after an embedder that failed, and leaves what it could not embed for later", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      let isDown = true
      const flaky = embedderOf("flaky", 4, () =>
        isDown
          ? Effect.fail(new EmbeddingFailed({ embedder: "flaky", cause: "down" }))
          : Effect.succeed(Float32Array.of(1, 0, 0, 0)))
      yield* on(
        Effect.gen(function*() {
          const cache = yield* FallbackCache
          yield* remember(answerTo(namespace, "a lake"))
          const isMissed = Effect.map(find({ namespace, prompt: "a lake, please" }), Option.isNone)
          yield* eventually(Effect.orElseSucceed(isMissed, () => false))
          yield* eventually(Effect.map(cache.unembedded, (left) => left > 0))
          isDown = false
          // A lookup may be too slow on a busy machine.
          const isFound = Effect.map(find({ namespace, prompt: "a lake, please" }), Option.isSome)
          yield* eventually(Effect.orElseSucceed(isFound, () => false))
          yield* eventually(Effect.map(cache.unembedded, (left) => left === 0))
        }),
        flaky,
        roundsOfUpkeep
      )
    }))

  it.effect("deletes what is too old, and of too many the least useful, quarantined ones first", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const sql = yield* SqlClient.SqlClient
        const cache = yield* FallbackCache
        const within = withinNamespace(sql, namespace)
        const [bad, ...others] = Array.from({ length: 9 }, (_, n) => answerTo(namespace, `a ${n}`))
        if (bad === undefined) return assert.fail()
        yield* remember(bad, ...others)
        yield* cache.quarantine(namespace, bad.id)
        const ageOf = (prompt: string, interval: string, uses = 0) =>
          within(sql`
            UPDATE understudy_answers SET created_at = now() - ${interval}::interval, uses = ${uses}
            WHERE prompt = ${prompt}`)
        yield* ageOf("a 1", "5 days", 20)
        yield* ageOf("a 2", "4 days")
        yield* ageOf("a 3", "3 days")
        yield* ageOf("a 4", "11 days", 29)
        const kept = Effect.map(
          within(sql<{ prompt: string }>`SELECT prompt FROM understudy_answers ORDER BY prompt`),
          (rows) => rows.map(({ prompt }) => prompt)
        )
        yield* eventually(Effect.map(kept, (prompts) => prompts.length === 5))
        // Too old: 4. Bad: 0. Least useful: 2 and 3, but not 1, which had been of use.
        assert.deepStrictEqual(yield* kept, ["a 1", "a 5", "a 6", "a 7", "a 8"])
        const vectors = yield* within(sql`SELECT 1 FROM ${sql(vectorTable(letters))}`)
        assert.strictEqual(vectors.length, 5)
      }),
      firstLetter("letters", 8),
      { maxEntries: 5, maxAgeMillis: 10 * 86_400_000, ...roundsOfUpkeep }
    ))

  it.effect("counts how often an entry is shown, and not when it is only tried", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      const sql = yield* SqlClient.SqlClient
      yield* on(
        Effect.gen(function*() {
          yield* remember(answerTo(namespace, "a lake"), answerTo(namespace, "b lake"))
          for (let n = 0; n < 3; n++) yield* find({ namespace, prompt: "a lake" })
          yield* find({ namespace, prompt: "a lake, please", isShadow: true })
        }),
        firstLetter("letters", 8)
      )
      const uses = yield* withinNamespace(sql, namespace)(sql`
        SELECT prompt, uses, last_used_at IS NOT NULL AS used FROM understudy_answers ORDER BY prompt`)
      assert.deepStrictEqual(uses, [
        { prompt: "a lake", uses: 3, used: true },
        { prompt: "b lake", uses: 0, used: false }
      ])
    }))

  it.effect("drops the vectors of an embedder that nobody has used for a week", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const old = { name: "abandoned", dimensions: 8 }
      yield* on(Effect.void, firstLetter(old.name, old.dimensions))
      const exists = Effect.map(
        sql<{ there: boolean }>`SELECT to_regclass(${vectorTable(old)}) IS NOT NULL AS there`,
        ([row]) => row?.there
      )
      assert.isTrue(yield* exists)
      yield* sql`UPDATE understudy_spaces SET used_at = now() - interval '8 days' WHERE name = ${spaceName(old)}`
      yield* on(
        eventually(Effect.map(exists, (there) => there === false)),
        firstLetter("letters", 8),
        roundsOfUpkeep
      )
    }))
}

const letters = { name: "letters", dimensions: 8 }
