/**
 * The share of all starts that one class of callers gets although another one goes first: a credit that each start
 * adds to, and that a start of theirs takes one whole from. Deterministic.
 */

/** Counted in millionths, so that ten tenths are a whole. */
const whole = 1_000_000

export class Reserve {
  readonly #step: number
  #credit = 0

  /** `share` is between 0, for none, and 1. */
  constructor(share: number) {
    this.#step = Math.round(whole * Math.min(1, Math.max(0, share)))
  }

  /** Its turn has come. */
  get isDue(): boolean {
    return this.#credit >= whole
  }

  /**
   * Somebody starts, of those with the reserve or not. No more is saved up than one turn, and what the start has
   * brought on top of it: whoever comes late does not get everything at once that it has left before.
   */
  started(isTheirs: boolean): void {
    const credit = this.#credit + this.#step - (isTheirs ? whole : 0)
    this.#credit = Math.min(whole + this.#step, Math.max(0, credit))
  }

  reset(): void {
    this.#credit = 0
  }

  /** How many turns come due while so many of the others start. */
  turnsWithin(starts: number): number {
    return Math.floor((this.#credit + starts * this.#step) / whole)
  }

  /** After how many starts the last of so many turns is due, if those before it are taken; `Infinity` for never. */
  startsUntil(turns: number): number {
    const missing = Math.max(0, turns * whole - this.#credit)
    return missing === 0 ? turns - 1 : Math.max(turns - 1, Math.ceil(missing / this.#step))
  }
}
