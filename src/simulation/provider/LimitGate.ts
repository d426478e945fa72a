/** What a provider allows per minute, and what it does with whoever does not keep to it. */
import type { LimitModel } from "./ProviderModel.ts"

const minuteMillis = 60_000

/** `"ok"`, or why the call is not served and when it may come again; `bans`: this call was one too many. */
export type Verdict =
  | "ok"
  | {
    readonly limitedBy: "limit" | "ban"
    readonly retryAfterMillis: number | undefined
    readonly bans: boolean
  }

/** Looks at calls in the order of their time. A minute is any minute, not that of the clock. */
export const makeLimitGate = (limits: LimitModel) => {
  /** Times within the last minute, oldest first. */
  const served = makeLastMinute()
  const refused = makeLastMinute()
  let bannedUntil = -Infinity

  const refuse = (atMillis: number, ban: NonNullable<LimitModel["ban"]>): Verdict => {
    const isBanned = atMillis < bannedUntil
    if (!isBanned || ban.renews === true) refused.add(atMillis)
    const isTooMany = refused.countAt(atMillis) >= ban.rejections
    if (isTooMany && (!isBanned || ban.renews === true)) bannedUntil = atMillis + ban.millis
    return isBanned || isTooMany
      ? { limitedBy: "ban", retryAfterMillis: bannedUntil - atMillis, bans: !isBanned }
      : { limitedBy: "limit", retryAfterMillis: limits.retryAfterMillis, bans: false }
  }

  return (atMillis: number): Verdict => {
    if (atMillis >= bannedUntil && served.countAt(atMillis) < limits.requestsPerMinute) {
      served.add(atMillis)
      return "ok"
    }
    return limits.ban === undefined
      ? { limitedBy: "limit", retryAfterMillis: limits.retryAfterMillis, bans: false }
      : refuse(atMillis, limits.ban)
  }
}

const makeLastMinute = () => {
  let times: Array<number> = []
  let first = 0
  return {
    add: (atMillis: number) => void times.push(atMillis),
    countAt: (atMillis: number): number => {
      while (first < times.length && (times[first] ?? 0) <= atMillis - minuteMillis) first++
      if (first > 1_000) {
        times = times.slice(first)
        first = 0
      }
      return times.length - first
    }
  }
}
