/** What goes into the limiter and what comes out of it. */
import type { Duration, Effect } from "effect"
import type { LimitExceeded } from "../../domain/errors.ts"
import type { Namespace } from "../../domain/Generation.ts"
import type { Charge, MinutePolicy } from "../../domain/limits/MinuteWindow.ts"
import type { ProviderLimits } from "../../domain/limits/RateLimitHeaders.ts"

/** What one provider allows. */
export interface RateLimiterOptions extends MinutePolicy {
  /** Attempts at one provider at the same time, at most. Default 8. */
  readonly concurrency?: number | undefined
  /** Callers that may wait; the next one is refused. Default 64. */
  readonly queue?: number | undefined
  /** Of the starts, what the background gets at least while it wants some; between 0 and 1. Default a tenth. */
  readonly backgroundReserve?: number | undefined
  /** The part of the permits, and of the places in the room, that it has at most; at least one. Default a half. */
  readonly backgroundShare?: number | undefined
  readonly requestsPerMinute?: number | undefined
  /** Counted as estimated before the attempt (the prompt's tokens and the whole of `maxTokens`) until it is reported. */
  readonly tokensPerMinute?: number | undefined
  /** The cooldown after a 429 that names no time; doubles with each in a row, up to a minute. Default 1 second. */
  readonly cooldown?: Duration.Input | undefined
  /** The longest distance between the first attempts after a cooldown. Default 50 millis. */
  readonly stagger?: Duration.Input | undefined
}

/** The same limits for every provider, or each its own. */
export type RateLimiterConfig = RateLimiterOptions | ((key: string) => RateLimiterOptions)

/** Somebody waits for the answer, or nobody does: then others go first. */
export type Priority = "interactive" | "background"

/** Who asks for a turn, what it costs, and how long it can be waited for. */
export interface PermitRequest {
  /** Which provider's limits. */
  readonly key: string
  readonly namespace: Namespace
  /** When the caller must have its answer, in milliseconds since the epoch. */
  readonly deadline: number
  /** The least time an attempt needs to be worth starting, in milliseconds. */
  readonly minAttemptMillis: number
  /** What the attempt may cost, in tokens. */
  readonly tokens: number
  /** `background`: behind everybody who waits for an answer, but for a reserve. Default `interactive`. */
  readonly priority?: Priority | undefined
  /**
   * The longest that it waits for its turn, in milliseconds, whatever its deadline allows; absent: no such bound. One of
   * the background whose turn has come by its reserve waits for its permit, though that takes longer.
   */
  readonly patienceMillis?: number | undefined
}

/** The right to make one attempt now. */
export interface Permit {
  /** How long our own limits made the attempt wait, in milliseconds. */
  readonly waitedMillis: number
  /** When the attempt was let go, in milliseconds since the epoch. */
  readonly startedAt: number
  /** Its place in the order of all starts at this provider. */
  readonly place: number
  /** What it takes out of the limits per minute; none where there are no limits. */
  readonly charge?: Charge | undefined
}

/** What an attempt has shown of the provider's limits. */
export interface AttemptFeedback {
  /** The provider had enough: a 429, or no answer in time. */
  readonly congested: boolean
  /** What it really used, in the provider's tokens; the difference to the estimate is given back or charged. */
  readonly usedTokens?: number | undefined
  /** What the provider's headers say. */
  readonly limits?: ProviderLimits | undefined
  /** How long it took to the first piece of a stream, in milliseconds: longer streams are no slower. */
  readonly answeredMillis?: number | undefined
  /** `false`: nothing was sent after all (the circuit had opened meanwhile), so it takes nothing and shows nothing. */
  readonly sent?: boolean | undefined
}

/** How busy one provider's limits are. */
export interface LimiterLoad {
  readonly running: number
  readonly waiting: number
  /** Those of them that are of the background. */
  readonly backgroundWaiting: number
  /** Attempts that may run at the same time now. */
  readonly limit: number
  /** How long nobody starts an attempt because of a 429, in milliseconds. */
  readonly coolingMillis: number
}

/** What a limiter does. */
export interface RateLimiterService {
  /**
   * Runs one attempt when the limits allow it. Refuses at once when the room is full or the wait would miss the
   * deadline, or last longer than the caller's patience. The permit comes back on every exit.
   */
  readonly withPermit: <A, E, R>(
    request: PermitRequest,
    attempt: (permit: Permit) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | LimitExceeded, R>
  /** What an attempt has shown; may be called during it or after it. */
  readonly report: (key: string, permit: Permit, feedback: AttemptFeedback) => Effect.Effect<void>
  /** After a 429: nobody starts an attempt before this time is over, and then one by one. */
  readonly coolDown: (key: string, retryAfter: Duration.Duration | undefined) => Effect.Effect<void>
  /** What is under way and what waits, for readiness, metrics and tests. */
  readonly load: (key: string) => Effect.Effect<LimiterLoad>
}
