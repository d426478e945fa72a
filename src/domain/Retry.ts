/** Whether and when a failed attempt is made again. Pure. */
import type { LiveError } from "./errors.ts"
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
}

/**
 * How long to wait before the next attempt, in milliseconds; `undefined` for none: go to the fallback at once.
 * The wait is full jitter from the base delay, or the provider's `Retry-After` when that is longer.
 */
export const nextAttemptIn = (policy: RetryPolicy, failed: FailedAttempt): number | undefined => {
  if (!isRetryable(failed.error) || failed.attempts >= policy.maxAttempts) return undefined
  const jittered = failed.random * policy.baseDelayMillis * 2 ** (failed.attempts - 1)
  const wait = Math.ceil(Math.max(jittered, retryAfterMillisOf(failed.error)))
  return wait + failed.minAttemptMillis <= failed.remainingMillis ? wait : undefined
}
