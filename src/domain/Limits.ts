/**
 * When attempts at a provider may start: requests and tokens per minute, and the cooldown after a 429. Pure; how many
 * run at the same time is the limiter's semaphore.
 *
 * A reservation is made in the order of arrival and never overtaken. All times are milliseconds since the epoch.
 */

export interface LimitPolicy {
  readonly requestsPerMinute?: number | undefined
  readonly tokensPerMinute?: number | undefined
  /** After a cooldown, this many attempts go out one by one instead of all at once. */
  readonly staggered: number
  /** The distance between them. */
  readonly staggerMillis: number
}

export interface Reservation {
  /** When the attempt may start. */
  readonly at: number
  readonly tokens: number
}

export interface LimitState {
  /** The reservations of the last minute and of the future, in order of their time. */
  readonly reservations: ReadonlyArray<Reservation>
  readonly cooldownUntil: number
  /** Attempts still to be released one by one after the cooldown. */
  readonly staggerLeft: number
}

/** A provider may count a window with both of its ends, so equal distances are kept a millisecond longer. */
const windowMillis = 60_001

export const initial: LimitState = { reservations: [], cooldownUntil: 0, staggerLeft: 0 }

/**
 * When the next attempt may start, if `ahead` others that wait already are served first (each costing as much).
 * Always `now` or later.
 */
export const earliest = (policy: LimitPolicy, state: LimitState, now: number, tokens: number, ahead = 0): number => {
  const last = state.reservations.at(-1)
  const cooled = state.staggerLeft > 0 && last !== undefined && last.at >= state.cooldownUntil
    ? last.at + policy.staggerMillis
    : state.cooldownUntil
  return Math.max(
    now,
    last?.at ?? 0,
    cooled,
    requestsAllow(policy.requestsPerMinute, state.reservations, now, ahead),
    tokensAllow(policy.tokensPerMinute, state.reservations, tokens * (ahead + 1))
  )
}

/** Whether attempts may go without being counted: no limit per minute, and no cooldown in force or just over. */
export const isOpen = (policy: LimitPolicy, state: LimitState, now: number): boolean =>
  policy.requestsPerMinute === undefined && policy.tokensPerMinute === undefined && state.staggerLeft === 0 &&
  state.cooldownUntil <= now

/** Books the next attempt. */
export const reserve = (
  policy: LimitPolicy,
  state: LimitState,
  now: number,
  tokens: number
): readonly [Reservation, LimitState] => {
  const at = earliest(policy, state, now, tokens)
  const reservation: Reservation = { at, tokens }
  return [reservation, {
    reservations: [...state.reservations.filter((past) => past.at > now - windowMillis), reservation],
    cooldownUntil: state.cooldownUntil,
    staggerLeft: at >= state.cooldownUntil ? Math.max(0, state.staggerLeft - 1) : state.staggerLeft
  }]
}

/** Gives back what was booked for an attempt that was never made. */
export const refund = (state: LimitState, reservation: Reservation): LimitState => ({
  ...state,
  reservations: state.reservations.filter((other) => other !== reservation)
})

/** After a 429: nobody starts before `until`, and then one by one. Never shortens a cooldown. */
export const coolDown = (policy: LimitPolicy, state: LimitState, until: number): LimitState =>
  until <= state.cooldownUntil ? state : { ...state, cooldownUntil: until, staggerLeft: policy.staggered }

const requestsAllow = (
  limit: number | undefined,
  reservations: ReadonlyArray<Reservation>,
  now: number,
  ahead: number
): number => {
  if (limit === undefined) return 0
  // An attempt follows the one `limit` places before it by a window. That one may be waiting too, and so on back to
  // one that is booked already, or that can go at once.
  let place = reservations.length + ahead - limit
  const laps = Math.max(0, Math.ceil((place - reservations.length + 1) / limit))
  place -= laps * limit
  const held = reservations[place]
  return held === undefined ? (laps === 0 ? 0 : now + laps * windowMillis) : held.at + (laps + 1) * windowMillis
}

const tokensAllow = (
  limit: number | undefined,
  reservations: ReadonlyArray<Reservation>,
  tokens: number
): number => {
  if (limit === undefined) return 0
  // An attempt that alone is over the limit can only go when nothing else is in the window.
  let free = limit - Math.min(tokens, limit)
  for (let i = reservations.length - 1; i >= 0; i--) {
    const held = reservations[i]
    if (held === undefined) continue
    free -= held.tokens
    if (free < 0) return held.at + windowMillis
  }
  return 0
}
