/** What came of a simulation: counts and times, all of them the same for the same seed. Times in milliseconds. */
import type { Scenario } from "../Scenario.ts"

/** A row for each strategy and variation. */
export interface SimulationResult {
  readonly scenario: Scenario
  readonly seed: string
  /** In the order in which they were asked for. */
  readonly rows: ReadonlyArray<StrategyResult>
}

/** Requests by what became of them. */
export interface Counts {
  /** That began, and ended. */
  readonly requests: number
  readonly live: number
  readonly cache: number
  readonly template: number
  /** Got an error, or gave up waiting. */
  readonly failed: number
  /** Of these. */
  readonly gaveUp: number
  /** Answered with a text on another subject. */
  readonly wrongSubject: number
}

/** What one strategy made of the scenario. */
export interface StrategyResult extends Counts {
  /** The strategy's name, such as "full-ladder". */
  readonly strategy: string
  /** What was set differently for this row, such as "breaker.failures=5"; absent: nothing. */
  readonly setting?: string | undefined
  /** Requests that began after the first minute, and how many of them failed. */
  readonly afterFirstMinute: { readonly requests: number; readonly failed: number }
  /** How long users waited for their answer or their error, those who gave up until they did. */
  readonly waiting: { readonly p50: number; readonly p95: number; readonly p99: number }
  /** How many waited how long; the bounds of the bins are the same for all rows. */
  readonly waitingBins: ReadonlyArray<Bin>
  readonly providerCalls: number
  /** Calls that the provider answered with 429, those in a ban included. */
  readonly rateLimited: number
  readonly bans: number
  /** How long the provider's circuit was open or half-open. */
  readonly openMillis: number
  /** What the circuit was when: each holds until the next one, the first from the beginning. Empty: there is no circuit. */
  readonly circuit: ReadonlyArray<{ readonly atMillis: number; readonly state: CircuitLane }>
  /** Equal parts of the whole time, by when a request began. */
  readonly timeline: ReadonlyArray<TimelinePart>
}

/** Where the provider's circuit stood. */
export type CircuitLane = "Closed" | "Open" | "HalfOpen"

/** From the bin before it (or 0) up to `upToMillis`; the last one is infinite. */
export interface Bin {
  readonly upToMillis: number
  readonly count: number
}

/** The counts of one stretch of time. */
export interface TimelinePart extends Counts {
  readonly fromMillis: number
}
