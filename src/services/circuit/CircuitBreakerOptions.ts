/** How a circuit is configured, and what it is told by default. */
import { Clock, Duration, Effect, Exit, Schedule } from "effect"
import type { CircuitPolicy, TripPolicy } from "../../domain/circuit/CircuitPolicy.ts"
import { maxRetryAfterMillis } from "../../domain/ladder/ErrorTable.ts"

/** What opens a circuit. Thresholds and shares are between 0 and 1. */
export type CircuitTripPolicy =
  /** So many failures within `window` (default 1 minute) with no success between them. */
  | { readonly _tag: "Consecutive"; readonly failures: number; readonly window?: Duration.Input | undefined }
  /** This share of at least `minimumCalls` within `window` (default 1 minute) failed. */
  | {
    readonly _tag: "Rate"
    readonly threshold: number
    readonly minimumCalls: number
    readonly window?: Duration.Input | undefined
  }
  /** This share of at least `minimumCalls` within `window` took longer than `slowerThan`, or failed. */
  | {
    readonly _tag: "Slow"
    readonly share: number
    readonly slowerThan: Duration.Input
    readonly minimumCalls: number
    readonly window?: Duration.Input | undefined
  }

/** What opens a circuit, for how long, and how it is probed. */
export interface CircuitBreakerOptions {
  /** Failures within `window`, with no success between them, that open the circuit. Default 3. */
  readonly failures?: number | undefined
  /** Default 1 minute. */
  readonly window?: Duration.Input | undefined
  /** Takes the place of `failures` and `window`. */
  readonly policy?: CircuitTripPolicy | undefined
  /**
   * How long the n-th consecutive opening lasts: the n-th delay of the schedule, its last one for ever when it ends.
   * Default: always 30 seconds.
   */
  readonly openFor?: Duration.Input | Schedule.Schedule<unknown> | undefined
  /** Probes at once when an opening is over. Default 1. */
  readonly probes?: number | undefined
  /** Successful probes that close the circuit. Default 1. */
  readonly successes?: number | undefined
  /** How long a probe keeps its slot without a sign of life; renewed while its fiber runs. Default 10 seconds. */
  readonly probeLease?: Duration.Input | undefined
  /** A key that nobody called for this long is forgotten, when nothing must be kept of it. Default 1 hour. */
  readonly idleTimeout?: Duration.Input | undefined
}

/** The same for every key, or by key. */
export type CircuitBreakerOptionsByKey = CircuitBreakerOptions | ((key: string) => CircuitBreakerOptions)

/** What a key's circuit goes by. */
export interface CircuitSettings {
  readonly policy: CircuitPolicy
  /** The duration of the n-th consecutive opening, in milliseconds. */
  readonly openMillis: (opening: number) => Effect.Effect<number>
  readonly idleMillis: number
}

export const settingsOf = (options: CircuitBreakerOptionsByKey): (key: string) => CircuitSettings => {
  if (typeof options === "function") return (key) => settings(options(key))
  const same = settings(options)
  return () => same
}

const settings = (options: CircuitBreakerOptions): CircuitSettings => ({
  policy: {
    trip: tripPolicy(
      options.policy ?? { _tag: "Consecutive", failures: options.failures ?? 3, window: options.window }
    ),
    probes: options.probes ?? 1,
    successes: options.successes ?? 1,
    probeLeaseMillis: Duration.toMillis(options.probeLease ?? "10 seconds"),
    maxRetryAfterMillis
  },
  openMillis: openingDurations(options.openFor ?? "30 seconds"),
  idleMillis: Duration.toMillis(options.idleTimeout ?? "1 hour")
})

const tripPolicy = (policy: CircuitTripPolicy): TripPolicy => {
  const windowMillis = Duration.toMillis(policy.window ?? "1 minute")
  switch (policy._tag) {
    case "Consecutive":
      return { _tag: "Consecutive", failures: policy.failures, windowMillis }
    case "Rate":
      return { _tag: "Rate", threshold: policy.threshold, minimumCalls: policy.minimumCalls, windowMillis }
    case "Slow": {
      const slowMillis = Duration.toMillis(policy.slowerThan)
      return { _tag: "Slow", threshold: policy.share, slowMillis, minimumCalls: policy.minimumCalls, windowMillis }
    }
  }
}

/** The n-th opening's duration in milliseconds: replays the schedule on a clock that sees only the time spent open. */
const openingDurations = (
  openFor: Duration.Input | Schedule.Schedule<unknown>
): (opening: number) => Effect.Effect<number> => {
  if (!Schedule.isSchedule(openFor)) {
    const millis = Effect.succeed(Duration.toMillis(openFor))
    return () => millis
  }
  return Effect.fnUntraced(function*(opening: number) {
    const step = yield* Schedule.toStep(openFor)
    let now = yield* Clock.currentTimeMillis
    let millis = 0
    for (let n = 1; n <= opening; n++) {
      const next = yield* Effect.exit(step(now, n))
      if (Exit.isFailure(next)) break
      millis = Duration.toMillis(next.value[1])
      now += millis
    }
    return Math.ceil(millis)
  })
}
