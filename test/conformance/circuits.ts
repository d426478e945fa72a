/** What the conformance cases of the circuit breaker share: the layers they run over, and calls to a provider. */
import { Clock, Duration, Effect, Layer, References } from "effect"
import type { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { randomUUID } from "node:crypto"
import * as Circuit from "../../src/domain/circuit/Circuit.ts"
import { CircuitClock } from "../../src/services/circuit/CircuitBreakerStore.ts"
import { CircuitBreaker, type CircuitBreakerOptions } from "../../src/services/CircuitBreaker.ts"

/** A layer of the breaker that cases run over; `R` is the database that it needs. */
export interface Backend<R> {
  readonly layer: (options: CircuitBreakerOptions) => Layer.Layer<CircuitBreaker, never, R>
}

export const memory: Backend<never> = { layer: (options) => CircuitBreaker.layerMemory(options) }

/** Patient: a slow machine must not turn a test of the shared circuit into one of the circuit in memory. */
const storeTimeout = "10 seconds"

/**
 * Over a real database but in virtual time: the circuit's time is the test clock's instead of the database's, while
 * polls and timeouts, which wait for real I/O, keep the real one.
 */
export const postgres: Backend<SqlClient.SqlClient> = {
  layer: (options) =>
    Layer.unwrap(Effect.map(
      TestClock.withLive(Clock.Clock),
      (io) =>
        CircuitBreaker.layerPostgres(options, { storeTimeout }).pipe(
          Layer.provide(Layer.succeed(CircuitClock, { time: "process", io }))
        )
    ))
}

export const freshKey = (): string => `provider-${randomUUID()}`

/** Calls under one circuit: F, S and I of the cases, and what becomes of them. */
export const callsOf = (key: string) => {
  const classify = (error: Circuit.Outcome) => error
  const protect = CircuitBreaker.protect<Circuit.Outcome>(key, classify)
  const state = Effect.flatMap(CircuitBreaker, (breaker) => breaker.state(key))
  /** How the call came out: "S", "F" and "I" when it reached the provider, "-" when it was rejected. */
  const call = (outcome: Circuit.Outcome) =>
    protect(outcome._tag === "Success" ? Effect.void : Effect.fail(outcome)).pipe(
      Effect.match({
        onSuccess: () => "S",
        onFailure: (error) => error._tag === "CircuitOpen" ? "-" : error._tag === "Failure" ? "F" : "I"
      })
    )
  const outcomes: Record<string, Circuit.Outcome> = {
    S: Circuit.success,
    F: Circuit.failure("down"),
    I: Circuit.ignored
  }
  return {
    key,
    protect,
    call,
    state,
    tag: Effect.map(state, ({ _tag }) => _tag),
    /** One call after the other: `calls("FFS")`. */
    calls: (script: string) =>
      Effect.map(Effect.forEach(script, (letter) => call(outcomes[letter] ?? Circuit.ignored)), (all) => all.join("")),
    /** For how long a call is rejected now, in milliseconds; 0 when it would be admitted. */
    rejectedFor: Effect.flatMap(CircuitBreaker, (breaker) =>
      Effect.match(breaker.check(key), {
        onSuccess: () => 0,
        onFailure: ({ retryAfter }) => Duration.toMillis(retryAfter)
      })),
    control: (action: "force-open" | "force-close" | "reset") =>
      Effect.flatMap(CircuitBreaker, (breaker) => breaker.control(key, action)),
    status: Effect.flatMap(
      CircuitBreaker,
      (breaker) => Effect.map(breaker.statuses, (all) => all.find((status) => status.key === key))
    )
  }
}

/** Waits in real time. */
export const eventually = <E, R>(condition: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(
    condition,
    (met) => met ? Effect.void : Effect.andThen(tick, Effect.suspend(() => eventually(condition)))
  )

const tick = Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, 2)))

/** What the circuits log is not what these tests are about. */
export const quietly = Effect.provideService(References.MinimumLogLevel, "None")

export const second = (at: number) => TestClock.setTime(at * 1_000)
