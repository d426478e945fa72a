/** When a circuit opens and how it is probed, and how its calls are counted. Durations are milliseconds. */
import type { Closed, Slot } from "./CircuitState.ts"

/** What opens a circuit. */
export type TripPolicy =
  /** So many failures within the window with no success between them. */
  | { readonly _tag: "Consecutive"; readonly failures: number; readonly windowMillis: number }
  /** This share (0..1) of at least `minimumCalls` within the window failed. */
  | {
    readonly _tag: "Rate"
    readonly threshold: number
    readonly minimumCalls: number
    readonly windowMillis: number
  }
  /** This share (0..1) took longer than `slowMillis`, or failed: a call without an answer was not in time either. */
  | {
    readonly _tag: "Slow"
    readonly threshold: number
    readonly slowMillis: number
    readonly minimumCalls: number
    readonly windowMillis: number
  }

/** What a circuit goes by. */
export interface CircuitPolicy {
  readonly trip: TripPolicy
  /** Probes at once. */
  readonly probes: number
  /** Successful probes that close the circuit. */
  readonly successes: number
  /** How long a probe keeps its slot without a sign of life. */
  readonly probeLeaseMillis: number
  /** The longest opening that a provider's `Retry-After` can ask for. */
  readonly maxRetryAfterMillis: number
}

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

/** A proof of life; with the slow policy it may count against the provider all the same. */
export const success: Outcome = { _tag: "Success" }
/** Gives an admission back and changes nothing. */
export const ignored: Outcome = { _tag: "Ignored" }
/** With the words for the operator, and for how many milliseconds the provider asks to be left alone. */
export const failure = (reason?: string, retryAfterMillis?: number): Outcome => ({
  _tag: "Failure",
  reason,
  retryAfterMillis
})

/** Why the outcome speaks against the provider; `undefined` when it does not. */
export const complaintOf = (policy: CircuitPolicy, outcome: Outcome, tookMillis: number): string | undefined => {
  if (outcome._tag === "Failure") return outcome.reason ?? "failed"
  if (outcome._tag === "Success" && policy.trip._tag === "Slow" && tookMillis > policy.trip.slowMillis) {
    return `took ${tookMillis} ms`
  }
  return undefined
}

/** A slot is one sixtieth of the window: by that much an outcome may leave it early. */
const slotsPerWindow = 60

/** Counts calls that ended now, `bad` of them badly. */
export const count = (trip: TripPolicy, state: Closed, calls: number, bad: number, now: number): Closed => {
  if (trip._tag === "Consecutive") {
    if (bad > 0) return { ...state, failures: [...within(trip, state.failures, now), now] }
    return state.failures.length === 0 ? state : { ...state, failures: [] }
  }
  const { slot } = state
  if (slot.calls > 0 && now - slot.at < trip.windowMillis / slotsPerWindow) {
    return { ...state, slot: { at: slot.at, calls: slot.calls + calls, bad: slot.bad + bad } }
  }
  return {
    ...state,
    slots: slot.calls === 0 ? state.slots : [...inWindow(trip, state.slots, now), slot],
    slot: { at: now, calls, bad }
  }
}

/** Whether what was counted opens the circuit. */
export const trips = (trip: TripPolicy, state: Closed, now: number): boolean => {
  if (trip._tag === "Consecutive") return within(trip, state.failures, now).length >= trip.failures
  let calls = 0
  let bad = 0
  for (const slot of inWindow(trip, [...state.slots, state.slot], now)) {
    calls += slot.calls
    bad += slot.bad
  }
  return bad > 0 && calls >= trip.minimumCalls && bad / calls >= trip.threshold
}

const within = (trip: TripPolicy, times: ReadonlyArray<number>, now: number): ReadonlyArray<number> =>
  times.filter((at) => now - at < trip.windowMillis)

const inWindow = (trip: TripPolicy, slots: ReadonlyArray<Slot>, now: number): ReadonlyArray<Slot> =>
  slots.filter(({ at }) => now - at < trip.windowMillis)
