/**
 * The circuit as a pure state machine: what is admitted, and what an outcome does to the state.
 *
 * Every transition and every probe admission starts a new generation, and an outcome counts only in the generation
 * that admitted it. So a slow call of before the trip can neither close a circuit nor open it again.
 *
 * All times are milliseconds since the epoch; durations are milliseconds.
 */

export interface CircuitPolicy {
  /** Failures within `windowMillis`, with no success between them, that open the circuit. */
  readonly failures: number
  readonly windowMillis: number
  /** The longest opening that a provider's `Retry-After` can ask for. */
  readonly maxRetryAfterMillis: number
}

interface Common {
  readonly generation: number
  readonly since: number
  /** Consecutive openings, the input of the backoff: survives a close, see {@link settle}. */
  readonly openings: number
  /** How long the last opening lasted; 0 before the first. */
  readonly lastOpenMillis: number
}

export interface Closed extends Common {
  readonly _tag: "Closed"
  /** When calls failed, oldest first, with no success between them. */
  readonly failures: ReadonlyArray<number>
}

export interface Open extends Common {
  readonly _tag: "Open"
  readonly until: number
}

export interface HalfOpen extends Common {
  readonly _tag: "HalfOpen"
  /** Whether a probe is under way. */
  readonly probing: boolean
}

export type CircuitState = Closed | Open | HalfOpen

/** What an admitted call came to. */
export type Outcome =
  | { readonly _tag: "Success" }
  | {
    readonly _tag: "Failure"
    /** The provider asks to stay away for this long. */
    readonly retryAfterMillis?: number | undefined
    /** For the operator who reads why a circuit opened. */
    readonly reason?: string | undefined
  }
  /** Says nothing of the provider's health: interrupted, rate-limited, our own key, our own queue. */
  | { readonly _tag: "Ignored" }

export const success: Outcome = { _tag: "Success" }
export const ignored: Outcome = { _tag: "Ignored" }
export const failure = (reason?: string, retryAfterMillis?: number): Outcome => ({
  _tag: "Failure",
  reason,
  retryAfterMillis
})

/** The right to make a call, to be given back with its outcome. */
export interface Admission {
  readonly generation: number
  readonly probe: boolean
}

export type Verdict =
  | { readonly _tag: "Admitted"; readonly admission: Admission; readonly state: CircuitState }
  | { readonly _tag: "Rejected"; readonly retryAfterMillis: number }

/** While a probe runs nobody can know when it ends; callers are told to come back after this. */
const probeRetryAfterMillis = 1_000

export const initial = (now: number): CircuitState => ({
  _tag: "Closed",
  generation: 0,
  since: now,
  openings: 0,
  lastOpenMillis: 0,
  failures: []
})

/** How long a call would be rejected for now; 0 when it would be admitted. Changes nothing. */
export const rejectedFor = (state: CircuitState, now: number): number => {
  switch (state._tag) {
    case "Closed":
      return 0
    case "Open":
      return Math.max(0, state.until - now)
    case "HalfOpen":
      return state.probing ? probeRetryAfterMillis : 0
  }
}

/** Admits a call, as a probe when the opening is over, or rejects it. */
export const admit = (state: CircuitState, now: number): Verdict => {
  if (state._tag === "Closed") {
    return { _tag: "Admitted", admission: { generation: state.generation, probe: false }, state }
  }
  const retryAfterMillis = rejectedFor(state, now)
  if (retryAfterMillis > 0) return { _tag: "Rejected", retryAfterMillis }
  const generation = state.generation + 1
  return {
    _tag: "Admitted",
    admission: { generation, probe: true },
    state: {
      _tag: "HalfOpen",
      generation,
      since: state._tag === "HalfOpen" ? state.since : now,
      openings: state.openings,
      lastOpenMillis: state.lastOpenMillis,
      probing: true
    }
  }
}

const recentFailures = (
  policy: CircuitPolicy,
  state: Closed,
  now: number
): ReadonlyArray<number> => [...state.failures.filter((at) => now - at < policy.windowMillis), now]

/**
 * Which consecutive opening this outcome would start, 1 for the first; `undefined` when it opens nothing. Ask before
 * {@link settle}, to draw the opening's duration from the schedule only when there is an opening.
 */
export const openingOf = (
  policy: CircuitPolicy,
  state: CircuitState,
  admission: Admission,
  outcome: Outcome,
  now: number
): number | undefined => {
  if (outcome._tag !== "Failure" || admission.generation !== state.generation) return undefined
  switch (state._tag) {
    case "Open":
      return undefined
    case "HalfOpen":
      return state.openings + 1
    case "Closed": {
      if (recentFailures(policy, state, now).length < policy.failures) return undefined
      // A circuit that has stayed closed as long as it was last open starts its backoff anew.
      return now - state.since >= state.lastOpenMillis ? 1 : state.openings + 1
    }
  }
}

/**
 * What an outcome does to the state. `openMillis` is the duration of the opening that {@link openingOf} announced; a
 * provider's `Retry-After` lengthens it up to the policy's cap and never shortens it.
 */
export const settle = (
  policy: CircuitPolicy,
  state: CircuitState,
  admission: Admission,
  outcome: Outcome,
  now: number,
  openMillis: number
): CircuitState => {
  if (admission.generation !== state.generation || state._tag === "Open") return state
  const openings = openingOf(policy, state, admission, outcome, now)
  if (openings !== undefined && outcome._tag === "Failure") {
    const asked = Math.min(outcome.retryAfterMillis ?? 0, policy.maxRetryAfterMillis)
    const lastOpenMillis = Math.max(openMillis, asked)
    const generation = state.generation + 1
    return { _tag: "Open", generation, since: now, openings, lastOpenMillis, until: now + lastOpenMillis }
  }
  switch (outcome._tag) {
    case "Ignored":
      return state._tag === "HalfOpen" ? { ...state, probing: false } : state
    case "Success":
      if (state._tag === "Closed") return state.failures.length === 0 ? state : { ...state, failures: [] }
      return {
        _tag: "Closed",
        generation: state.generation + 1,
        since: now,
        openings: state.openings,
        lastOpenMillis: state.lastOpenMillis,
        failures: []
      }
    case "Failure":
      return state._tag === "Closed" ? { ...state, failures: recentFailures(policy, state, now) } : state
  }
}
