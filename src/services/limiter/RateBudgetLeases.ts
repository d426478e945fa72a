/** What one instance holds of a shared budget: its lease, what it owes the book, and its share if the book is away. */
import type { Entry, Outcome } from "../../domain/limits/LeaseBook.ts"
import { leaseMillis } from "../../domain/limits/LeaseBook.ts"
import { type Charge, type MinutePolicy, MinuteWindow } from "../../domain/limits/MinuteWindow.ts"

interface Held {
  readonly id: string
  /** By this process's clock: a lease ends here no later than in the book. */
  readonly until: number
  requestsLeft: number
  tokensLeft: number
  requests: number
  tokens: number
  /** Where its use stands in the book; none yet while it is held. */
  settledUntil: number | undefined
}

/** What became known after a lease was settled. */
interface Correction {
  readonly held: Held
  readonly requests: number
  readonly tokens: number
}

interface Occasion {
  readonly waiting: number
  /** The tokens of the first attempt that waits for a lease; none: no lease is asked for. */
  readonly first: number | undefined
  readonly cooldownMillis: number
  readonly isLeaving: boolean
}

const none = { requests: 0, tokens: 0 }

/** Enough for this part of a minute is leased ahead, so that not every attempt asks the database. */
const ahead = 120

/** A refused instance looks again by then: others may have given back what they did not use. */
const lookAgainMillis = 1_000

export class RateBudgetLeases {
  readonly #policy: MinutePolicy
  readonly #instance: string
  /** Everything this instance has started, whoever allowed it. */
  readonly #own: MinuteWindow
  /** Before the book has been seen, another instance may be using half of it. */
  #instances = 2
  readonly #chargedTo = new WeakMap<Charge, Held>()
  #held: Held | undefined
  #ended: Array<Held> = []
  #corrections: Array<Correction> = []
  #unleased = none
  #leases = 0
  /** Until a lease may be had, as the book has said; and when to look again. */
  #opensAt = 0
  #lookAt = 0
  isAway = false

  constructor(policy: MinutePolicy, instance: string) {
    this.#policy = policy
    this.#instance = instance
    this.#own = new MinuteWindow(shareOf(policy, this.#instances))
  }

  /** When an attempt may start; `Infinity`: the book must be asked. */
  earliest(now: number, tokens: number): number {
    if (this.#fits(now, tokens)) return now
    if (this.isAway) return this.#own.earliest(now, tokens)
    return this.#lookAt > now ? this.#lookAt : Number.POSITIVE_INFINITY
  }

  estimate(now: number, tokens: number, before: number, tokensBefore: number): number {
    if (before === 0 && this.#fits(now, tokens)) return now
    return this.isAway ? this.#own.earliest(now, tokens, before, tokensBefore) : Math.max(now, this.#opensAt)
  }

  /** Only the book knows what others have left: so what this instance has started is held against its equal part. */
  sparing(now: number, tokens: number, requests: number, tokensSpared: number): number {
    return this.#own.sparing(now, tokens, Math.floor(requests / this.#instances), tokensSpared / this.#instances)
  }

  charge(now: number, tokens: number): Charge {
    const charge = this.#own.charge(now, tokens)
    const held = this.#fits(now, tokens)
    if (held === undefined) {
      this.#unleased = { requests: this.#unleased.requests + 1, tokens: this.#unleased.tokens + tokens }
      return charge
    }
    this.#chargedTo.set(charge, held)
    use(held, 1, tokens)
    return charge
  }

  settle(charge: Charge, tokens: number): void {
    this.#correct(charge, 0, tokens - charge.tokens)
    this.#own.settle(charge, tokens)
  }

  cancel(charge: Charge): void {
    this.#correct(charge, -1, -charge.tokens)
    this.#own.cancel(charge)
    charge.tokens = 0
  }

  /** Whether the book must hear of something. */
  owes(now: number): boolean {
    return this.isAway || this.#ended.length > 0 || this.#corrections.length > 0 || this.#unleased.requests > 0 ||
      (this.#held !== undefined && this.#held.until <= now)
  }

  /** What to tell the book, and what becomes of it: `heard` or `lost` must follow. */
  entry(sentAt: number, { cooldownMillis, first, isLeaving, waiting }: Occasion) {
    if (this.#held !== undefined && (first !== undefined || isLeaving || this.#held.until <= sentAt)) {
      this.#ended.push(this.#held)
      this.#held = undefined
    }
    const ended = this.#ended.slice()
    const told = this.#corrections.filter(({ held }) => held.settledUntil !== undefined)
    const unleased = this.#unleased
    this.#corrections = this.#corrections.filter(({ held }) => held.settledUntil === undefined)
    this.#unleased = none
    const id = `${this.#instance}-${this.#leases++}`
    const entry: Entry = {
      instance: this.#instance,
      settled: ended.map(({ id, requests, tokens }) => ({ id, requests, tokens })),
      corrections: told.map(({ held, requests, tokens }) => ({ until: held.settledUntil ?? 0, requests, tokens })),
      unleased,
      wanted: first === undefined ? undefined : {
        id,
        first,
        requests: Math.max(waiting, Math.ceil((this.#policy.requestsPerMinute ?? 0) / ahead)),
        tokens: Math.max(waiting * first, Math.ceil((this.#policy.tokensPerMinute ?? 0) / ahead))
      },
      cooldownMillis,
      isLeaving
    }
    // `sentAt` is before the book was read, so no lease is used longer than the book says.
    const heard = ({ instances, lease, settledUntil, waitMillis }: Outcome, now: number): void => {
      this.isAway = false
      this.#instances = instances
      this.#own.limitTo(shareOf(this.#policy, instances))
      for (const held of ended) held.settledUntil = settledUntil
      this.#ended = this.#ended.filter((held) => !ended.includes(held))
      if (first === undefined) return
      if (lease === undefined) {
        this.#opensAt = now + waitMillis
        this.#lookAt = now + Math.min(Math.max(waitMillis, 20), lookAgainMillis)
      } else {
        this.#opensAt = 0
        this.#held = {
          id,
          until: sentAt + leaseMillis,
          requestsLeft: lease.requests,
          tokensLeft: lease.tokens,
          ...none,
          settledUntil: undefined
        }
      }
    }
    // It may have been heard all the same. Saying it again must not free anything twice. */
    const lost = (): void => {
      this.isAway = true
      this.#corrections.push(...told.filter(({ requests, tokens }) => requests >= 0 && tokens >= 0))
      this.#unleased = {
        requests: this.#unleased.requests + unleased.requests,
        tokens: this.#unleased.tokens + unleased.tokens
      }
    }
    return { entry, heard, lost }
  }

  #fits(now: number, tokens: number): Held | undefined {
    const held = this.#held
    if (held === undefined || held.until <= now || held.requestsLeft < 1) return undefined
    return held.tokensLeft < Math.min(tokens, this.#policy.tokensPerMinute ?? tokens) ? undefined : held
  }

  #correct(charge: Charge, requests: number, tokens: number): void {
    const held = this.#chargedTo.get(charge)
    // Expired ones weigh nothing any more; what was used without a lease is not given back.
    if (held === undefined || !charge.counted || (requests === 0 && tokens === 0)) return
    if (held === this.#held) use(held, requests, tokens)
    else this.#corrections.push({ held, requests, tokens })
  }
}

const use = (held: Held, requests: number, tokens: number): void => {
  held.requests += requests
  held.requestsLeft -= requests
  held.tokens += tokens
  held.tokensLeft -= tokens
}

/** What an instance may use when it cannot ask: an equal part. */
const shareOf = ({ requestsPerMinute, tokensPerMinute }: MinutePolicy, instances: number): MinutePolicy => ({
  requestsPerMinute: requestsPerMinute === undefined
    ? undefined
    : Math.max(1, Math.floor(requestsPerMinute / instances)),
  tokensPerMinute: tokensPerMinute === undefined ? undefined : Math.max(1, Math.floor(tokensPerMinute / instances))
})
