/** Circuits of one process. */
import { Effect, Ref } from "effect"
import * as Circuit from "../../domain/circuit/Circuit.ts"
import { control, statusOf } from "../../domain/circuit/CircuitControl.ts"
import type { CircuitOpen } from "../../domain/errors.ts"
import { type Entry, keepAlive, letGo, makeEntries, makeEntry, pass, reject, withNow } from "./CircuitBreakerEntry.ts"
import { makeCircuitEvents } from "./CircuitBreakerEvents.ts"
import { type CircuitBreakerOptionsByKey, settingsOf } from "./CircuitBreakerOptions.ts"

type Admitting = Effect.Effect<Circuit.Admission, CircuitOpen>

export const makeMemory = Effect.fnUntraced(function*(options: CircuitBreakerOptionsByKey) {
  const settings = settingsOf(options)
  const { announce, transitions } = yield* makeCircuitEvents
  const entries = makeEntries((key, now) => makeEntry(key, settings(key), now))

  const probe = (entry: Entry, admission: Circuit.Admission): Effect.Effect<void> => {
    const { policy } = entry.settings
    const renew = withNow((now) => Ref.update(entry.state, (state) => Circuit.renew(policy, state, admission, now)))
    return keepAlive(entry, admission, renew)
  }

  return {
    check: (key: string) =>
      withNow((now) => {
        const entry = entries.of(key, now)
        const millis = Circuit.rejectedFor(entry.settings.policy, Ref.getUnsafe(entry.state), now)
        return millis === 0 ? Effect.void : reject(entry, millis)
      }),
    admit: (key: string) =>
      withNow((now): Admitting => {
        const entry = entries.of(key, now)
        const { policy } = entry.settings
        const current = Ref.getUnsafe(entry.state)
        if (current._tag === "Closed") return pass(entry, current.generation, now)
        const millis = Circuit.rejectedFor(policy, current, now)
        if (millis > 0) return reject(entry, millis)
        return Effect.flatten(Ref.modify(entry.state, (before): readonly [Admitting, Circuit.CircuitState] => {
          const verdict = Circuit.admit(policy, before, now)
          if (verdict._tag === "Rejected") return [reject(entry, verdict.retryAfterMillis), before]
          const { admission, state } = verdict
          const begin = Effect.andThen(announce(key, before, state, now), probe(entry, admission))
          return [Effect.as(begin, admission), state]
        }))
      }),
    settle: (key: string, admission: Circuit.Admission, outcome: Circuit.Outcome) =>
      withNow((now) => {
        const entry = entries.of(key, now)
        const { openMillis, policy } = entry.settings
        if (admission.probe) letGo(entry, admission)
        if (isNothingNew(policy, Ref.getUnsafe(entry.state), outcome)) return Effect.void
        // The duration of an opening is drawn only when there is one, and what another call has shown meanwhile may
        // make one of it.
        const apply = (openFor: number | undefined): Effect.Effect<void> =>
          Effect.flatten(Ref.modify(entry.state, (before): readonly [Effect.Effect<void>, Circuit.CircuitState] => {
            const opening = Circuit.openingOf(policy, before, admission, outcome, now)
            if (opening !== undefined && openFor === undefined) {
              return [Effect.flatMap(openMillis(opening), apply), before]
            }
            const after = Circuit.settle(policy, before, admission, outcome, now, openFor ?? 0)
            return [announce(key, before, after, now, outcome), after]
          }))
        return apply(undefined)
      }),
    state: (key: string) =>
      withNow((now) => {
        const entry = entries.get(key)
        return entry === undefined ? Effect.succeed(Circuit.initial(now)) : Ref.get(entry.state)
      }),
    statuses: withNow((now) => {
      entries.sweep(now)
      return Effect.succeed(entries.all().map(({ key, state }) => statusOf(key, Ref.getUnsafe(state), now)))
    }),
    control: (key: string, action: Parameters<typeof control>[1]) =>
      withNow((now) =>
        Effect.flatten(Ref.modify(entries.of(key, now).state, (before) => {
          const after = control(before, action, now)
          return [announce(key, before, after, now), after]
        }))
      ),
    transitions
  }
})

/** The hot path: a success where there is nothing to clear. */
export const isNothingNew = (
  policy: Circuit.CircuitPolicy,
  state: Circuit.CircuitState,
  outcome: Circuit.Outcome
): boolean =>
  state._tag === "Closed" && outcome._tag === "Success" && policy.trip._tag === "Consecutive" &&
  state.failures.length === 0
