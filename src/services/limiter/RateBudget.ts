/** Where a lane gets its requests and tokens per minute from: this process, or a database that several share. */
import { Effect } from "effect"
import { type Charge, type MinutePolicy, MinuteWindow } from "../../domain/limits/MinuteWindow.ts"

export interface RateBudget {
  /** When an attempt may start; `Infinity` when only the store can tell, which is asked by `replenish`. */
  readonly earliest: (now: number, tokens: number) => number
  /** When one could start that `ahead` others precede, which together take `tokensAhead`: as good a guess as can be. */
  readonly estimate: (now: number, tokens: number, ahead: number, tokensAhead: number) => number
  /** When one could start that leaves so many requests and tokens of this minute to others, as far as can be known. */
  readonly sparing: (now: number, tokens: number, requests: number, tokensSpared: number) => number
  /** Only when `earliest` allows it; none where there is nothing to count. */
  readonly charge: (now: number, tokens: number) => Charge | undefined
  readonly settle: (charge: Charge, tokens: number) => void
  /** The attempt was never made. */
  readonly cancel: (charge: Charge) => void
  /** So many wait, and the first of them for this many tokens. Runs `onChange` when there may be more for them. */
  readonly replenish: (waiting: number, tokens: number, onChange: Effect.Effect<void>) => Effect.Effect<void>
  /** Nobody starts before this time; for the others that share the budget. */
  readonly coolDown: (until: number) => Effect.Effect<void>
  /** Until when others that share the budget have been told to wait; 0 for never. */
  readonly coolingUntil: () => number
}

export const memoryBudget = (policy: MinutePolicy): RateBudget => {
  const window = new MinuteWindow(policy)
  return {
    earliest: (now, tokens) => window.earliest(now, tokens),
    estimate: (now, tokens, ahead, tokensAhead) => window.earliest(now, tokens, ahead, tokensAhead),
    sparing: (now, tokens, requests, tokensSpared) => window.sparing(now, tokens, requests, tokensSpared),
    charge: (now, tokens) => window.isUnlimited ? undefined : window.charge(now, tokens),
    settle: (charge, tokens) => window.settle(charge, tokens),
    cancel: (charge) => window.cancel(charge),
    replenish: () => Effect.void,
    coolDown: () => Effect.void,
    coolingUntil: () => 0
  }
}
