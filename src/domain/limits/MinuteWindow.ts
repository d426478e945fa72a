/**
 * Requests and tokens per minute: what the last minute's attempts leave for the next one. Deterministic; times are
 * milliseconds since the epoch. Charging takes constant time.
 */

/** What a provider allows in any 60 seconds; what is left out has no limit. */
export interface MinutePolicy {
  readonly requestsPerMinute?: number | undefined
  readonly tokensPerMinute?: number | undefined
}

/** What one attempt takes out of the minute that begins with it. */
export interface Charge {
  readonly at: number
  tokens: number
  /** Neither expired nor given back. */
  counted: boolean
}

/** A provider may count a window with both of its ends, so equal distances are kept a millisecond longer. */
export const windowMillis = 60_001

/** Expired charges are cut off when there are this many. */
const compactAt = 1_024

export class MinuteWindow {
  #requests: number | undefined
  #tokens: number | undefined
  /** In order of time; those before `#first` have expired. */
  #charges: Array<Charge> = []
  #first = 0
  #tokensUsed = 0

  constructor(policy: MinutePolicy) {
    this.#requests = policy.requestsPerMinute
    this.#tokens = policy.tokensPerMinute
  }

  /** From now on; what was charged stays charged. */
  limitTo(policy: MinutePolicy): void {
    this.#requests = policy.requestsPerMinute
    this.#tokens = policy.tokensPerMinute
  }

  get isUnlimited(): boolean {
    return this.#requests === undefined && this.#tokens === undefined
  }

  /**
   * When an attempt could start that `ahead` others precede, which together take `tokensAhead`. Exact when there are
   * none, and as good a guess as can be made otherwise. Always `now` or later.
   */
  earliest(now: number, tokens: number, ahead = 0, tokensAhead = 0): number {
    if (this.isUnlimited) return now
    this.#expire(now)
    return Math.max(now, this.#requestsAllow(now, ahead), this.#tokensAllow(now, tokens, tokensAhead))
  }

  /**
   * When an attempt could start that leaves so many requests and tokens of the minute to others: as much of that as
   * there can be beside it, for an attempt of any size can start when nothing else is in the window.
   */
  sparing(now: number, tokens: number, requests: number, tokensSpared: number): number {
    const besides = Math.max(0, Math.min(requests, (this.#requests ?? 1) - 1))
    const tokensBesides = Math.max(0, Math.min(tokensSpared, (this.#tokens ?? tokens) - tokens))
    return this.earliest(now, tokens, besides, tokensBesides)
  }

  /** Requests that could start now, all at once, and when one more could; `undefined` when none are held back. */
  requestRoom(now: number): { readonly left: number; readonly moreAt: number | undefined } {
    this.#expire(now)
    const held = this.#charges[this.#first]
    return {
      left: Math.max(0, (this.#requests ?? Number.POSITIVE_INFINITY) - (this.#charges.length - this.#first)),
      moreAt: held === undefined ? undefined : held.at + windowMillis
    }
  }

  charge(now: number, tokens: number): Charge {
    // A clock that was set back must not put the charges out of order.
    const charge: Charge = { at: Math.max(now, this.#charges.at(-1)?.at ?? now), tokens, counted: !this.isUnlimited }
    if (!charge.counted) return charge
    this.#charges.push(charge)
    this.#tokensUsed += tokens
    return charge
  }

  /** What it really took, instead of the estimate. */
  settle(charge: Charge, tokens: number): void {
    if (charge.counted) this.#tokensUsed += tokens - charge.tokens
    charge.tokens = tokens
  }

  /** The attempt was never made. */
  cancel(charge: Charge): void {
    if (!charge.counted) return
    charge.counted = false
    this.#tokensUsed -= charge.tokens
    this.#charges.splice(this.#charges.lastIndexOf(charge), 1)
  }

  #expire(now: number): void {
    for (let charge = this.#charges[this.#first]; charge !== undefined; charge = this.#charges[this.#first]) {
      if (charge.at + windowMillis > now) break
      charge.counted = false
      this.#tokensUsed -= charge.tokens
      this.#first += 1
    }
    if (this.#first < compactAt || this.#first * 2 < this.#charges.length) return
    this.#charges = this.#charges.slice(this.#first)
    this.#first = 0
  }

  #requestsAllow(now: number, ahead: number): number {
    const limit = this.#requests
    if (limit === undefined) return now
    // An attempt follows the one `limit` places before it by a window. That one may be waiting too, and so on back to
    // one that was made already, or that can go at once.
    const count = this.#charges.length - this.#first
    const place = count + ahead - limit
    if (place < 0) return now
    const laps = Math.max(0, Math.ceil((place - count + 1) / limit))
    const held = this.#charges[this.#first + place - laps * limit]
    return held === undefined || place < laps * limit ? now + laps * windowMillis : held.at + (laps + 1) * windowMillis
  }

  #tokensAllow(now: number, tokens: number, tokensAhead: number): number {
    const limit = this.#tokens
    if (limit === undefined) return now
    // An attempt that alone is over the limit can only go when nothing else is in the window.
    const wanted = tokensAhead + Math.min(tokens, limit)
    const laps = Math.max(0, Math.ceil(wanted / limit) - 1)
    let free = limit - this.#tokensUsed - (wanted - laps * limit)
    if (free >= 0) return now + laps * windowMillis
    for (let index = this.#first; index < this.#charges.length; index++) {
      const charge = this.#charges[index]
      if (charge === undefined) break
      free += charge.tokens
      if (free >= 0) return charge.at + (laps + 1) * windowMillis
    }
    return now + (laps + 1) * windowMillis
  }
}
