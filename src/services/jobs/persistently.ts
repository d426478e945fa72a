/** For what must be written down, although the database may be away for a moment. */
import { Effect, Schedule } from "effect"
import type { StoreUnavailable } from "../../domain/errors.ts"

/** Tries for half a minute and longer, as long as a restart of a database may take. */
export const persistently = <A, R>(
  write: Effect.Effect<A, StoreUnavailable, R>
): Effect.Effect<A, StoreUnavailable, R> => Effect.retry(write, { times: 60, schedule: Schedule.spaced("500 millis") })
