/** One circuit per key: stops calling a provider that fails, and probes it before calling it again. */
import { Cause, Context, Effect, Exit, Layer, type Stream } from "effect"
import type { SqlClient } from "effect/sql"
import * as Circuit from "../domain/circuit/Circuit.ts"
import type { CircuitAction, CircuitStatus } from "../domain/circuit/CircuitControl.ts"
import type { CircuitOpen } from "../domain/errors.ts"
import type { CircuitTransition } from "./circuit/CircuitBreakerEvents.ts"
import { makeMemory } from "./circuit/CircuitBreakerMemory.ts"
import type { CircuitBreakerOptionsByKey } from "./circuit/CircuitBreakerOptions.ts"
import { type CircuitStoreOptions, makePostgres } from "./circuit/CircuitBreakerPostgres.ts"

export type { CircuitAction, CircuitPhase, CircuitStatus } from "../domain/circuit/CircuitControl.ts"
export type { CircuitTransition } from "./circuit/CircuitBreakerEvents.ts"
export type {
  CircuitBreakerOptions,
  CircuitBreakerOptionsByKey,
  CircuitTripPolicy
} from "./circuit/CircuitBreakerOptions.ts"
export type { CircuitStoreOptions } from "./circuit/CircuitBreakerPostgres.ts"

/** Keeps callers away from whatever fails, and lets a probe find out when it is back. Works around any effect. */
export class CircuitBreaker extends Context.Service<CircuitBreaker, {
  /** Fails when a call would be rejected now, and changes nothing: for leaving before any queue. */
  readonly check: (key: string) => Effect.Effect<void, CircuitOpen>
  /**
   * Admits a call or rejects it. Whoever is admitted must `settle`, whatever happens: call this where no interruption
   * can come between the two, or use `protect`. A probe's lease is renewed as long as the fiber lives that ran this.
   */
  readonly admit: (key: string) => Effect.Effect<Circuit.Admission, CircuitOpen>
  /** Gives an admission back with what the call came to. A call's duration counts from its admission. */
  readonly settle: (key: string, admission: Circuit.Admission, outcome: Circuit.Outcome) => Effect.Effect<void>
  /** Reading moves nothing: an opening that is over still reads Open until the next call. */
  readonly state: (key: string) => Effect.Effect<Circuit.CircuitState>
  /** Every circuit that is known, by key. */
  readonly statuses: Effect.Effect<ReadonlyArray<CircuitStatus>>
  /**
   * By hand. Forced open: nothing passes. Forced closed: everything passes, and outcomes change nothing. Both until a
   * reset, which closes the circuit and forgets its failures and its backoff.
   */
  readonly control: (key: string, action: CircuitAction) => Effect.Effect<void>
  /** Every transition made here since subscription, one event each; slow readers lose the oldest. */
  readonly transitions: Stream.Stream<CircuitTransition>
}>()("understudy/services/CircuitBreaker") {
  static readonly layerMemory = (options: CircuitBreakerOptionsByKey = {}): Layer.Layer<CircuitBreaker> =>
    Layer.effect(CircuitBreaker, makeMemory(options))

  /** Shared by all instances on one database. Goes on from memory when that is slow or gone. */
  static readonly layerPostgres = (
    options: CircuitBreakerOptionsByKey = {},
    store: CircuitStoreOptions = {}
  ): Layer.Layer<CircuitBreaker, never, SqlClient.SqlClient> =>
    Layer.effect(CircuitBreaker, makePostgres(options, store))

  /**
   * Runs one effect under the circuit of `key`. By default a success is a success and any failure or defect a failure;
   * interruption is never counted. `classify` says otherwise for typed errors.
   */
  static readonly protect =
    <E>(key: string, classify: (error: E) => Circuit.Outcome = () => Circuit.failure()) =>
    <A, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | CircuitOpen, R | CircuitBreaker> =>
      // Looked up in the context at hand: yielding the service costs a tenth of a microsecond per call.
      Effect.contextWith((context: Context.Context<CircuitBreaker>) => {
        const breaker = Context.get(context, CircuitBreaker)
        return Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(breaker.admit(key), (admission) =>
            Effect.onExit(restore(self), (exit) =>
              breaker.settle(key, admission, outcomeOfExit(exit, classify))))
        )
      })
}

/** The outcome of a call by how it ended: a defect is a failure, an interruption says nothing. */
export const outcomeOfExit = <A, E>(
  exit: Exit.Exit<A, E>,
  classify: (error: E) => Circuit.Outcome
): Circuit.Outcome => {
  if (Exit.isSuccess(exit)) return Circuit.success
  const error = Cause.findErrorOption(exit.cause)
  if (error._tag === "Some") return classify(error.value)
  return Cause.hasDies(exit.cause) ? Circuit.failure("defect") : Circuit.ignored
}
