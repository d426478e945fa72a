/** How upkeep talks to the database: bounded statements, inside one namespace, in batches with rests in between. */
import { Duration, Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { StoreUnavailable } from "../../../domain/errors.ts"
import type { Namespace } from "../../../domain/Generation.ts"
import type { StoreCall } from "../../store/StoreCall.ts"
import { withinNamespace } from "../../store/withinNamespace.ts"

/** Rows touched in one statement, so that nobody waits long behind one. */
export const batch = 100

/** Rest after a step, relative to what it took: at least three quarters of the time belong to the answers. */
const restShare = 3
const statementTimeout = "5 seconds"

export type UpkeepCalls = ReturnType<typeof makeUpkeepCalls>

export const makeUpkeepCalls = (sql: SqlClient.SqlClient, storeCall: StoreCall) => {
  const call = <A>(
    operation: string,
    statements: Effect.Effect<A, SqlError.SqlError>
  ): Effect.Effect<A, StoreUnavailable> => storeCall(`FallbackCache.${operation}`, statementTimeout, statements)
  return {
    sql,
    call,
    within: <A>(operation: string, namespace: Namespace, statements: Effect.Effect<A, SqlError.SqlError>) =>
      call(operation, withinNamespace(sql, namespace)(statements))
  }
}

/** A step, and the rest that it has earned the others. */
export const rested = <A, E, R>(step: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(
    Effect.timed(step),
    ([took, result]) => Effect.as(Effect.sleep(Duration.times(took, restShare)), result)
  )

/** Repeats a step that says how many rows it has dealt with until there is less than a batch. Answers the sum. */
export const inBatches = Effect.fnUntraced(function*<E, R>(step: Effect.Effect<number, E, R>) {
  let sum = 0
  for (let done = batch; done >= batch;) {
    done = yield* rested(step)
    sum += done
  }
  return sum
})
