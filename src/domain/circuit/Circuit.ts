/**
 * The circuit as a pure state machine: what is admitted, and what an outcome does to the state.
 *
 * Every transition and every probe admission starts a new generation, and an outcome counts only in the generation
 * that admitted it. So a slow call of before the trip can neither close a circuit nor open it again.
 *
 * All times are milliseconds since the epoch; durations are milliseconds.
 */
import { type CircuitPolicy, complaintOf, count, type Outcome, trips } from "./CircuitPolicy.ts"
import {
  type CircuitState,
  closed,
  type HalfOpen,
  nextGeneration,
  type Probe,
  type RecentFailure
} from "./CircuitState.ts"

export { type CircuitPolicy, failure, ignored, type Outcome, success, type TripPolicy } from "./CircuitPolicy.ts"
export { CircuitState, type Closed, type HalfOpen, initial, type Open, type RecentFailure } from "./CircuitState.ts"

/** The right to make a call, to be given back with its outcome. */
export interface Admission {
  readonly generation: number
  readonly probe: boolean
  readonly startedAt: number
}

/** What came of asking to be let through. */
export type Verdict =
  | { readonly _tag: "Admitted"; readonly admission: Admission; readonly state: CircuitState }
  | { readonly _tag: "Rejected"; readonly retryAfterMillis: number }

/** Nobody can know when a probe ends, or a forced opening; callers are told to come back after these. */
const probeRetryAfterMillis = 1_000
const forcedRetryAfterMillis = 30_000

/** How many failures are kept for the operator, and how much of each reason. */
const recentFailures = 10
const reasonLength = 200

/** How long a call would be rejected for now; 0 when it would be admitted. Changes nothing. */
export const rejectedFor = (policy: CircuitPolicy, state: CircuitState, now: number): number => {
  switch (state._tag) {
    case "Closed":
      return 0
    case "Open":
      return state.forced ? forcedRetryAfterMillis : Math.max(0, state.until - now)
    case "HalfOpen":
      return live(state, now).length < policy.probes ? 0 : probeRetryAfterMillis
  }
}

/** Admits a call, as a probe when the opening is over, or rejects it. */
export const admit = (policy: CircuitPolicy, state: CircuitState, now: number): Verdict => {
  if (state._tag === "Closed") {
    return { _tag: "Admitted", admission: { generation: state.generation, probe: false, startedAt: now }, state }
  }
  const retryAfterMillis = rejectedFor(policy, state, now)
  if (retryAfterMillis > 0) return { _tag: "Rejected", retryAfterMillis }
  const generation = nextGeneration(state, now)
  const running = state._tag === "HalfOpen" ? live(state, now) : []
  return {
    _tag: "Admitted",
    admission: { generation, probe: true, startedAt: now },
    state: {
      _tag: "HalfOpen",
      generation,
      since: state._tag === "HalfOpen" ? state.since : now,
      openings: state.openings,
      lastOpenMillis: state.lastOpenMillis,
      recent: state.recent,
      probes: [...running, { generation, leaseUntil: now + policy.probeLeaseMillis }],
      successes: state._tag === "HalfOpen" ? state.successes : 0
    }
  }
}

/** Keeps a running probe's slot for another lease; a slot that is gone cannot be won back. */
export const renew = (policy: CircuitPolicy, state: CircuitState, admission: Admission, now: number): CircuitState =>
  state._tag === "HalfOpen" && counts(state, admission)
    ? {
      ...state,
      probes: state.probes.map((probe) =>
        probe.generation === admission.generation
          ? { ...probe, leaseUntil: Math.max(probe.leaseUntil, now + policy.probeLeaseMillis) }
          : probe
      )
    }
    : state

/** Whether the outcome of this admission still means something. */
export const counts = (state: CircuitState, { generation }: Admission): boolean => {
  switch (state._tag) {
    case "Closed":
      return !state.forced && generation === state.generation
    case "Open":
      return false
    case "HalfOpen":
      return state.probes.some((probe) => probe.generation === generation)
  }
}

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
  if (outcome._tag === "Ignored" || !counts(state, admission)) return undefined
  const bad = complaintOf(policy, outcome, now - admission.startedAt) !== undefined
  if (state._tag !== "Closed") return bad ? state.openings + 1 : undefined
  if (!bad && policy.trip._tag === "Consecutive") return undefined
  if (!trips(policy.trip, count(policy.trip, state, 1, bad ? 1 : 0, now), now)) return undefined
  // A circuit that has stayed closed as long as it was last open starts its backoff anew.
  return now - state.since >= state.lastOpenMillis ? 1 : state.openings + 1
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
  if (state._tag === "Open" || !counts(state, admission)) return state
  if (outcome._tag === "Ignored") return state._tag === "HalfOpen" ? free(state, admission) : state
  const complaint = complaintOf(policy, outcome, now - admission.startedAt)
  const recent = complaint === undefined ? state.recent : remember(state.recent, complaint, now)
  const openings = openingOf(policy, state, admission, outcome, now)
  if (openings !== undefined) {
    const asked = outcome._tag === "Failure" ? Math.min(outcome.retryAfterMillis ?? 0, policy.maxRetryAfterMillis) : 0
    const lastOpenMillis = Math.max(openMillis, asked)
    const generation = nextGeneration(state, now)
    const until = now + lastOpenMillis
    return { _tag: "Open", generation, since: now, openings, lastOpenMillis, recent, forced: false, until }
  }
  if (state._tag === "Closed") {
    const counted = count(policy.trip, state, 1, complaint === undefined ? 0 : 1, now)
    return complaint === undefined ? counted : { ...counted, recent }
  }
  return state.successes + 1 < policy.successes
    ? { ...free(state, admission), successes: state.successes + 1 }
    : closed({ ...state, generation: nextGeneration(state, now), since: now })
}

/** Counts good calls of one generation that were gathered before they were settled. */
export const credit = (
  policy: CircuitPolicy,
  state: CircuitState,
  generation: number,
  calls: number,
  now: number
): CircuitState =>
  state._tag === "Closed" && !state.forced && state.generation === generation
    ? count(policy.trip, state, calls, 0, now)
    : state

const live = (state: HalfOpen, now: number): ReadonlyArray<Probe> =>
  state.probes.filter(({ leaseUntil }) => leaseUntil > now)

const free = (state: HalfOpen, { generation }: Admission): HalfOpen => ({
  ...state,
  probes: state.probes.filter((probe) => probe.generation !== generation)
})

const remember = (recent: ReadonlyArray<RecentFailure>, reason: string, at: number): ReadonlyArray<RecentFailure> => [
  ...recent.slice(1 - recentFailures),
  { at, reason: reason.slice(0, reasonLength) }
]
