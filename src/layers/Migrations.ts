/** The tables, and how they come up to date at start, with several instances starting at once. */
import { Effect } from "effect"
import { Migrator, SqlClient, SqlError } from "effect/sql"
import { MigrationFailed, PgvectorMissing } from "./DatabaseError.ts"
import { steps } from "./MigrationSteps.ts"

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
