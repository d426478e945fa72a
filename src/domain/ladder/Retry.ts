/** Whether and when a failed attempt is made again. Pure. */
import type { LiveError } from "../errors.ts"
import { isRetryable, retryAfterMillisOf } from "./ErrorTable.ts"

export interface RetryPolicy {
  /** All attempts of one call together, the first included. */
  readonly maxAttempts: number
  /** The upper bound of the first wait; it doubles with each attempt. */
  readonly baseDelayMillis: number
}

export interface FailedAttempt {
  readonly error: LiveError
  /** Attempts made so far, 1 after the first. */
  readonly attempts: number
  /** In [0, 1). */
  readonly random: number
  /** What is left until the deadline of the live step, in milliseconds. */
  readonly remainingMillis: number
  /** The least time that an attempt needs to be worth starting, in milliseconds. */
  readonly minAttemptMillis: number
  /** Somebody else can be asked at once, or it can be asked again later: then nobody waits longer than the backoff. */
  readonly hasNext: boolean
}

/**
 * How long to wait before the next attempt at the same provider, in milliseconds; `undefined` for none: go on to the
 * next provider or the fallback at once. The wait is full jitter from the base delay, or the provider's `Retry-After`
 * when that is longer.
 */
export const nextAttemptIn = (policy: RetryPolicy, failed: FailedAttempt): number | undefined => {
  const { attempts, error, hasNext } = failed
  if (!isRetryable(error) || attempts >= policy.maxAttempts) return undefined
  // A timeout has cost its time already; what is left belongs to the next provider.
  if (hasNext && error._tag === "AiTimeout") return undefined
  const backoff = policy.baseDelayMillis * 2 ** (attempts - 1)
  const wait = Math.ceil(Math.max(failed.random * backoff, retryAfterMillisOf(error)))
  if (hasNext && wait > backoff) return undefined
  return wait + failed.minAttemptMillis <= failed.remainingMillis ? wait : undefined
}
