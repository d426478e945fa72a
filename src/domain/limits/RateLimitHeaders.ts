/** Reads what a provider says of its own limits in `x-ratelimit-*` and `anthropic-ratelimit-*` headers. Pure. */
import { maxRetryAfterMillis } from "../ladder/ErrorTable.ts"

/** What is left of one limit. */
export interface ProviderLimit {
  /** How many fit into the provider's window altogether. */
  readonly limit?: number | undefined
  readonly remaining?: number | undefined
  /** When the provider starts to count anew, in milliseconds since the epoch; at most an hour ahead. */
  readonly resetAt?: number | undefined
}

/** What a provider's `x-ratelimit-*` headers say. */
export interface ProviderLimits {
  readonly requests?: ProviderLimit | undefined
  readonly tokens?: ProviderLimit | undefined
}

/** `undefined` when the headers say nothing readable. Names are in lower case; `now` is milliseconds since the epoch. */
export const parseRateLimitHeaders = (
  headers: Readonly<Record<string, string | undefined>>,
  now: number
): ProviderLimits | undefined => {
  const requests = limitOf(headers, "requests", now)
  const tokens = limitOf(headers, "tokens", now)
  return requests === undefined && tokens === undefined ? undefined : { requests, tokens }
}

const limitOf = (
  headers: Readonly<Record<string, string | undefined>>,
  kind: "requests" | "tokens",
  now: number
): ProviderLimit | undefined => {
  const read = (what: "limit" | "remaining" | "reset") =>
    headers[`x-ratelimit-${what}-${kind}`] ?? headers[`anthropic-ratelimit-${kind}-${what}`]
  const limit = parseCount(read("limit"))
  const remaining = parseCount(read("remaining"))
  const resetAt = parseReset(read("reset"), now)
  return limit === undefined && remaining === undefined && resetAt === undefined
    ? undefined
    : { limit, remaining, resetAt }
}

const parseCount = (header: string | undefined): number | undefined => {
  const value = header?.trim() ?? ""
  return /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

const unitMillis: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** "12ms", "1s", "6m0s", "1h2m3s", "0.5" (seconds), or an ISO date. */
const parseReset = (header: string | undefined, now: number): number | undefined => {
  const value = header?.trim().toLowerCase() ?? ""
  if (value === "" || value.length > 40) return undefined
  const millis = /^\d{4}-\d\d-\d\dt/.test(value) ? Date.parse(value) - now : durationMillis(value)
  return Number.isFinite(millis) ? now + Math.min(Math.max(0, millis), maxRetryAfterMillis) : undefined
}

const durationMillis = (value: string): number => {
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1_000
  if (!/^(\d+(\.\d+)?(ms|d|h|m|s))+$/.test(value)) return Number.NaN
  let sum = 0
  for (const [, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ms|d|h|m|s)/g)) {
    sum += Number(amount) * (unitMillis[unit ?? ""] ?? Number.NaN)
  }
  return sum
}
