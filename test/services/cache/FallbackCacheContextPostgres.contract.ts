/** What the fallback cache keeps of contexts and of exact-only answers on PostgreSQL, and what upkeep does with them. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import type { Namespace } from "../../../src/domain/Generation.ts"
import type { FallbackCacheOptions } from "../../../src/services/cache/FallbackCacheOptions.ts"
import { layerPostgres } from "../../../src/services/cache/FallbackCachePostgres.ts"
import { vectorTable } from "../../../src/services/cache/VectorSpace.ts"
import type { Embedder } from "../../../src/services/Embedder.ts"
import { FallbackCache } from "../../../src/services/FallbackCache.ts"
import { withinNamespace } from "../../../src/services/store/withinNamespace.ts"
import {
  answerTo,
  eventually,
  find,
  firstLetter,
  freshNamespace,
  remember,
  withOwnMetrics
} from "../FallbackCache.contract.ts"

const letters = { name: "letters", dimensions: 8 }
const roundsOfUpkeep = { upkeepEvery: "20 millis" } as const

export const fallbackCacheContextPostgresTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  const on = <A, E, R>(
    test: Effect.Effect<A, E, FallbackCache | R>,
    embedder: Layer.Layer<Embedder> = firstLetter(letters.name, letters.dimensions),
    options?: FallbackCacheOptions
  ) => test.pipe(Effect.provide(Layer.provide(layerPostgres(options), embedder)), withOwnMetrics)

  /** All rows of a table, as JSON. */
  const rowsOf = (namespace: Namespace, table: string) =>
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      withinNamespace(sql, namespace)(
        sql<{ readonly row: Readonly<Record<string, unknown>> }>`SELECT to_jsonb(t) AS row FROM ${sql(table)} t`
      ))

  it.effect("keeps no context in the clear, and of an exact-only answer no prompt, no words and no vector", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const vectors = vectorTable(letters)
      yield* remember(answerTo(namespace, "a lake", { text: "water", context: "secretive zebras" }))
      const before = yield* rowsOf(namespace, "understudy_answers")
      assert.include(JSON.stringify(before), "a lake")
      assert.notMatch(JSON.stringify([before, yield* rowsOf(namespace, vectors)]), /secretive|zebra/u)

      yield* remember(
        answerTo(namespace, "secretive zebras", { text: "stripes", isExactOnly: true, context: "secretive words" })
      )
      yield* remember(
        answerTo(namespace, "a lake", { text: "water", isExactOnly: true, context: "secretive zebras" })
      )
      const rows = yield* rowsOf(namespace, "understudy_answers")
      assert.strictEqual(rows.length, 2)
      assert.notMatch(JSON.stringify(rows), /secretive|zebra|lake/u)
      assert.deepStrictEqual(rows.map(({ row }) => [row["prompt"], row["traits"]]), [[null, null], [null, null]])
      assert.deepStrictEqual(yield* rowsOf(namespace, vectors), [], "nor the vector of the one that was there before")
    })))

  it.effect("finds similar prompts within a context when no prompt is kept", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        yield* remember(answerTo(namespace, "a lake", { context: "talk" }))
        const ask = (context?: string) =>
          Effect.map(find({ namespace, prompt: "a lake, please", context }), Option.isSome)
        assert.deepStrictEqual([yield* ask("talk"), yield* ask(), yield* ask("other")], [true, false, false])
      }),
      undefined,
      { storePrompts: false }
    ))

  it.effect(
    "embeds what has no vector within its context, and nothing that is exact-only",
    () =>
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const sql = yield* SqlClient.SqlClient
        yield* on(remember(
          answerTo(namespace, "a lake", { text: "wet", context: "talk" }),
          answerTo(namespace, "a lake", { text: "dry" }),
          answerTo(namespace, "a lake", { text: "neither", context: "tools", isExactOnly: true })
        ))
        yield* withinNamespace(sql, namespace)(sql`DELETE FROM ${sql(vectorTable(letters))}`)
        yield* on(
          Effect.gen(function*() {
            const cache = yield* FallbackCache
            const vectors = rowsOf(namespace, vectorTable(letters))
            yield* eventually(Effect.map(vectors, (rows) => rows.length === 2))
            yield* eventually(Effect.map(cache.unembedded, (left) => left === 0))
            assert.strictEqual((yield* vectors).length, 2)
            const ask = (context?: string) =>
              Effect.map(find({ namespace, prompt: "a lake, please", context }), Option.getOrUndefined)
            assert.strictEqual((yield* ask("talk"))?.text, "wet")
            assert.strictEqual((yield* ask())?.text, "dry")
            assert.isUndefined(yield* ask("tools"))
          }),
          undefined,
          roundsOfUpkeep
        )
      }),
    60_000
  )

  it.effect("counts exact-only answers towards the cap, and lets the least useful go like any other", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const answers = Array.from({ length: 6 }, (_, n) =>
          answerTo(namespace, "a lake", { context: `talk ${n}`, isExactOnly: n % 2 === 0 }))
        yield* remember(...answers)
        const rows = rowsOf(namespace, "understudy_answers")
        yield* eventually(Effect.map(rows, (all) =>
          all.length === 3))
        const ask = (n: number) =>
          Effect.map(find({ namespace, prompt: "a lake", context: `talk ${n}` }), Option.isSome)
        assert.deepStrictEqual(yield* Effect.forEach([0, 1, 2, 3, 4, 5], ask), [false, false, false, true, true, true])
      }),
      undefined,
      { maxEntries: 3, ...roundsOfUpkeep }
    ))

  it.effect(
    "believes the answer and not its vector about the context, and mends the vector",
    () =>
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const sql = yield* SqlClient.SqlClient
        const ask = (context?: string) =>
          Effect.map(find({ namespace, prompt: "a lake, please", context }), Option.isSome)
        yield* on(Effect.gen(function*() {
          yield* remember(answerTo(namespace, "a lake", { context: "talk" }))
          // As an instance of before, which knows of no context, would have written it.
          yield* withinNamespace(sql, namespace)(sql`UPDATE ${sql(vectorTable(letters))} SET context = ''`)
          assert.deepStrictEqual([yield* ask(), yield* ask("talk")], [false, false])
        }))
        yield* on(eventually(ask("talk")), undefined, roundsOfUpkeep)
      }),
    60_000
  )
}
