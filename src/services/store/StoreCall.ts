/** Bounds calls to a database, so that a caller gets away in time even when the driver does not. */
import { Cause, type Duration, Effect, Exit, Fiber, Option, Scope, Semaphore } from "effect"
import { StoreUnavailable } from "../../domain/errors.ts"

/** Calls that may be under way at once, abandoned ones included; others wait for their turn, in their own time. */
const maxPending = 256

export type StoreCall = <A, E>(
  operation: string,
  timeout: Duration.Input,
  call: Effect.Effect<A, E>
) => Effect.Effect<A, StoreUnavailable>

/**
 * A plain `Effect.timeout` on a running statement returns only when the driver has given the statement up. So the call
 * runs in a fiber of its own, and a caller that has waited long enough leaves it behind, interrupted. Defects too
 * become `StoreUnavailable`: a connection that dies in a transaction surfaces as one.
 */
export const makeStoreCall: Effect.Effect<StoreCall, never, Scope.Scope> = Effect.gen(function*() {
  // Not the caller's scope: that counts as closed while its finalizers, which may still store something, run.
  const scope = yield* Effect.acquireRelease(Scope.make(), Scope.close)
  const slots = Semaphore.makeUnsafe(maxPending)

  return (operation, timeout, call) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkIn(Effect.interruptible(slots.withPermit(call)), scope, {
          startImmediately: true
        })
        const result = yield* restore(Effect.timeoutOption(Fiber.await(fiber), timeout)).pipe(
          Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe()))
        )
        if (Option.isNone(result)) {
          return yield* new StoreUnavailable({ operation, cause: new Error("the database did not answer in time") })
        }
        if (Exit.isSuccess(result.value)) return result.value.value
        return yield* new StoreUnavailable({ operation, cause: Cause.squash(result.value.cause) })
      })
    )
})
