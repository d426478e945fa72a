/** Circuits shared by all instances on one database. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { makeMemory } from "./CircuitBreakerMemory.ts"
import type { CircuitBreakerOptionsByKey } from "./CircuitBreakerOptions.ts"

export const makePostgres = Effect.fnUntraced(function*(options: CircuitBreakerOptionsByKey) {
  yield* SqlClient.SqlClient
  return yield* makeMemory(options)
})
