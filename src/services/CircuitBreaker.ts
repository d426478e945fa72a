/** One circuit per key: stops calling a provider that fails, and probes it before calling it again. */
import { Cause, Clock, Context, Duration, Effect, Exit, Layer, Metric, PubSub, Ref, Schedule, Stream } from "effect"
import * as Circuit from "../domain/Circuit.ts"
import { CircuitOpen } from "../domain/errors.ts"
import { maxRetryAfterMillis } from "../domain/ErrorTable.ts"

export interface CircuitTransition {
  readonly key: string
  readonly from: Circuit.CircuitState["_tag"]
  readonly to: Circuit.CircuitState["_tag"]
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface CircuitBreakerOptions {
  /** Failures within `window`, with no success between them, that open the circuit. Default 3. */
  readonly failures?: number | undefined
  /** Default 1 minute. */
  readonly window?: Duration.Input | undefined
  /**
   * How long the n-th consecutive opening lasts: the n-th delay of the schedule, its last one for ever when it ends.
   * Default: always 30 seconds.
   */
  readonly openFor?: Duration.Input | Schedule.Schedule<unknown> | undefined
}

export class CircuitBreaker extends Context.Service<CircuitBreaker, {
  /** Fails when a call would be rejected now, and changes nothing: for leaving before any queue. */
  readonly check: (key: string) => Effect.Effect<void, CircuitOpen>
  /**
   * Admits a call or rejects it. Whoever is admitted must `settle`, whatever happens: call this where no interruption
   * can come between the two, or use `protect`.
   */
  readonly admit: (key: string) => Effect.Effect<Circuit.Admission, CircuitOpen>
  /** Gives an admission back with what the call came to. */
  readonly settle: (key: string, admission: Circuit.Admission, outcome: Circuit.Outcome) => Effect.Effect<void>
  /** Reading moves nothing: an opening that is over still reads Open until the next call. */
  readonly state: (key: string) => Effect.Effect<Circuit.CircuitState>
  /** Every transition since subscription, one event each; slow readers lose the oldest. */
  readonly transitions: Stream.Stream<CircuitTransition>
}>()("understudy/services/CircuitBreaker") {
  static readonly layerMemory = (options: CircuitBreakerOptions = {}): Layer.Layer<CircuitBreaker> =>
    Layer.effect(CircuitBreaker, makeMemory(options))

  /**
   * Runs one effect under the circuit of `key`. By default a success is a success and any failure or defect a failure;
   * interruption is never counted. `classify` says otherwise for typed errors.
   */
  static readonly protect =
    <E>(key: string, classify: (error: E) => Circuit.Outcome = () => Circuit.failure()) =>
    <A, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | CircuitOpen, R | CircuitBreaker> =>
      Effect.flatMap(
        CircuitBreaker,
        (breaker) =>
          Effect.uninterruptibleMask((restore) =>
            Effect.flatMap(breaker.admit(key), (admission) =>
              Effect.onExit(restore(self), (exit) =>
                breaker.settle(key, admission, outcomeOfExit(exit, classify))))
          )
      )
}

/** The outcome of a call by how it ended: a defect is a failure, an interruption says nothing. */
export const outcomeOfExit = <A, E>(
  exit: Exit.Exit<A, E>,
  classify: (error: E) => Circuit.Outcome
): Circuit.Outcome => {
  if (Exit.isSuccess(exit)) return Circuit.success
  const error = Cause.findErrorOption(exit.cause)
  if (error._tag === "Some") return classify(error.value)
  return Cause.hasDies(exit.cause) ? Circuit.failure() : Circuit.ignored
}

const transitionCount = Metric.counter("understudy_circuit_transitions_total", {
  description: "Circuit state changes",
  incremental: true
})
const rejectionCount = Metric.counter("understudy_circuit_rejections_total", {
  description: "Calls rejected by an open circuit",
  incremental: true
})
const stateGauge = Metric.gauge("understudy_circuit_state", {
  description: "0 closed, 1 half-open, 2 open"
})
const stateValue = { Closed: 0, HalfOpen: 1, Open: 2 } as const

type Admitting = Effect.Effect<Circuit.Admission, CircuitOpen>

/** One key's state, and the rejection that is reused while the remaining time is the same to the millisecond. */
interface Entry {
  readonly state: Ref.Ref<Circuit.CircuitState>
  rejection: { readonly millis: number; readonly effect: Effect.Effect<never, CircuitOpen> } | undefined
}

const makeMemory = Effect.fnUntraced(function*(options: CircuitBreakerOptions) {
  const policy: Circuit.CircuitPolicy = {
    failures: options.failures ?? 3,
    windowMillis: Duration.toMillis(options.window ?? "1 minute"),
    maxRetryAfterMillis
  }
  const openMillis = openingDurations(options.openFor ?? "30 seconds")
  const entries = new Map<string, Entry>()
  const events = yield* PubSub.sliding<CircuitTransition>(128)

  const entryOf = (key: string, now: number): Entry => {
    let entry = entries.get(key)
    if (entry === undefined) {
      entry = { state: Ref.makeUnsafe(Circuit.initial(now)), rejection: undefined }
      entries.set(key, entry)
    }
    return entry
  }

  const reject = (key: string, entry: Entry, millis: number): Effect.Effect<never, CircuitOpen> => {
    if (entry.rejection?.millis !== millis) {
      const error = new CircuitOpen({ key, retryAfter: Duration.millis(millis) })
      const count = Metric.update(Metric.withAttributes(rejectionCount, { circuit: key }), 1)
      entry.rejection = { millis, effect: Effect.andThen(count, Effect.fail(error)) }
    }
    return entry.rejection.effect
  }

  const announce = (
    key: string,
    from: Circuit.CircuitState,
    to: Circuit.CircuitState,
    at: number,
    outcome?: Circuit.Outcome
  ): Effect.Effect<void> => {
    if (from._tag === to._tag) return Effect.void
    const labels = { circuit: key, from: from._tag, to: to._tag }
    return Effect.all([
      PubSub.publish(events, { key, from: from._tag, to: to._tag, at }),
      Metric.update(Metric.withAttributes(transitionCount, labels), 1),
      Metric.update(Metric.withAttributes(stateGauge, { circuit: key }), stateValue[to._tag]),
      to._tag === "Open"
        ? Effect.logWarning(opened(key, to, outcome))
        : Effect.logInfo(`circuit of ${key} is ${to._tag === "Closed" ? "closed again" : "half-open: probing"}`)
    ], { discard: true })
  }

  return CircuitBreaker.of({
    check: (key) =>
      Clock.clockWith((clock) => {
        const now = clock.currentTimeMillisUnsafe()
        const entry = entryOf(key, now)
        const millis = Circuit.rejectedFor(Ref.getUnsafe(entry.state), now)
        return millis === 0 ? Effect.void : reject(key, entry, millis)
      }),
    admit: (key) =>
      Clock.clockWith((clock) => {
        const now = clock.currentTimeMillisUnsafe()
        const entry = entryOf(key, now)
        const current = Ref.getUnsafe(entry.state)
        if (current._tag === "Closed") return Effect.succeed({ generation: current.generation, probe: false })
        return Effect.flatten(Ref.modify(entry.state, (before): readonly [Admitting, Circuit.CircuitState] => {
          const verdict = Circuit.admit(before, now)
          return verdict._tag === "Rejected"
            ? [reject(key, entry, verdict.retryAfterMillis), before]
            : [Effect.as(announce(key, before, verdict.state, now), verdict.admission), verdict.state]
        }))
      }),
    settle: (key, admission, outcome) =>
      Clock.clockWith((clock) => {
        const now = clock.currentTimeMillisUnsafe()
        const { state } = entryOf(key, now)
        const apply = (openFor: number) =>
          Effect.flatten(Ref.modify(state, (before) => {
            const after = Circuit.settle(policy, before, admission, outcome, now, openFor)
            return [announce(key, before, after, now, outcome), after]
          }))
        const current = Ref.getUnsafe(state)
        if (outcome._tag === "Success" && current._tag === "Closed" && current.failures.length === 0) return Effect.void
        const opening = Circuit.openingOf(policy, current, admission, outcome, now)
        return opening === undefined ? apply(0) : Effect.flatMap(openMillis(opening), apply)
      }),
    state: (key) => Clock.clockWith((clock) => Ref.get(entryOf(key, clock.currentTimeMillisUnsafe()).state)),
    transitions: Stream.fromPubSub(events)
  })
})

const opened = (key: string, state: Circuit.Open, outcome: Circuit.Outcome | undefined): string => {
  const why = outcome?._tag === "Failure" && outcome.reason !== undefined ? `, at last because ${outcome.reason}` : ""
  return `circuit of ${key} opened for ${Duration.format(Duration.millis(state.lastOpenMillis))}${why}`
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
    return millis
  })
}
