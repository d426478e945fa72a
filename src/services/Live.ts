/** The live step of the ladder: attempts at the provider, gated by the circuit and the limits. */
import { Clock, Duration, Effect, Exit, Metric, Random } from "effect"
import { type AiAnswer, estimateTokens } from "../domain/Ai.ts"
import type { Admission, Outcome } from "../domain/Circuit.ts"
import { attemptTime, type Deadlines, type TimePolicy } from "../domain/Deadlines.ts"
import {
  type AiError,
  AiTimeout,
  AiUnavailable,
  type CircuitOpen,
  DeadlineExceeded,
  type LimitExceeded,
  type LiveError
} from "../domain/errors.ts"
import { outcomeOf } from "../domain/ErrorTable.ts"
import type { GenerationRequest } from "../domain/Generation.ts"
import { nextAttemptIn, type RetryPolicy } from "../domain/Retry.ts"
import type { AiClient } from "./AiClient.ts"
import { type CircuitBreaker, outcomeOfExit } from "./CircuitBreaker.ts"
import type { Permit, RateLimiter } from "./RateLimiter.ts"

export interface LivePolicy extends TimePolicy, RetryPolicy {}

/** One call on its way down the ladder: what must be known of it wherever it ends. */
export interface Call {
  readonly request: GenerationRequest
  readonly deadlines: Deadlines
  /** Attempts that reached a provider. */
  attempts: number
  /**
   * What the last attempt says of the provider's health. A call is counted once, when it ends: attempts that a retry
   * rescues are no failures.
   */
  evidence: { readonly admission: Admission; readonly outcome: Outcome } | undefined
}

const attemptCount = Metric.counter("understudy_attempts_total", {
  description: "Attempts that reached a provider, by how they ended",
  incremental: true
})

export interface LiveServices {
  readonly client: AiClient["Service"]
  readonly breaker: CircuitBreaker["Service"]
  readonly limiter: RateLimiter["Service"]
}

/** Composes the live step over its services. Each function below shows in its type what can still go wrong after it. */
export const makeLive = ({ breaker, client, limiter }: LiveServices, policy: LivePolicy) => {
  const key = client.provider
  let lastError: AiError | undefined
  const attemptTimeout = Duration.millis(policy.attemptMillis)
  const counted = (result: string) => Metric.update(Metric.withAttributes(attemptCount, { provider: key, result }), 1)
  const succeeded = counted("success")
  const answered = Effect.suspend(() => {
    lastError = undefined
    return succeeded
  })

  /** The provider's call, bounded in time from its start to the last byte of its body. */
  const timed = (call: Call, permit: Permit): Effect.Effect<AiAnswer, AiError> =>
    Clock.clockWith((clock) => {
      const time = attemptTime(policy, call.deadlines, clock.currentTimeMillisUnsafe(), permit.waitedMillis)
      const after = time.millis === policy.attemptMillis ? attemptTimeout : Duration.millis(time.millis)
      return Effect.timeoutOrElse(client.generate(call.request), {
        duration: after,
        orElse: () => Effect.fail(new AiTimeout({ provider: key, after, shortened: time.shortened }))
      })
    })

  /** Books what an attempt came to: a probe at once, for the circuit waits for it; any other when the call ends. */
  const book = (call: Call, admission: Admission, exit: Exit.Exit<AiAnswer, AiError>): Effect.Effect<void> => {
    if (admission.probe) return breaker.settle(key, admission, outcomeOfExit(exit, outcomeOf))
    if (Exit.isFailure(exit) && Exit.hasInterrupts(exit)) return Effect.void
    const outcome = outcomeOfExit(exit, outcomeOf)
    // An attempt that our own queue had cut short leaves standing what an earlier one has shown.
    if (outcome._tag !== "Ignored" || call.evidence === undefined) call.evidence = { admission, outcome }
    return Effect.void
  }

  /** What a failed attempt asks for beside the circuit: a pause after a 429, an operator for a wrong key. */
  const react = (error: AiError): Effect.Effect<void> => {
    lastError = error
    const count = counted(error._tag)
    switch (error._tag) {
      case "AiRateLimited":
        return Effect.andThen(count, limiter.coolDown(key, error.retryAfter))
      case "AiUnauthorized":
        return Effect.andThen(count, Effect.logError(error.message))
      default:
        return count
    }
  }

  /** A client that dies is a bug of the client's; its user gets the fallback, and the log the bug. */
  const survived = (cause: unknown): Effect.Effect<never, AiUnavailable> =>
    Effect.andThen(
      Effect.logError(`the client of ${key} died`, cause),
      Effect.fail(new AiUnavailable({ provider: key, detail: "its client died: see the log" }))
    )

  const admitted = (call: Call, permit: Permit): Effect.Effect<AiAnswer, AiError | CircuitOpen> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(breaker.admit(key), (admission) => {
        call.attempts += 1
        return Effect.onExit(restore(timed(call, permit)), (exit) => book(call, admission, exit))
      })
    )

  const attempt = (call: Call): Effect.Effect<AiAnswer, AiError | CircuitOpen | LimitExceeded> =>
    Effect.andThen(
      breaker.check(key),
      limiter.withPermit({
        key,
        namespace: call.request.namespace,
        deadline: call.deadlines.live,
        minAttemptMillis: call.deadlines.minAttemptMillis,
        tokens: estimateTokens(call.request.prompt) + call.request.maxTokens
      }, (permit) => admitted(call, permit))
    )

  const again = (call: Call, error: LiveError): Effect.Effect<AiAnswer, LiveError> =>
    Effect.flatMap(Random.next, (random) =>
      Clock.clockWith((clock) => {
        const wait = nextAttemptIn(policy, {
          error,
          attempts: call.attempts,
          random,
          remainingMillis: call.deadlines.live - clock.currentTimeMillisUnsafe(),
          minAttemptMillis: call.deadlines.minAttemptMillis
        })
        return wait === undefined ? Effect.fail(error) : Effect.delay(attempts(call), wait)
      }))

  const attempts = (call: Call): Effect.Effect<AiAnswer, LiveError> =>
    Clock.clockWith((clock) =>
      clock.currentTimeMillisUnsafe() + call.deadlines.minAttemptMillis > call.deadlines.live
        ? Effect.fail(new DeadlineExceeded({ total: Duration.millis(policy.totalMillis) }))
        : Effect.catch(attempt(call), (error) => {
          const next = again(call, error)
          return "provider" in error ? Effect.andThen(react(error), next) : next
        })
    )

  const live = (call: Call): Effect.Effect<AiAnswer, LiveError> =>
    Effect.onExit(Effect.tap(Effect.catchDefect(attempts(call), survived), answered), (exit) => {
      const { evidence } = call
      // The caller's interruption is nobody's failure.
      if (evidence === undefined || (Exit.isFailure(exit) && Exit.hasInterrupts(exit))) return Effect.void
      return breaker.settle(key, evidence.admission, evidence.outcome)
    })

  return {
    live,
    /** What the last attempt failed with; none after one that succeeded. */
    lastError: Effect.sync(() => lastError)
  }
}
