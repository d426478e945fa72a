/** The circuit in an operator's hands, and what becomes of circuits that are idle or were apart. Pure. */
import type { CircuitPolicy } from "./CircuitPolicy.ts"
import { type CircuitState, closed, nextGeneration, type RecentFailure } from "./CircuitState.ts"

/** `force-open` lets nothing pass and `force-close` everything, both until `reset`. */
export type CircuitAction = "force-open" | "force-close" | "reset"

/** Where a circuit stands, and whether an operator has put it there. */
export type CircuitPhase = "closed" | "open" | "half_open" | "forced_open" | "forced_closed"

/** What an operator sees. */
export interface CircuitStatus {
  readonly key: string
  readonly state: CircuitPhase
  /** Milliseconds since the epoch. */
  readonly since: number
  /** Of the opening; 0 when there is none, or nobody can know. */
  readonly remainingMillis: number
  /** Consecutive openings, the last one included. */
  readonly openings: number
  /** Oldest first, the last few that counted; `at` is milliseconds since the epoch. */
  readonly recentFailures: ReadonlyArray<RecentFailure>
}

const phaseOf = (state: CircuitState): CircuitPhase => {
  switch (state._tag) {
    case "Closed":
      return state.forced ? "forced_closed" : "closed"
    case "Open":
      return state.forced ? "forced_open" : "open"
    case "HalfOpen":
      return "half_open"
  }
}

export const statusOf = (key: string, state: CircuitState, now: number): CircuitStatus => ({
  key,
  state: phaseOf(state),
  since: state.since,
  remainingMillis: state._tag === "Open" && !state.forced ? Math.max(0, state.until - now) : 0,
  openings: state.openings,
  recentFailures: state.recent
})

/** A new generation each time: calls of before the intervention count no more. */
export const control = (state: CircuitState, action: CircuitAction, now: number): CircuitState => {
  const { recent } = state
  const generation = nextGeneration(state, now)
  switch (action) {
    case "force-open": {
      const { lastOpenMillis, openings } = state
      return { _tag: "Open", generation, since: now, openings, lastOpenMillis, recent, forced: true, until: now }
    }
    case "force-close":
      return { ...closed({ ...state, generation, since: now }), forced: true }
    case "reset":
      return closed({ generation, since: now, openings: 0, lastOpenMillis: 0, recent })
  }
}

/**
 * Until when the state must be kept when nobody calls any more: a forced state for ever, an opening and a lease to
 * their end, and the backoff as long as the circuit was open.
 */
export const neededUntil = (state: CircuitState): number => {
  switch (state._tag) {
    case "Closed":
      return state.forced ? Number.POSITIVE_INFINITY : state.since + state.lastOpenMillis
    case "Open":
      return state.forced ? Number.POSITIVE_INFINITY : state.until
    case "HalfOpen":
      return Math.max(state.since, ...state.probes.map(({ leaseUntil }) => leaseUntil))
  }
}

/**
 * Brings a state that went on alone together with the one that was shared meanwhile. A forced state wins, then an
 * opening, the one that ends last; otherwise the shared one, with the failures that were seen apart.
 */
export const merge = (policy: CircuitPolicy, alone: CircuitState, shared: CircuitState, now: number): CircuitState => {
  const winner = precedence(alone) > precedence(shared) ? alone : shared
  // Above both: admissions of either side count no more, unless nothing but failures came together.
  const generation = Math.max(nextGeneration(alone, now), nextGeneration(shared, now))
  if (winner._tag !== "Closed" || winner.forced || alone._tag !== "Closed") return { ...winner, generation }
  const { windowMillis } = policy.trip
  const failures = [...winner.failures, ...alone.failures].filter((at) => now - at < windowMillis)
  return { ...winner, failures: failures.sort((a, b) => a - b) }
}

/** Forced ones by their time, above all others; then openings by their end. */
const precedence = (state: CircuitState): number => {
  if (state._tag === "HalfOpen") return 1
  if (state.forced) return 1e15 + state.since
  return state._tag === "Open" ? state.until : 0
}
