/**
 * A waiting room with two classes. Interactive callers go first, and background ones when no interactive one waits; but
 * of the starts while the background wants some, it gets a reserved share, so that it never starves. Deterministic;
 * times are milliseconds since the epoch. Choosing who is next takes constant time.
 *
 * The background also wants something when it was refused a moment ago and will come again. So its credit lasts, and
 * when its turn has come while nobody of it is there, a place is kept for it: until one of it starts, and no longer than
 * it is expected. For nobody knows whether it still comes, and what is kept then is lost to everybody.
 */
import { Reserve } from "./Reserve.ts"
import { WaitingRoom } from "./WaitingRoom.ts"

/** Others who go before somebody, as far as can be known. */
export interface Ahead {
  readonly count: number
  readonly weight: number
}

/** What is kept for somebody of the background who will come again. */
export interface Kept {
  readonly weight: number
  readonly until: number
}

/** For so long the credit lasts of one that has not come when it was expected. */
const creditMillis = 60_000

const nothing: Kept = { weight: 0, until: Number.NEGATIVE_INFINITY }

export class PriorityRoom<A> {
  readonly interactive = new WaitingRoom<A>()
  readonly background = new WaitingRoom<A>()
  readonly #reserve: Reserve
  #kept = nothing
  #wantedUntil = Number.NEGATIVE_INFINITY

  /** The background's share of the starts, between 0 and 1. */
  constructor(reserve: number) {
    this.#reserve = new Reserve(reserve)
  }

  get size(): number {
    return this.interactive.size + this.background.size
  }

  /** Whether starts have to be told: somebody of the background waits, or will come again. */
  isWanted(now: number): boolean {
    return this.#wantedUntil > now || this.background.size > 0
  }

  /** The background's turn has come, whoever else waits. */
  isDue(now: number): boolean {
    return this.#reserve.isDue && this.isWanted(now)
  }

  /** What interactive callers have to leave for the background, whose turn has come while nobody of it is there. */
  kept(now: number): Kept | undefined {
    return this.#kept.until > now && this.background.size === 0 && this.isDue(now) ? this.#kept : undefined
  }

  /** Somebody of the background comes, to enter or to be refused. A credit of old is none. */
  arrives(now: number): void {
    if (!this.isWanted(now)) this.#reserve.reset()
  }

  /** Somebody of the background was refused, and will come again by this time. Without a weight, nothing is kept for it. */
  comesAgain(now: number, until: number, weight: number | undefined): void {
    this.#wantedUntil = Math.max(this.#wantedUntil, until + creditMillis)
    if (weight === undefined) return
    const before = this.#kept.until > now ? this.#kept : nothing
    this.#kept = { weight: Math.max(weight, before.weight), until: Math.max(until, before.until) }
  }

  started(now: number, isBackground: boolean): void {
    if (this.isWanted(now) || isBackground) this.#reserve.started(isBackground)
    if (isBackground) this.#kept = nothing
  }

  /** Whose head is next. `mayRun` is false while the background has as much as it may have at one time. */
  next(mayRun: boolean): WaitingRoom<A> | undefined {
    const candidate = mayRun && this.background.size > 0 ? this.background : undefined
    if (candidate !== undefined && this.#reserve.isDue) return candidate
    return this.interactive.size > 0 ? this.interactive : candidate
  }

  /** Who goes before an interactive one of this namespace that enters now. */
  aheadOfInteractive(namespace: string, mayRun: boolean): Ahead {
    const own = this.interactive.ahead(namespace)
    const others = mayRun ? Math.min(this.background.size, this.#reserve.turnsWithin(own)) : 0
    return this.#ahead(own, others)
  }

  /** Who goes before one of the background that enters now, if those who wait already are all. */
  aheadOfBackground(namespace: string): Ahead {
    const own = this.background.ahead(namespace)
    const others = Math.min(this.interactive.size, this.#reserve.startsUntil(own + 1) - own)
    return this.#ahead(others, own)
  }

  #ahead(interactive: number, background: number): Ahead {
    return {
      count: interactive + background,
      weight: this.interactive.weightOf(interactive) + this.background.weightOf(background)
    }
  }
}
