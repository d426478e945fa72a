/**
 * The vectors of one embedder in the database: a table of their own, so that vectors of different embedders or
 * dimensions cannot be compared, and a change of embedder needs no migration.
 */
import { Effect, Hash } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import type { Embedder } from "../Embedder.ts"

/** pgvector indexes no longer `vector`; beyond it every entry of the namespace is compared, which is right but slow. */
const maxIndexedDimensions = 2000
/** PostgreSQL would move longer vectors out of their rows, and every comparison would fetch more pages. */
const maxPlainDimensions = 1900

/**
 * Each namespace lies in one of so many parts, with an index of its own: a search meets few entries of others, which
 * the filter has to throw away again.
 */
const partitions = 16

type Space = Pick<Embedder["Service"], "name" | "dimensions">

/** Name and dimensions: both make the space. */
export const spaceName = ({ dimensions, name }: Space): string => `${name}/${dimensions}`

/** For example `understudy_vectors_local_1_384_x1a2b3`: readable, and at most 63 characters with its partitions'. */
export const vectorTable = (space: Space): string => {
  const name = spaceName(space)
  const readable = name.toLowerCase().replace(/[^a-z0-9]+/g, "_").slice(0, 30)
  return `understudy_vectors_${readable}_${(Hash.string(name) >>> 0).toString(36)}`
}

/** The tables that hold the rows of a space. */
export const partitionsOf = (table: string): ReadonlyArray<string> =>
  Array.from({ length: partitions }, (_, part) => `${table}_${part}`)

/** As pgvector reads it; five decimals are finer than any threshold, and a third of the length. */
export const vectorText = (vector: Float32Array): string => {
  let text = ""
  for (const number of vector) {
    const rounded = Math.round(number * 1e5) / 1e5
    text += `${text === "" ? "[" : ","}${rounded === 0 ? 0 : rounded}`
  }
  return `${text}]`
}

/** Creates what is missing for the embedder's vectors. Several instances may do this at once. */
export const prepareVectorSpace = Effect.fn("VectorSpace.prepare")(
  function*(space: Space): Effect.fn.Return<void, SqlError.SqlError, SqlClient.SqlClient> {
    const sql = yield* SqlClient.SqlClient
    const table = vectorTable(space)
    const dimensions = Math.trunc(space.dimensions)
    yield* sql.withTransaction(Effect.gen(function*() {
      yield* sql`SELECT pg_advisory_xact_lock(hashtext('understudy vector spaces'))`
      yield* sql`
        INSERT INTO understudy_spaces (name, vectors) VALUES (${spaceName(space)}, ${table})
        ON CONFLICT (name) DO UPDATE SET used_at = now()`
      const [found] = yield* sql<{ readonly there: boolean }>`SELECT to_regclass(${table}) IS NOT NULL AS there`
      if (found?.there === true) return yield* addContext(table)
      yield* sql.unsafe(`
        CREATE TABLE ${table} (
          namespace text NOT NULL,
          seq bigint NOT NULL,
          context bytea NOT NULL DEFAULT '',
          content_type text NOT NULL,
          locale text NOT NULL,
          model_family text NOT NULL,
          created_at timestamptz NOT NULL,
          embedding vector(${dimensions}) NOT NULL,
          PRIMARY KEY (namespace, seq),
          FOREIGN KEY (namespace, seq) REFERENCES understudy_answers ON DELETE CASCADE
        ) PARTITION BY HASH (namespace)`)
      const storage = dimensions <= maxPlainDimensions ? "PLAIN" : "EXTERNAL"
      for (const [remainder, part] of partitionsOf(table).entries()) {
        yield* sql.unsafe(`
          CREATE TABLE ${part} PARTITION OF ${table} FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${remainder})
          WITH (fillfactor = 90)`)
        yield* sql.unsafe(
          `ALTER TABLE ${part} ALTER COLUMN embedding SET STORAGE ${storage}, ALTER COLUMN embedding SET STATISTICS 0`
        )
        // No policy of their own: whoever goes past the parent sees nothing.
        yield* sql.unsafe(`ALTER TABLE ${part} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`)
        yield* sql.unsafe(indexContexts(part))
      }
      yield* sql.unsafe(`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`)
      yield* sql.unsafe(`
        CREATE POLICY own_namespace ON ${table} USING (namespace = current_setting('understudy.namespace', true))`)
      if (dimensions <= maxIndexedDimensions) {
        yield* sql.unsafe(`CREATE INDEX ON ${table} USING hnsw (embedding vector_ip_ops)`)
        return
      }
      yield* Effect.logWarning(
        `pgvector indexes at most ${maxIndexedDimensions} dimensions and ${space.name} has ${dimensions}: `
          + "similar prompts are found by comparing all of a namespace"
      )
    }))
  }
)

/** What has few entries in its context is read by this, and all of it compared; what has many, by the vectors' index. */
const indexContexts = (part: string): string => `CREATE INDEX ON ${part} (namespace, context)`

/** For a space of an earlier version, and one that is switched back to: what is in it has no context. */
const addContext = Effect.fnUntraced(function*(table: string) {
  const sql = yield* SqlClient.SqlClient
  const there = yield* sql`
    SELECT FROM pg_attribute WHERE attrelid = ${table}::regclass AND attname = 'context' AND NOT attisdropped`
  if (there.length > 0) return
  yield* sql.unsafe(`ALTER TABLE ${table} ADD COLUMN context bytea NOT NULL DEFAULT ''`)
  // One by one, since a statement has ten seconds.
  for (const part of partitionsOf(table)) yield* sql.unsafe(indexContexts(part))
})
