/** What a provider's circuit is told of a call. */
import { Clock, Effect, Exit } from "effect"
import { type Admission, type Outcome, success } from "../../domain/circuit/Circuit.ts"
import type { AiError } from "../../domain/errors.ts"
import { outcomeOf } from "../../domain/ladder/ErrorTable.ts"
import { type CircuitBreaker, outcomeOfExit } from "../CircuitBreaker.ts"

/** What a call has shown of the provider's health so far. */
export interface Evidence {
  /** Of the last attempt that shows anything: attempts that a retry rescues are no failures. */
  last: { readonly admission: Admission; readonly outcome: Outcome } | undefined
  /** When the first piece of a stream came, in milliseconds since the epoch. */
  firstPieceAt: number | undefined
}

export const noEvidence = (): Evidence => ({ last: undefined, firstPieceAt: undefined })

/** How long a stream goes on after its first piece is no slowness of the provider's: its length and its reader make it. */
const withoutRest = (admission: Admission, firstPieceAt: number, now: number): Admission => ({
  ...admission,
  startedAt: admission.startedAt + now - firstPieceAt
})

/** A call is counted once, when it ends; only a probe at once, for the circuit waits for it. */
export const makeBooking = (breaker: CircuitBreaker["Service"], key: string) => {
  /** Of a probe whose stream had begun, and so had closed the circuit: a failure like any other call's. */
  const brokeOff = (outcome: Outcome): Effect.Effect<void> =>
    outcome._tag === "Failure"
      ? Effect.matchEffect(breaker.admit(key), {
        onFailure: () => Effect.void,
        onSuccess: (admission) => breaker.settle(key, admission, outcome)
      })
      : Effect.void

  return {
    /** A probe that streams has answered with its first piece: nobody waits for its end. */
    streamBegan: (evidence: Evidence, admission: Admission): Effect.Effect<void> =>
      Effect.uninterruptible(Clock.clockWith((clock) => {
        evidence.firstPieceAt = clock.currentTimeMillisUnsafe()
        return admission.probe ? breaker.settle(key, admission, success) : Effect.void
      })),

    attemptEnded: <A>(evidence: Evidence, admission: Admission, exit: Exit.Exit<A, AiError>): Effect.Effect<void> => {
      const outcome = outcomeOfExit(exit, outcomeOf)
      if (admission.probe) {
        return evidence.firstPieceAt === undefined ? breaker.settle(key, admission, outcome) : brokeOff(outcome)
      }
      if (Exit.isFailure(exit) && Exit.hasInterrupts(exit)) return Effect.void
      // An attempt that our own queue had cut short leaves standing what an earlier one has shown.
      if (outcome._tag === "Ignored" && evidence.last !== undefined) return Effect.void
      const { firstPieceAt } = evidence
      evidence.last = { admission, outcome }
      return firstPieceAt === undefined ? Effect.void : Clock.clockWith((clock) => {
        evidence.last = { admission: withoutRest(admission, firstPieceAt, clock.currentTimeMillisUnsafe()), outcome }
        return Effect.void
      })
    },

    /** The caller's interruption is nobody's failure, but what a completed attempt has shown before it stands. */
    callEnded: ({ last }: Evidence): Effect.Effect<void> =>
      last === undefined ? Effect.void : breaker.settle(key, last.admission, last.outcome)
  }
}
