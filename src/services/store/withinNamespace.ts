/** Namespaces as the database sees them: every statement on answers runs inside one. */
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { Namespace } from "../../domain/Generation.ts"

/**
 * Runs statements inside the row-level security of a namespace: they see and write its rows only, whatever their WHERE
 * says. Without it there are no rows at all.
 */
export const withinNamespace = (sql: SqlClient.SqlClient, namespace: Namespace) => {
  const enter = sql`SELECT set_config('understudy.namespace', ${namespace}, true)`
  return <A, E, R>(statements: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
    sql.withTransaction(Effect.andThen(enter, statements))
}
