/**
 * What the provider itself has said is left, until it starts to count anew. Whoever else uses the same key is in its
 * count and not in ours, so the smaller of both is kept. Pure; times are milliseconds since the epoch.
 */
import type { ProviderLimit, ProviderLimits } from "./RateLimitHeaders.ts"

interface Left {
  readonly amount: number
  readonly until: number
}

export interface Allowance {
  readonly requests: Left | undefined
  readonly tokens: Left | undefined
  /** The place, in the order of starts, of the attempt that was told. */
  readonly told: number
}

export const unknown: Allowance = { requests: undefined, tokens: undefined, told: -1 }

export const earliest = (allowance: Allowance, now: number, tokens: number): number => {
  const { requests } = allowance
  const byRequests = requests !== undefined && requests.amount < 1 ? requests.until : now
  const held = allowance.tokens
  // One that is larger than all that is left may be larger than the limit itself: it waits for the reset, no longer.
  const byTokens = held !== undefined && (held.amount <= 0 || held.amount < tokens) ? held.until : now
  return Math.max(now, byRequests, byTokens)
}

export const started = (allowance: Allowance, now: number, tokens: number): Allowance => {
  if (allowance.requests === undefined && allowance.tokens === undefined) return allowance
  return { ...allowance, requests: take(allowance.requests, now, 1), tokens: take(allowance.tokens, now, tokens) }
}

/** Later attempts know more than earlier ones, in whatever order their answers come. */
export const learn = (allowance: Allowance, limits: ProviderLimits, place: number, now: number): Allowance => {
  if (place < allowance.told) return allowance
  return {
    requests: leftOf(limits.requests, now) ?? allowance.requests,
    tokens: leftOf(limits.tokens, now) ?? allowance.tokens,
    told: place
  }
}

const take = (left: Left | undefined, now: number, amount: number): Left | undefined =>
  left === undefined || left.until <= now ? undefined : { ...left, amount: left.amount - amount }

const leftOf = (limit: ProviderLimit | undefined, now: number): Left | undefined =>
  limit?.remaining === undefined || limit.resetAt === undefined || limit.resetAt <= now
    ? undefined
    : { amount: limit.remaining, until: limit.resetAt }
