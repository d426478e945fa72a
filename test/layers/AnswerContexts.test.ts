/** A database of the version before contexts, with answers and vectors in it, that new instances open. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { Reactivity } from "effect/reactivity"
import { Migrator, SqlClient } from "effect/sql"
import { Namespace } from "../../src/domain/Generation.ts"
import { encodeTraits, promptTraits } from "../../src/domain/similarity/PromptTraits.ts"
import { steps } from "../../src/layers/MigrationSteps.ts"
import * as Pglite from "../../src/layers/Pglite.ts"
import { layerPostgres } from "../../src/services/cache/FallbackCachePostgres.ts"
import { partitionsOf, spaceName, vectorTable } from "../../src/services/cache/VectorSpace.ts"
import { withinNamespace } from "../../src/services/store/withinNamespace.ts"
import { answerTo, find, firstLetter, remember, withOwnMetrics } from "../services/FallbackCache.contract.ts"
import {
  freshDatabase,
  freshDirectory,
  layerEmbedded,
  layerServer,
  urlOf,
  withoutServer,
  withServer
} from "../support/databases.ts"

const namespace = Namespace.make("site")
const space = { name: "letters", dimensions: 8 }
const vectors = vectorTable(space)
const letters = firstLetter(space.name, space.dimensions)
/** In the direction of an "a", as the embedder has it. */
const aVector = "[0,1,0,0,0,0,0,0]"

const rowOf = (prompt: string, text: string) => ({
  id: `gen_${text}`,
  normalized_prompt: prompt,
  content_type: "",
  locale: "",
  model_family: "m",
  prompt,
  traits: encodeTraits(promptTraits(prompt)),
  model: "m",
  text,
  embedding: aVector
})

/** The tables as the version before had made them, and what it had stored. */
const asBefore = (sql: SqlClient.SqlClient) =>
  Effect.gen(function*() {
    yield* sql`CREATE EXTENSION IF NOT EXISTS vector`
    const loader = Effect.map(steps, (all) => all.filter(([id]) => id <= 5))
    yield* Migrator.make({})({ loader, table: "understudy_migrations" })
    yield* sql`INSERT INTO understudy_spaces (name, vectors) VALUES (${spaceName(space)}, ${vectors})`
    yield* sql.unsafe(`
      CREATE TABLE ${vectors} (
        namespace text NOT NULL,
        seq bigint NOT NULL,
        content_type text NOT NULL,
        locale text NOT NULL,
        model_family text NOT NULL,
        created_at timestamptz NOT NULL,
        embedding vector(8) NOT NULL,
        PRIMARY KEY (namespace, seq),
        FOREIGN KEY (namespace, seq) REFERENCES understudy_answers ON DELETE CASCADE
      ) PARTITION BY HASH (namespace)`)
    for (const [remainder, part] of partitionsOf(vectors).entries()) {
      yield* sql.unsafe(
        `CREATE TABLE ${part} PARTITION OF ${vectors} FOR VALUES WITH (MODULUS 16, REMAINDER ${remainder})`
      )
      yield* sql.unsafe(`ALTER TABLE ${part} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`)
    }
    yield* sql.unsafe(`ALTER TABLE ${vectors} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`)
    yield* sql.unsafe(
      `CREATE POLICY own_namespace ON ${vectors} USING (namespace = current_setting('understudy.namespace', true))`
    )
    yield* sql.unsafe(`CREATE INDEX ON ${vectors} USING hnsw (embedding vector_ip_ops)`)
    yield* storeAsBefore(sql, "a lake", "of before")
  }).pipe(Effect.provideService(SqlClient.SqlClient, sql))

const storeAsBefore = (sql: SqlClient.SqlClient, prompt: string, text: string) =>
  sql`SELECT understudy_remember(${namespace}, ${JSON.stringify([rowOf(prompt, text)])}::json, ${vectors})`

/** What an instance of before finds. */
const findAsBefore = (sql: SqlClient.SqlClient, prompt: string) =>
  Effect.map(
    sql<{ readonly text: string }>`
      SELECT text FROM understudy_find(${namespace}, ${prompt}, ${vectors}, ${aVector}, 0.9, 1e12, '', '', '', 8)`,
    (rows) => rows.map(({ text }) => text)
  )

const textOf = (prompt: string, context?: string) =>
  Effect.map(
    find({ namespace, prompt, context }),
    Option.match({ onNone: () => undefined, onSome: ({ text }) => text })
  )

const cache = Layer.provide(layerPostgres(), letters)

const upgrade = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  assert.strictEqual(yield* textOf("a lake"), "of before")
  assert.strictEqual(yield* textOf("a lake, please"), "of before")
  assert.isUndefined(yield* textOf("a lake", "talk"))
  assert.isUndefined(yield* textOf("a lake, please", "talk"))

  yield* remember(answerTo(namespace, "a lake", { model: "m", context: "talk", text: "in talk" }))
  yield* remember(answerTo(namespace, "a lake", { model: "m", text: "newer" }))
  assert.strictEqual(yield* textOf("a lake, please", "talk"), "in talk")
  assert.strictEqual(yield* textOf("a lake, please"), "newer")
  const count = sql`SELECT FROM understudy_answers`
  assert.strictEqual((yield* withinNamespace(sql, namespace)(count)).length, 2, "the one of before was replaced")
  assert.deepStrictEqual(yield* count, [], "row-level security holds")
  for (const part of partitionsOf(vectors)) assert.deepStrictEqual(yield* sql`SELECT context FROM ${sql(part)}`, [])
  const indexes = yield* sql<{ readonly name: string }>`
    SELECT indexrelid::regclass::text AS name FROM pg_index JOIN pg_inherits ON indrelid = inhrelid
    WHERE inhparent = ${vectors}::regclass AND indexrelid::regclass::text LIKE '%context%'`
  assert.strictEqual(indexes.length, 16)

  // An instance of before goes on beside the new one, and sees nothing that was given in a context.
  assert.deepStrictEqual(yield* findAsBefore(sql, "a lake"), ["newer"])
  assert.deepStrictEqual(yield* findAsBefore(sql, "a lake, please"), ["newer"])
  yield* storeAsBefore(sql, "a lake", "of the other instance")
  assert.strictEqual(yield* textOf("a lake"), "of the other instance")
  assert.strictEqual(yield* textOf("a lake", "talk"), "in talk")
}).pipe(Effect.provide(cache), withOwnMetrics)

describe("a database of the version before contexts", () => {
  // A new directory takes two seconds, and on a busy machine many times that.
  it.live(
    "keeps its answers when the embedded one is opened by this version",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const directory = yield* freshDirectory
        yield* Effect.scoped(Effect.gen(function*() {
          const pglite = yield* Pglite.make(directory)
          const sql = yield* PgClient.make(Pglite.clientConfig(pglite)).pipe(Effect.provide(Reactivity.layer))
          yield* asBefore(sql)
        }))
        yield* Effect.provide(upgrade, layerEmbedded(directory))
      })),
    120_000
  )

  it.live.skipIf(withoutServer)(
    "keeps its answers on a server, with several instances starting at once",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const url = urlOf(yield* freshDatabase)
        yield* withServer(asBefore, url)
        const instance = Effect.scoped(Layer.build(Layer.provide(cache, layerServer(url))))
        yield* Effect.all(Array.from({ length: 6 }, () => instance), { concurrency: "unbounded" })
        yield* Effect.provide(upgrade, layerServer(url))
        // Switched away from and back to, with an answer stored in between.
        const other = Layer.provide(layerPostgres(), firstLetter("other letters", 16))
        yield* remember(answerTo(namespace, "b lake", { context: "talk" })).pipe(
          Effect.provide(Layer.provide(other, layerServer(url))),
          withOwnMetrics
        )
        const found = yield* Effect.provide(textOf("b lake", "talk"), Layer.provide(cache, layerServer(url)))
        assert.strictEqual(found, "An answer to: b lake")
      })),
    60_000
  )
})
