/** The stages of a well-known story, each a row. */
import { breaker } from "./breaker.ts"
import { breakerAny, exactCache } from "./caches.ts"
import { fullLadder } from "./fullLadder.ts"
import type { StrategyEntry } from "./Strategy.ts"
import { bare, retry, threads } from "./workers.ts"

export { Strategy, type StrategyEntry } from "./Strategy.ts"

/** In the order in which they were tried. */
export const strategies: ReadonlyArray<StrategyEntry> = [
  bare,
  retry,
  threads,
  exactCache,
  breaker,
  breakerAny,
  fullLadder
]
