/** One provider's part of the live step: attempts, gated by its circuit and its limits, with retries on a budget. */
import { Cause, Clock, Duration, Effect, Exit, Metric, Random } from "effect"
import { type AiAnswer, type AiRequest, estimateTokens } from "../../domain/Ai.ts"
import type { Admission } from "../../domain/circuit/Circuit.ts"
import {
  type AiError,
  AiTimeout,
  AiUnavailable,
  type CircuitOpen,
  DeadlineExceeded,
  type LimitExceeded,
  type LiveError
} from "../../domain/errors.ts"
import type { GenerationRequest } from "../../domain/Generation.ts"
import { attemptTime, type Deadlines } from "../../domain/ladder/Deadlines.ts"
import { nextAttemptIn, type RetryPolicy } from "../../domain/ladder/Retry.ts"
import * as RetryBudget from "../../domain/ladder/RetryBudget.ts"
import type { CircuitBreaker } from "../CircuitBreaker.ts"
import type { AttemptFeedback, Permit } from "../limiter/RateLimiterApi.ts"
import type { Provider } from "../Providers.ts"
import type { RateLimiter } from "../RateLimiter.ts"
import { errorTypeOf } from "../telemetry/failures.ts"
import { makeChatTelemetry } from "../telemetry/genAi.ts"
import { askSpan, withTracedPermit } from "../telemetry/ladderSpans.ts"
import { spanEvent } from "../telemetry/spans.ts"
import { type Evidence, makeBooking, noEvidence } from "./Booking.ts"
import { makeStreamStep, type StreamSink, type StreamTimes } from "./StreamStep.ts"

export interface LivePolicy extends StreamTimes, RetryPolicy {
  readonly retryBudget: RetryBudget.RetryBudgetPolicy
}

export interface Gates {
  readonly breaker: CircuitBreaker["Service"]
  readonly limiter: RateLimiter["Service"]
}

/** One call on its way down the ladder: what must be known of it wherever it ends. */
export interface Call {
  readonly request: GenerationRequest
  readonly deadlines: Deadlines
  /** Attempts that reached a provider, whichever. */
  attempts: number
  /** Where the answer goes in pieces; absent: it is wanted as a whole. */
  readonly sink?: StreamSink | undefined
  /** Nobody waits for it: it goes behind those who do, and comes back later rather than wait. */
  readonly isBackground?: boolean | undefined
}

/** The part of a call that one provider sees. */
interface Run {
  readonly call: Call
  /** What this provider is asked. */
  readonly request: AiRequest
  /** Another provider can be asked after this one. */
  readonly hasNext: boolean
  /** Attempts that reached this provider. */
  attempts: number
  readonly evidence: Evidence
}

/** A metric of its own for each, for `Metric.withAttributes` takes longer than the update. */
const attemptCount = (provider: string, result: string) =>
  Metric.counter("understudy_attempts_total", {
    description: "Attempts that reached a provider, by how they ended",
    incremental: true,
    attributes: { provider, result }
  })
const retryCount = Metric.counter("understudy_retries_total", {
  description: "Attempts made again; verdict denied: the retry budget was used up",
  incremental: true
})

export interface ProviderStep {
  readonly provider: string
  readonly takesTextOnly: boolean
  /** Asks this provider, once or again. `hasNext`: another one can be asked after it. */
  readonly ask: (call: Call, hasNext: boolean) => Effect.Effect<AiAnswer, LiveError>
  /** What the last attempt failed with; none after one that succeeded. */
  readonly lastError: Effect.Effect<AiError | undefined>
}

const notSent = { congested: false, sent: false }

/** It waits no longer than for a permit that is about to come back, or that is its own by the reserve. */
const background = { priority: "background", patienceMillis: 2_000 } as const

/** What an attempt has shown of the provider's limits. */
const feedbackOf = (
  exit: Exit.Exit<AiAnswer, AiError>,
  answeredMillis: number | undefined
): AttemptFeedback => {
  if (Exit.isSuccess(exit)) {
    const { limits, usage } = exit.value
    return { congested: false, usedTokens: usage && usage.inputTokens + usage.outputTokens, limits, answeredMillis }
  }
  const error = Cause.findErrorOption(exit.cause)
  const congested = error._tag === "Some" && ["AiRateLimited", "AiTimeout"].includes(error.value._tag)
  return { congested, answeredMillis }
}

/**
 * Composes the step over its gates. Only the first provider knows the models that a request may name; the others are
 * asked for their own. Each function below shows in its type what can still go wrong after it. */
export const makeProviderStep = (
  provider: Provider,
  { breaker, limiter }: Gates,
  ladderPolicy: LivePolicy,
  isFirst: boolean
): ProviderStep => {
  const { attemptTimeout, client } = provider
  const key = client.provider
  const policy = attemptTimeout === undefined
    ? ladderPolicy
    : { ...ladderPolicy, attemptMillis: Duration.toMillis(attemptTimeout) }
  const wholeAttempt = Duration.millis(policy.attemptMillis)
  let lastError: AiError | undefined
  let budget = RetryBudget.initial

  const counted = (result: string) => Metric.update(attemptCount(key, result), 1)
  const succeeded = counted("success")
  const answered = Effect.suspend(() => {
    lastError = undefined
    return succeeded
  })
  const retried = (verdict: "made" | "denied") =>
    Metric.update(Metric.withAttributes(retryCount, { provider: key, verdict }), 1)

  const inPieces = makeStreamStep(client, policy)
  const booking = makeBooking(breaker, key)
  const telemetry = makeChatTelemetry(provider)
  const withPermit = withTracedPermit(limiter)

  /** The first piece of a stream: a probe has shown what it was to show. */
  const noticing = (run: Run, sink: StreamSink, admission: Admission): StreamSink => ({
    ...sink,
    emit: (pieces) =>
      run.evidence.firstPieceAt === undefined
        ? Effect.andThen(booking.streamBegan(run.evidence, admission), Effect.suspend(() => sink.emit(pieces)))
        : sink.emit(pieces)
  })

  const answeredMillis = ({ evidence: { firstPieceAt } }: Run, { startedAt }: Permit): number | undefined =>
    firstPieceAt === undefined ? undefined : firstPieceAt - startedAt

  /** The provider's call, bounded in time: as a whole to the last byte of its body, in pieces to each next one. */
  const timed = (run: Run, permit: Permit, admission: Admission): Effect.Effect<AiAnswer, AiError> =>
    Clock.clockWith((clock) => {
      const now = clock.currentTimeMillisUnsafe()
      const { call, request } = run
      const { waitedMillis } = permit
      if (call.sink !== undefined) {
        return inPieces(noticing(run, call.sink, admission), request, {
          deadlines: call.deadlines,
          startedAt: now,
          waitedMillis
        })
      }
      const time = attemptTime(policy, call.deadlines, now, waitedMillis)
      const after = time.millis === policy.attemptMillis ? wholeAttempt : Duration.millis(time.millis)
      return Effect.timeoutOrElse(client.generate(request), {
        duration: after,
        orElse: () => Effect.fail(new AiTimeout({ provider: key, after, shortened: time.shortened }))
      })
    })

  /** The same, where spans are read. */
  const shown = (run: Run, permit: Permit, admission: Admission): Effect.Effect<AiAnswer, AiError> =>
    telemetry.span({
      request: run.request,
      startedAt: permit.startedAt,
      attempt: run.call.attempts,
      isProbe: admission.probe,
      isStream: run.call.sink !== undefined,
      firstPieceAt: () => run.evidence.firstPieceAt
    }, timed(run, permit, admission))

  /** What a failed attempt asks for beside the circuit: a pause after a 429, an operator for a wrong key. */
  const react = (error: AiError): Effect.Effect<void> => {
    const isNews = lastError?._tag !== error._tag
    lastError = error
    const count = counted(error._tag)
    switch (error._tag) {
      case "AiRateLimited":
        return Effect.andThen(count, limiter.coolDown(key, error.retryAfter))
      case "AiUnauthorized":
        // It stays so until an operator acts: said once, not once for each request.
        return isNews ? Effect.andThen(count, Effect.logError(error.message)) : count
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

  const admitted = (run: Run, permit: Permit): Effect.Effect<AiAnswer, AiError | CircuitOpen> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.matchEffect(breaker.admit(key), {
        onFailure: (error) => Effect.andThen(limiter.report(key, permit, notSent), Effect.fail(error)),
        onSuccess: (admission) => {
          run.attempts += 1
          run.call.attempts += 1
          return Effect.onExit(restore(shown(run, permit, admission)), (exit) =>
            Effect.andThen(
              Effect.andThen(
                booking.attemptEnded(run.evidence, admission, exit),
                limiter.report(key, permit, feedbackOf(exit, answeredMillis(run, permit)))
              ),
              telemetry.count(run.request, permit.startedAt, exit)
            ))
        }
      })
    )

  const attempt = (run: Run, now: number): Effect.Effect<AiAnswer, AiError | CircuitOpen | LimitExceeded> => {
    const { deadlines, request } = run.call
    return Effect.andThen(
      breaker.check(key),
      withPermit({
        key,
        namespace: request.namespace,
        // With another provider to ask, nobody waits here for long.
        deadline: run.hasNext
          ? Math.min(deadlines.live, now + deadlines.minAttemptMillis + policy.baseDelayMillis)
          : deadlines.live,
        minAttemptMillis: deadlines.minAttemptMillis,
        tokens: estimateTokens(request.chat?.transcript ?? request.prompt) + request.maxTokens,
        ...run.call.isBackground === true && background
      }, (permit) => admitted(run, permit))
    )
  }

  const again = (run: Run, error: LiveError): Effect.Effect<AiAnswer, LiveError> => {
    if (run.call.sink?.hasBegun() === true || run.call.request.call?.isOnce === true) return Effect.fail(error)
    return Effect.flatMap(Random.next, (random) =>
      Clock.clockWith((clock) => {
        const now = clock.currentTimeMillisUnsafe()
        const wait = nextAttemptIn(policy, {
          error,
          attempts: run.attempts,
          random,
          remainingMillis: run.call.deadlines.live - now,
          minAttemptMillis: run.call.deadlines.minAttemptMillis,
          hasNext: run.hasNext || run.call.isBackground === true
        })
        if (wait === undefined) return Effect.fail(error)
        // A circuit that has opened meanwhile would reject the attempt after the wait; and its reason is not the cause.
        return Effect.matchEffect(breaker.check(key), {
          onFailure: () => Effect.fail(error),
          onSuccess: () => spend(run, error, now, wait)
        })
      }))
  }

  const spend = (run: Run, error: LiveError, now: number, wait: number): Effect.Effect<AiAnswer, LiveError> => {
    const spent = RetryBudget.spendRetry(policy.retryBudget, budget, now)
    const told = (verdict: "made" | "denied") =>
      Effect.andThen(
        retried(verdict),
        spanEvent("understudy.retry", () => ({
          "understudy.retry.verdict": verdict,
          "understudy.retry.wait_ms": verdict === "made" ? Math.round(wait) : undefined,
          "error.type": errorTypeOf(error)
        }))
      )
    if (spent === undefined) return Effect.andThen(told("denied"), Effect.fail(error))
    budget = spent
    return Effect.andThen(told("made"), Effect.delay(attempts(run), wait))
  }

  const attempts = (run: Run): Effect.Effect<AiAnswer, LiveError> =>
    Clock.clockWith((clock) => {
      const now = clock.currentTimeMillisUnsafe()
      const { live, minAttemptMillis } = run.call.deadlines
      if (now + minAttemptMillis > live) {
        return Effect.fail(new DeadlineExceeded({ total: Duration.millis(policy.totalMillis) }))
      }
      return Effect.catch(attempt(run, now), (error) => {
        const next = again(run, error)
        return "provider" in error ? Effect.andThen(react(error), next) : next
      })
    })

  return {
    provider: key,
    takesTextOnly: client.takesTextOnly === true,
    lastError: Effect.sync(() => lastError),
    ask: (call, hasNext) =>
      Clock.clockWith((clock) => {
        budget = RetryBudget.countCall(budget, clock.currentTimeMillisUnsafe())
        const { call: own, chat, maxTokens, model, prompt } = call.request
        const request = { prompt, maxTokens, chat, call: own, model: isFirst ? model : undefined }
        const run: Run = { call, request, hasNext, attempts: 0, evidence: noEvidence() }
        const asked = Effect.onExit(
          Effect.tap(Effect.catchDefect(attempts(run), survived), answered),
          () => booking.callEnded(run.evidence)
        )
        return askSpan(key, run, asked)
      })
  }
}
