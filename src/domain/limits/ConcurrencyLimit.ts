/**
 * How many attempts may run at the same time: additive increase, multiplicative decrease (as TCP does it), between 1
 * and the configured maximum. Pure.
 */

export interface ConcurrencyLimit {
  /** Grows by fractions; what counts is its whole part. */
  readonly exact: number
  /** When it was last lowered, in milliseconds since the epoch. */
  readonly loweredAt: number
}

export interface AttemptSignal {
  /** The provider had enough: a 429, or no answer in time. */
  readonly congested: boolean
  readonly startedAt: number
  readonly now: number
  /** How long an attempt usually takes. */
  readonly typicalMillis: number
}

/** One 429 of many that a burst brings must not cost more than one cut. */
const cut = 0.6

export const initial = (maximum: number): ConcurrencyLimit => ({
  exact: Math.max(1, maximum),
  loweredAt: Number.NEGATIVE_INFINITY
})

export const current = (limit: ConcurrencyLimit): number => Math.floor(limit.exact)

/**
 * A success adds its share, so that as many successes as the limit allows at once raise it by one. A cut waits until
 * the last one has shown its effect: attempts that started before it say nothing of it.
 */
export const learn = (limit: ConcurrencyLimit, maximum: number, signal: AttemptSignal): ConcurrencyLimit => {
  if (!signal.congested) {
    return limit.exact >= maximum
      ? limit
      : { ...limit, exact: Math.min(maximum, limit.exact + 1 / limit.exact) }
  }
  const isNews = signal.startedAt > limit.loweredAt && signal.now - limit.loweredAt >= signal.typicalMillis
  return isNews ? { exact: Math.max(1, limit.exact * cut), loweredAt: signal.now } : limit
}
