/**
 * Writes the `RateLimit-Policy` and `RateLimit` fields (draft-ietf-httpapi-ratelimit-headers-11) for a caller's limits.
 * Pure; `now` is in milliseconds since the epoch.
 */
import type { CallerLimits, CallerPolicy } from "./CallerLimits.ts"

/** Its quotas, as in `"minute";q=60;w=60, "concurrency";q=4;qu="concurrent-requests"`. */
export const policyField = ({ concurrency, requestsPerMinute }: CallerPolicy): string =>
  [
    ...requestsPerMinute === undefined ? [] : [`"minute";q=${requestsPerMinute};w=60`],
    ...concurrency === undefined ? [] : [`"concurrency";q=${concurrency};qu="concurrent-requests"`]
  ].join(", ")

/**
 * What is left of them, as in `"minute";r=42;t=18, "concurrency";r=3`. `t` is when the minute has room for one more,
 * for it is a sliding one; when requests in flight end is not known, so there is no `t`.
 */
export const standingField = (limits: CallerLimits, now: number): string => {
  const fields: Array<string> = []
  if (limits.policy.requestsPerMinute !== undefined) {
    const { left, moreAt } = limits.minute(now)
    fields.push(`"minute";r=${left};t=${moreAt === undefined ? 60 : Math.min(60, Math.ceil((moreAt - now) / 1_000))}`)
  }
  if (limits.policy.concurrency !== undefined) {
    fields.push(`"concurrency";r=${limits.policy.concurrency - limits.running}`)
  }
  return fields.join(", ")
}
