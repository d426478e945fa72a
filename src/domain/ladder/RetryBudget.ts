/**
 * How many retries a provider may see: a share of its recent calls and a small floor, so that an outage is not doubled
 * by retries. Pure.
 */

/** How many retries an outage may cost. */
export interface RetryBudgetPolicy {
  /** Retries per call, over the last minute. */
  readonly ratio: number
  /** Retries per minute that are always allowed. */
  readonly floor: number
}

export const defaultRetryBudget: RetryBudgetPolicy = { ratio: 0.2, floor: 10 }

/** What happened in one tenth of a minute. */
interface Bucket {
  readonly since: number
  readonly calls: number
  readonly retries: number
}

/** The last minute, oldest first. */
export type RetryBudgetState = ReadonlyArray<Bucket>

export const initial: RetryBudgetState = []

const bucketMillis = 6_000
const windowMillis = 60_000

const add = (state: RetryBudgetState, now: number, calls: number, retries: number): RetryBudgetState => {
  const last = state.at(-1)
  if (last !== undefined && now - last.since < bucketMillis) {
    return [...state.slice(0, -1), { since: last.since, calls: last.calls + calls, retries: last.retries + retries }]
  }
  return [...state.filter(({ since }) => now - since < windowMillis), { since: now, calls, retries }]
}

/** Counts a call, which earns a part of a retry. */
export const countCall = (state: RetryBudgetState, now: number): RetryBudgetState => add(state, now, 1, 0)

/** The state after one more retry, or `undefined` when the budget is used up. */
export const spendRetry = (
  policy: RetryBudgetPolicy,
  state: RetryBudgetState,
  now: number
): RetryBudgetState | undefined => {
  let calls = 0
  let retries = 0
  for (const bucket of state) {
    if (now - bucket.since >= windowMillis) continue
    calls += bucket.calls
    retries += bucket.retries
  }
  return retries + 1 > Math.max(policy.floor, policy.ratio * calls) ? undefined : add(state, now, 0, 1)
}
