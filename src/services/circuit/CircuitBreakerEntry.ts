/** What each key keeps in this process, and the answers that are built once and given out many times. */
import { Clock, Duration, Effect, type Fiber, Metric, Ref } from "effect"
import type { Admission } from "../../domain/circuit/Circuit.ts"
import { neededUntil } from "../../domain/circuit/CircuitControl.ts"
import { type CircuitState, initial } from "../../domain/circuit/CircuitState.ts"
import { CircuitOpen } from "../../domain/errors.ts"
import type { CircuitSettings } from "./CircuitBreakerOptions.ts"

const rejectionCount = Metric.counter("understudy_circuit_rejections_total", {
  description: "Calls rejected by an open circuit",
  incremental: true
})

/** One key's circuit in this process. */
export interface Entry {
  readonly key: string
  readonly settings: CircuitSettings
  readonly state: Ref.Ref<CircuitState>
  readonly countRejection: Effect.Effect<void>
  /** Reused while the generation and the millisecond are the same. */
  admitted: { readonly admission: Admission; readonly effect: Effect.Effect<Admission> } | undefined
  /** Reused while the remaining time is the same to the millisecond. */
  rejection: { readonly millis: number; readonly effect: Effect.Effect<never, CircuitOpen> } | undefined
  /** Renewals of the probes that run here, by generation. */
  readonly renewals: Map<number, Fiber.Fiber<unknown, unknown>>
  usedAt: number
}

export const makeEntry = (key: string, settings: CircuitSettings, now: number): Entry => ({
  key,
  settings,
  state: Ref.makeUnsafe(initial(now)),
  countRejection: Metric.update(Metric.withAttributes(rejectionCount, { circuit: key }), 1),
  admitted: undefined,
  rejection: undefined,
  renewals: new Map(),
  usedAt: now
})

/** Whether nothing is lost when the entry goes. */
const isForgettable = (entry: Entry, now: number): boolean =>
  entry.renewals.size === 0 &&
  now >= Math.max(entry.usedAt, neededUntil(Ref.getUnsafe(entry.state))) + entry.settings.idleMillis

export const pass = (entry: Entry, generation: number, now: number): Effect.Effect<Admission> => {
  const last = entry.admitted
  if (last !== undefined && last.admission.startedAt === now && last.admission.generation === generation) {
    return last.effect
  }
  const admission: Admission = { generation, probe: false, startedAt: now }
  const effect = Effect.succeed(admission)
  entry.admitted = { admission, effect }
  return effect
}

export const reject = (entry: Entry, millis: number): Effect.Effect<never, CircuitOpen> => {
  if (entry.rejection?.millis !== millis) {
    const error = new CircuitOpen({ key: entry.key, retryAfter: Duration.millis(millis) })
    entry.rejection = { millis, effect: Effect.andThen(entry.countRejection, Effect.fail(error)) }
  }
  return entry.rejection.effect
}

/** Renews a probe's lease as long as the fiber lives that was admitted: it is that fiber's child. */
export const keepAlive = (entry: Entry, admission: Admission, renew: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.sleep(entry.settings.policy.probeLeaseMillis / 3).pipe(
    Effect.andThen(renew),
    Effect.forever,
    Effect.ensuring(Effect.sync(() => entry.renewals.delete(admission.generation))),
    Effect.forkChild,
    Effect.map((fiber) => void entry.renewals.set(admission.generation, fiber))
  )

/** The probe has come back. */
export const letGo = (entry: Entry, { generation }: Admission): void => {
  const renewal = entry.renewals.get(generation)
  if (renewal === undefined) return
  entry.renewals.delete(generation)
  renewal.interruptUnsafe()
}

/** Entries by key, swept of the idle ones whenever a new key comes and the last sweep is a minute old. */
export const makeEntries = <E extends Entry>(
  make: (key: string, now: number) => E,
  isNeeded: (entry: E) => boolean = () => false
) => {
  const entries = new Map<string, E>()
  let sweptAt = 0

  const sweep = (now: number): void => {
    sweptAt = now
    for (const [key, entry] of entries) if (!isNeeded(entry) && isForgettable(entry, now)) entries.delete(key)
  }

  const of = (key: string, now: number): E => {
    let entry = entries.get(key)
    if (entry === undefined) {
      if (now - sweptAt >= sweepMillis) sweep(now)
      entry = make(key, now)
      entries.set(key, entry)
    }
    entry.usedAt = now
    return entry
  }

  return { of, get: (key: string) => entries.get(key), sweep, all: () => [...entries.values()] }
}

const sweepMillis = 60_000

export const withNow = <A, E, R>(use: (now: number) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Clock.clockWith((clock) => use(clock.currentTimeMillisUnsafe()))
