/** When a callback is tried again: soon at first, then more and more rarely, for about a day. Pure. */

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** The waits after the first attempt, the second one, and so on. */
const waits: ReadonlyArray<number> = [
  5 * second,
  30 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  8 * hour,
  8 * hour
]

/** All attempts at one callback, the first included. */
export const maxCallbackAttempts = waits.length + 1

/** As much earlier or later, as a share of the wait: what failed together is not to come back together. */
const jitter = 0.1

/** The longest that a receiver can put us off, in milliseconds. */
const maxRetryAfterMillis = hour

/**
 * How long to wait for the next attempt, in milliseconds; `undefined`: give up. `attempts`: made so far, 1 after the
 * first. `random`: in [0, 1). `retryAfterMillis`: what the receiver asked for; it makes no wait shorter.
 */
export const nextCallbackIn = (attempts: number, random: number, retryAfterMillis = 0): number | undefined => {
  const wait = waits[attempts - 1]
  if (wait === undefined) return undefined
  const jittered = Math.round(wait * (1 - jitter + 2 * jitter * random))
  return Math.max(jittered, Math.min(retryAfterMillis, maxRetryAfterMillis))
}
