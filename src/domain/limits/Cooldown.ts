/**
 * The pause that a 429 asks for, and the way out of it: nobody starts before it is over, and then one by one until the
 * provider has shown that it is well again. Pure; times are milliseconds since the epoch.
 */

export interface Cooldown {
  readonly until: number
  /** Attempts still to be released one by one. */
  readonly staggerLeft: number
  /** The distance between them. */
  readonly staggerMillis: number
  /** When the next of them may start. */
  readonly nextAt: number
}

export interface Stagger {
  /** This many attempts go out one by one. */
  readonly count: number
  readonly millis: number
}

export const none: Cooldown = { until: 0, staggerLeft: 0, staggerMillis: 0, nextAt: 0 }

/** When an attempt may start that `ahead` others precede. */
export const earliest = (cooldown: Cooldown, now: number, ahead = 0): number => {
  const { nextAt, staggerLeft, staggerMillis, until } = cooldown
  if (staggerLeft === 0) return Math.max(now, until)
  return Math.max(now, until, nextAt) + Math.min(ahead, staggerLeft - 1) * staggerMillis
}

/**
 * Never shortens one that is in force. All the stagger together lasts no longer than the pause itself: a provider that
 * says "come back at once" must not slow anybody.
 */
export const begin = (cooldown: Cooldown, now: number, until: number, stagger: Stagger): Cooldown => {
  if (until <= cooldown.until) return cooldown
  const staggerMillis = Math.min(stagger.millis, Math.floor((until - now) / stagger.count))
  return { until, staggerMillis, staggerLeft: staggerMillis > 0 ? stagger.count : 0, nextAt: until }
}

/** An attempt starts. Long after the pause, nothing is left to be staggered. */
export const started = (cooldown: Cooldown, now: number): Cooldown => {
  const { staggerLeft, staggerMillis, until } = cooldown
  if (staggerLeft === 0) return cooldown
  const isLongOver = now >= until + staggerMillis * (staggerLeft + 1) * 2
  return isLongOver
    ? { ...cooldown, staggerLeft: 0 }
    : { ...cooldown, staggerLeft: staggerLeft - 1, nextAt: now + staggerMillis }
}

/** An attempt that started at this time found the provider well: after the pause, that ends the stagger. */
export const calmed = (cooldown: Cooldown, startedAt: number): Cooldown =>
  cooldown.staggerLeft > 0 && startedAt >= cooldown.until ? { ...cooldown, staggerLeft: 0 } : cooldown
