/** STUB of branch `cli`, to be replaced by the core's. */
export interface StrategyEntry {
  readonly name: string
  readonly about: string
}

export const strategies: ReadonlyArray<StrategyEntry> = [
  { name: "bare", about: "One call, and nothing else" },
  { name: "retry", about: "Three attempts" },
  { name: "threads", about: "The same, with unbounded concurrency" },
  { name: "exact-cache", about: "A cache of identical prompts" },
  { name: "breaker", about: "A circuit breaker" },
  { name: "breaker-any", about: "A circuit breaker, and any cached answer" },
  { name: "full-ladder", about: "All of Understudy" }
]
