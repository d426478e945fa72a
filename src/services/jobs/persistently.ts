/** For what must be written down, although the database may be away for a moment. */
import { Effect, Schedule } from "effect"
import type { StoreUnavailable } from "../../domain/errors.ts"

/**
 * Tries once, whatever happens, and then for half a minute, which is as long as the restart of a database takes. Whoever
 * is stopped meanwhile tries no more: the errand comes again.
 */
export const persistently = <A, R>(
  write: Effect.Effect<A, StoreUnavailable, R>
): Effect.Effect<A, StoreUnavailable, R> =>
  Effect.catch(write, () => Effect.interruptible(Effect.retry(Effect.delay(write, "500 millis"), again)))

const again = Schedule.upTo(Schedule.forever, { duration: "30 seconds" })
