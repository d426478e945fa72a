/** The tables, and how they come up to date at start, with several instances starting at once. */
import { Effect } from "effect"
import { Migrator, SqlClient, SqlError } from "effect/sql"
import { MigrationFailed, PgvectorMissing } from "./DatabaseError.ts"

/**
 * One entry per step, in order; a released step is never changed. A step runs in the migration's transaction, which
 * holds a lock that the other instances wait for.
 */
const steps = Migrator.fromRecord({
  "0001_answers": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // '' stands for an absent content type, locale or model family: it takes part in the unique key, NULL would not.
    // `embedding` has no fixed dimension, so that a change of embedder needs no migration: every embedder gets an
    // index of its own over its own rows (FallbackCachePostgres).
    yield* sql`
      CREATE TABLE understudy_answers (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id text NOT NULL,
        namespace text NOT NULL,
        prompt_hash bytea NOT NULL,
        content_type text NOT NULL,
        locale text NOT NULL,
        model_family text NOT NULL,
        prompt text NOT NULL,
        model text NOT NULL,
        text text NOT NULL,
        input_tokens integer,
        output_tokens integer,
        embedder text,
        embedding vector,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (namespace, prompt_hash, content_type, locale, model_family)
      )`
  }),
  "0002_circuits": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // Every write takes a new version, which no other row ever has: a row that went and came back is another one.
    // `forgettable_at` is milliseconds since the epoch; NULL: never.
    yield* sql`
      CREATE TABLE understudy_circuits (
        key text PRIMARY KEY,
        version bigint GENERATED ALWAYS AS IDENTITY,
        state jsonb NOT NULL,
        forgettable_at double precision
      )`
  }),
  "0003_limits": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // One book of leases per provider, written by compare-and-set on its version.
    yield* sql`
      CREATE TABLE understudy_limits (
        key text PRIMARY KEY,
        version bigint NOT NULL,
        book jsonb NOT NULL
      )`
  }),
  "0004_quarantine": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`ALTER TABLE understudy_answers ADD COLUMN quarantined_at timestamptz`
  }),
  "0005_templates": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // The source as it was imported: it is parsed when it is read, so that a better parser needs no migration. Every
    // write takes a new revision, so that the set of them tells one state of the table from every other.
    yield* sql`
      CREATE TABLE understudy_templates (
        namespace text NOT NULL,
        name text NOT NULL,
        source text NOT NULL,
        imported_at timestamptz NOT NULL DEFAULT now(),
        revision bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        PRIMARY KEY (namespace, name)
      )`
  })
})

/** Brings the tables up to date. `server` is only for messages. */
export const run = Effect.fn("Migrations.run")(
  function*(server: string): Effect.fn.Return<void, PgvectorMissing | MigrationFailed, SqlClient.SqlClient> {
    yield* createExtension(server)
    yield* migrate({ loader: steps, table: "understudy_migrations" }).pipe(
      Effect.mapError((error) => new MigrationFailed({ detail: detailOf(error) }))
    )
  }
)

const migrate = Migrator.make({})

/**
 * `CREATE EXTENSION IF NOT EXISTS` fails when two sessions run it at once (a unique violation in the catalogue), and
 * needs rights even where the extension is there: so look first, and look again after a failure.
 */
const createExtension = Effect.fnUntraced(function*(server: string) {
  const sql = yield* SqlClient.SqlClient
  const exists = sql`SELECT 1 FROM pg_extension WHERE extname = 'vector'`.pipe(Effect.map((rows) => rows.length > 0))
  const create = sql`CREATE EXTENSION IF NOT EXISTS vector`.pipe(
    Effect.catch((error) => Effect.flatMap(exists, (there) => there ? Effect.void : Effect.fail(error)))
  )
  const installed = sql`SELECT 1 FROM pg_available_extensions WHERE name = 'vector'`
  yield* Effect.flatMap(exists, (there) => there ? Effect.void : create).pipe(
    Effect.catch((error) =>
      Effect.gen(function*() {
        if ((yield* installed).length === 0) return yield* new PgvectorMissing({ server, reason: "not_installed" })
        if (error.reason._tag === "AuthorizationError") {
          return yield* new PgvectorMissing({ server, reason: "not_allowed" })
        }
        return yield* error
      })
    ),
    Effect.catchTag("SqlError", (error) => new MigrationFailed({ detail: detailOf(error) }))
  )
})

/** The driver's message says where it failed, the innermost cause says why. */
const detailOf = (error: unknown): string => {
  let innermost = error
  for (let next = error; next instanceof Error; next = SqlError.isSqlError(next) ? next.reason : next.cause) {
    innermost = next
  }
  return innermost instanceof Error ? innermost.message : String(innermost)
}
