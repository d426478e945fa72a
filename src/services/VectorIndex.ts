/** The vectors of one embedder in the shared column, and their index. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { Embedder } from "./Embedder.ts"

/** pgvector indexes no longer `vector`; beyond it every entry of the namespace is compared, which is right but slow. */
const maxIndexedDimensions = 2000
/**
 * From here on PostgreSQL would move vectors out of their rows, and every comparison would fetch one more page; up to
 * there a row with its vector still fits into a page.
 */
const plainStorage = { above: 480, upTo: 1900 }

type Space = Pick<Embedder["Service"], "name" | "dimensions">

/** How vectors of this embedder are written and compared. Those of another name or dimension are out of reach. */
export const vectorColumn = (sql: SqlClient.SqlClient, space: Space) => ({
  /** The entry's columns. */
  toRow: (vector: Float32Array) => ({ embedder: spaceName(space), embedding: toText(vector) }),
  /** A constant and not a parameter: only so does the planner see that the partial index covers the question. */
  comparable: sql.literal(`embedder = ${literal(spaceName(space))}`),
  /** Cosine distance, with the expression that the index is built on. */
  distance: (vector: Float32Array) => sql`${sql.literal(expression(space))} <=> ${toText(vector)}::vector`
})

/**
 * Creates the embedder's index if it is missing. Entries of other embedders are not in it, so it is built in no time
 * unless the index had been dropped. Several instances may do this at once.
 */
export const prepareVectorIndex = Effect.fn("FallbackCache.prepareVectorIndex")(function*(space: Space) {
  const sql = yield* SqlClient.SqlClient
  const { dimensions } = space
  yield* sql.withTransaction(Effect.gen(function*() {
    yield* sql`SELECT pg_advisory_xact_lock(hashtext('understudy_answers vector index'))`
    yield* sql`SET LOCAL statement_timeout = 0`
    yield* storeVectors(dimensions)
    if (dimensions > maxIndexedDimensions) {
      return yield* Effect.logWarning(
        `pgvector indexes at most ${maxIndexedDimensions} dimensions and ${space.name} has ${dimensions}: `
          + "similar prompts are found by comparing all of a namespace"
      )
    }
    const [index] = yield* sql<{ readonly name: string }>`
      SELECT 'understudy_answers_' || left(md5(${spaceName(space)}), 16) AS name`
    if (index === undefined) return
    yield* sql`CREATE INDEX IF NOT EXISTS ${sql(index.name)} ON understudy_answers
      USING hnsw ((${sql.literal(expression(space))}) vector_cosine_ops)
      WHERE ${sql.literal(`embedder = ${literal(spaceName(space))}`)}`
  }))
})

/** One setting for the column, and only for rows to come: the configured embedder decides. */
const storeVectors = Effect.fnUntraced(function*(dimensions: number) {
  if (dimensions <= plainStorage.above) return
  const sql = yield* SqlClient.SqlClient
  const wanted = dimensions <= plainStorage.upTo ? { code: "p", name: "PLAIN" } : { code: "e", name: "EXTERNAL" }
  const [column] = yield* sql<{ readonly storage: string }>`
    SELECT attstorage::text AS storage FROM pg_attribute
    WHERE attrelid = 'understudy_answers'::regclass AND attname = 'embedding'`
  if (column?.storage === wanted.code) return
  yield* sql`ALTER TABLE understudy_answers ALTER COLUMN embedding SET STORAGE ${sql.literal(wanted.name)}`
})

/** The dimensions are part of the name, so that a row's cast below can never fail. */
const spaceName = ({ dimensions, name }: Space): string => `${name}/${dimensions}`

const expression = ({ dimensions }: Space): string => `(embedding::vector(${Math.trunc(dimensions)}))`

const toText = (vector: Float32Array): string => `[${vector.join(",")}]`

/** A name may come from configuration (the model's). */
const literal = (text: string): string => `'${text.replaceAll("\0", "").replaceAll("'", "''")}'`
