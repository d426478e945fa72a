/** Reads a `Retry-After` header (RFC 9110, 10.2.3). Pure. */
import { Duration } from "effect"
import { maxRetryAfterMillis } from "./ErrorTable.ts"

/**
 * Seconds or an HTTP date, capped at one hour; `undefined` when the header is absent or unreadable, so that a garbled
 * header never makes anybody wait. `now` is in milliseconds since the epoch.
 */
export const parseRetryAfter = (header: string | undefined, now: number): Duration.Duration | undefined => {
  const value = header?.trim()
  if (value === undefined || value === "") return undefined
  const millis = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1_000 : dateMillis(value) - now
  return Number.isNaN(millis) ? undefined : Duration.millis(Math.min(Math.max(0, millis), maxRetryAfterMillis))
}

/** Only dates that begin with a weekday, as HTTP writes them: `Date.parse` alone takes nearly anything for a date. */
const dateMillis = (value: string): number => /^[A-Za-z]{3,9},? /.test(value) ? Date.parse(value) : Number.NaN

/** The value of a `Retry-After` header that we send: whole seconds, at least one. */
export const formatRetryAfter = (wait: Duration.Duration): string =>
  String(Math.max(1, Math.ceil(Duration.toSeconds(wait))))
