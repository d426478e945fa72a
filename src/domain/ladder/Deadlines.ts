/** How one call's time is shared out: queue, attempts, and a part kept back for the fallback. Pure. */

export interface TimePolicy {
  /** From the request to the answer, whatever it is. */
  readonly totalMillis: number
  /** The longest that one attempt may take. */
  readonly attemptMillis: number
}

/** Moments of one call, in milliseconds since the epoch, and the least time worth starting an attempt with. */
export interface Deadlines {
  /** When the live step must have ended. What comes after is the fallback's. */
  readonly live: number
  readonly total: number
  readonly minAttemptMillis: number
}

/** A tenth of the whole is kept for the fallback, at most a second. */
export const deadlinesFrom = (policy: TimePolicy, now: number): Deadlines => ({
  live: now + policy.totalMillis - Math.min(1_000, policy.totalMillis / 10),
  total: now + policy.totalMillis,
  minAttemptMillis: Math.min(250, policy.totalMillis / 10, policy.attemptMillis)
})

/**
 * How long an attempt that starts now may take, and whether our own queue has shortened it: then a timeout says
 * nothing of the provider.
 */
export const attemptTime = (
  policy: TimePolicy,
  deadlines: Deadlines,
  now: number,
  waitedMillis: number
): { readonly millis: number; readonly shortened: boolean } => {
  const left = deadlines.live - now
  const millis = Math.min(policy.attemptMillis, left)
  return { millis, shortened: millis < Math.min(policy.attemptMillis, left + waitedMillis) }
}
