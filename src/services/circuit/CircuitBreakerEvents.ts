/** What circuits tell: events, metrics and log lines, one of each per transition. */
import { Duration, Effect, Metric, PubSub, Stream } from "effect"
import type { Outcome } from "../../domain/circuit/CircuitPolicy.ts"
import type { CircuitState } from "../../domain/circuit/CircuitState.ts"
import { spanEvent } from "../telemetry/spans.ts"

/** A circuit's state as events name it. */
export type CircuitStateName = CircuitState["_tag"] | "ForcedOpen" | "ForcedClosed"

/** A circuit has moved from one state to another. */
export interface CircuitTransition {
  readonly key: string
  readonly from: CircuitStateName
  readonly to: CircuitStateName
  /** Milliseconds since the epoch. */
  readonly at: number
}

const transitionCount = Metric.counter("understudy_circuit_transitions_total", {
  description: "Circuit state changes",
  incremental: true
})
const stateGauge = Metric.gauge("understudy_circuit_state", {
  description: "0 closed, 1 half-open, 2 open"
})
const stateValue = { Closed: 0, ForcedClosed: 0, HalfOpen: 1, Open: 2, ForcedOpen: 2 } as const

const nameOf = (state: CircuitState): CircuitStateName =>
  state._tag !== "HalfOpen" && state.forced ? `Forced${state._tag}` : state._tag

export const makeCircuitEvents = Effect.gen(function*() {
  const events = yield* PubSub.sliding<CircuitTransition>(128)

  /** The gauge alone, for what another instance did. */
  const show = (key: string, state: CircuitState): Effect.Effect<void> =>
    Metric.update(Metric.withAttributes(stateGauge, { circuit: key }), stateValue[nameOf(state)])

  /** Tells of a change of state; the same state again is no event. */
  const announce = (
    key: string,
    before: CircuitState,
    after: CircuitState,
    at: number,
    outcome?: Outcome
  ): Effect.Effect<void> => {
    const from = nameOf(before)
    const to = nameOf(after)
    if (from === to) return Effect.void
    return Effect.all([
      PubSub.publish(events, { key, from, to, at }),
      Metric.update(Metric.withAttributes(transitionCount, { circuit: key, from, to }), 1),
      show(key, after),
      spanEvent("understudy.circuit.transition", () => ({
        "understudy.circuit": key,
        "understudy.circuit.from": from,
        "understudy.circuit.to": to
      })),
      to === "Open" ? Effect.logWarning(opened(key, after, outcome)) : Effect.logInfo(sentences[to](key))
    ], { discard: true })
  }

  return { announce, show, transitions: Stream.fromPubSub(events) }
})

const sentences = {
  Closed: (key: string) => `circuit of ${key} is closed again`,
  HalfOpen: (key: string) => `circuit of ${key} is half-open: probing`,
  ForcedOpen: (key: string) => `circuit of ${key} is forced open until a reset`,
  ForcedClosed: (key: string) => `circuit of ${key} is forced closed until a reset`
} as const

const opened = (key: string, state: CircuitState, outcome: Outcome | undefined): string => {
  const why = outcome?._tag === "Failure" && outcome.reason !== undefined ? `, at last because ${outcome.reason}` : ""
  return `circuit of ${key} opened for ${Duration.format(Duration.millis(state.lastOpenMillis))}${why}`
}
