/**
 * What a circuit remembers. Schemas, for a store keeps it as JSON.
 *
 * All times are milliseconds since the epoch; durations are milliseconds.
 */
import { Schema } from "effect"

/** A failure that counted, for the operator who asks why a circuit opened. */
const RecentFailure = Schema.Struct({ at: Schema.Finite, reason: Schema.String })
export type RecentFailure = typeof RecentFailure.Type

const common = {
  /** Fences outcomes: grows with every transition and every probe, and never falls behind the clock. */
  generation: Schema.Finite,
  since: Schema.Finite,
  /** Consecutive openings, the input of the backoff: survives a close. */
  openings: Schema.Finite,
  /** How long the last opening was meant to last; 0 before the first. */
  lastOpenMillis: Schema.Finite,
  /** Oldest first, the last few. */
  recent: Schema.Array(RecentFailure)
}

/** Calls that ended within one sixtieth of the window, from `at` on. */
const Slot = Schema.Struct({ at: Schema.Finite, calls: Schema.Finite, bad: Schema.Finite })
export type Slot = typeof Slot.Type

const Closed = Schema.TaggedStruct("Closed", {
  ...common,
  /** Everything passes and nothing counts, until a reset. */
  forced: Schema.Boolean,
  /** When calls failed, oldest first, with no success between them: the memory of the consecutive policy. */
  failures: Schema.Array(Schema.Finite),
  /** Oldest first: the memory of the policies that count shares. The last slot is apart, for it changes each call. */
  slots: Schema.Array(Slot),
  slot: Slot
})
/** Calls pass and are counted. */
export type Closed = typeof Closed.Type

const Open = Schema.TaggedStruct("Open", {
  ...common,
  /** Nothing passes until a reset; `until` means nothing. */
  forced: Schema.Boolean,
  until: Schema.Finite
})
/** Nothing passes before `until`. */
export type Open = typeof Open.Type

/** A probe under way, or lost when its lease is over. */
const Probe = Schema.Struct({ generation: Schema.Finite, leaseUntil: Schema.Finite })
export type Probe = typeof Probe.Type

const HalfOpen = Schema.TaggedStruct("HalfOpen", {
  ...common,
  probes: Schema.Array(Probe),
  /** Probes that succeeded since the opening ended. */
  successes: Schema.Finite
})
/** The opening is over, and probes find out. */
export type HalfOpen = typeof HalfOpen.Type

/** Where a circuit stands, and all that it remembers. */
export const CircuitState = Schema.Union([Closed, Open, HalfOpen])
export type CircuitState = typeof CircuitState.Type

const noCalls: Slot = { at: 0, calls: 0, bad: 0 }

/** Closed and empty, with what outlives a close. */
export const closed = (
  kept: Pick<Closed, "generation" | "since" | "openings" | "lastOpenMillis" | "recent">
): Closed => ({
  _tag: "Closed",
  generation: kept.generation,
  since: kept.since,
  openings: kept.openings,
  lastOpenMillis: kept.lastOpenMillis,
  recent: kept.recent,
  forced: false,
  failures: [],
  slots: [],
  slot: noCalls
})

/** Generation 0 everywhere, so that instances that have not met yet agree on the first one. */
export const initial = (now: number): CircuitState =>
  closed({ generation: 0, since: now, openings: 0, lastOpenMillis: 0, recent: [] })

/** Follows the clock too, so that a circuit that was forgotten and began anew gives no generation out twice. */
export const nextGeneration = (state: CircuitState, now: number): number => Math.max(state.generation + 1, now)
