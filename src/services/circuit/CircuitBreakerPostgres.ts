/** Circuits shared by all instances on one database: the same machine, one row per key, memory when it is away. */
import { type Duration, Effect, Option, Ref } from "effect"
import * as Circuit from "../../domain/circuit/Circuit.ts"
import { type CircuitAction, control, statusOf } from "../../domain/circuit/CircuitControl.ts"
import { complaintOf } from "../../domain/circuit/CircuitPolicy.ts"
import type { CircuitOpen } from "../../domain/errors.ts"
import { keepAlive, letGo, makeEntries, makeEntry, pass, reject, withNow } from "./CircuitBreakerEntry.ts"
import { makeCircuitEvents } from "./CircuitBreakerEvents.ts"
import { isNothingNew } from "./CircuitBreakerMemory.ts"
import { type CircuitBreakerOptionsByKey, settingsOf } from "./CircuitBreakerOptions.ts"
import { makeSharing, share, type SharedEntry } from "./CircuitBreakerShared.ts"

/** What the shared circuits may cost a call. */
export interface CircuitStoreOptions {
  /** How long a call may wait for the database before it goes on from memory. Default 250 millis. */
  readonly storeTimeout?: Duration.Input | undefined
}

/** Twice within the age that a snapshot may have. */
const pollInterval = "200 millis"

/** A circuit that was not called for this long is not polled; its next call looks for itself. */
const pollIdleMillis = 10_000

type Admitting = Effect.Effect<Circuit.Admission, CircuitOpen>

/** What came of a call that asks to be let through, and the move that it made. */
interface Asked {
  readonly verdict: Circuit.Verdict
  readonly before: Circuit.CircuitState
  readonly at: number
}

export const makePostgres = Effect.fnUntraced(function*(
  options: CircuitBreakerOptionsByKey,
  { storeTimeout = "250 millis" }: CircuitStoreOptions
) {
  const settings = settingsOf(options)
  const { announce, show, transitions } = yield* makeCircuitEvents
  const sharing = yield* makeSharing(storeTimeout)
  const entries = makeEntries(
    (key, now) => share(makeEntry(key, settings(key), now)),
    (entry) => entry.alone || entry.credit.calls > 0
  )

  /** Changes the circuit wherever it can be, and tells of it once it is done. */
  const move = (
    entry: SharedEntry,
    name: string,
    to: (state: Circuit.CircuitState, at: number) => Effect.Effect<Circuit.CircuitState>,
    outcome?: Circuit.Outcome
  ): Effect.Effect<void> =>
    Effect.flatMap(
      sharing.change(
        entry,
        name,
        (before, at) => Effect.map(to(before, at), (after) => [{ before, after, at }, after])
      ),
      ({ after, at, before }) => announce(entry.key, before, after, at, outcome)
    )

  /** The entry with a state that is recent enough to decide by. */
  const withEntry = <A, E>(key: string, use: (entry: SharedEntry, now: number) => Effect.Effect<A, E>) =>
    withNow((now) => {
      const entry = entries.of(key, now)
      return sharing.isFresh(entry, now)
        ? use(entry, now)
        : Effect.andThen(sharing.refresh(entry), withNow((later) => use(entry, later)))
    })

  const rejectedFor = (entry: SharedEntry, now: number): number =>
    Circuit.rejectedFor(entry.settings.policy, Ref.getUnsafe(entry.state), sharing.shared(now))

  const begin = (entry: SharedEntry, { at, before, verdict }: Asked): Admitting => {
    if (verdict._tag === "Rejected") return reject(entry, verdict.retryAfterMillis)
    const { policy } = entry.settings
    const { admission, state } = verdict
    const renew = sharing.change(
      entry,
      "renew",
      (current, later) => Effect.succeed([undefined, Circuit.renew(policy, current, admission, later)])
    )
    return Effect.andThen(
      announce(entry.key, before, state, at),
      admission.probe ? keepAlive(entry, admission, renew) : Effect.void
    ).pipe(
      Effect.andThen(withNow((now) => Effect.succeed({ ...admission, startedAt: now })))
    )
  }

  const ask = (entry: SharedEntry): Admitting => {
    const { policy } = entry.settings
    const asked = sharing.change(
      entry,
      "admit",
      (before, at): Effect.Effect<readonly [Asked, Circuit.CircuitState]> => {
        const verdict = Circuit.admit(policy, before, at)
        return Effect.succeed([{ verdict, before, at }, verdict._tag === "Rejected" ? before : verdict.state])
      },
      // Whoever stood before us in the line may have taken the last slot.
      (at): Asked | undefined => {
        const before = Ref.getUnsafe(entry.state)
        const retryAfterMillis = Circuit.rejectedFor(policy, before, at)
        return retryAfterMillis > 0 ? { verdict: { _tag: "Rejected", retryAfterMillis }, before, at } : undefined
      }
    )
    return Effect.flatMap(asked, (answer) => begin(entry, answer))
  }

  const settle = (
    entry: SharedEntry,
    admission: Pick<Circuit.Admission, "generation" | "probe">,
    outcome: Circuit.Outcome,
    tookMillis: number
  ): Effect.Effect<void> => {
    const { openMillis, policy } = entry.settings
    const { calls, generation } = entry.credit
    entry.credit = { generation, calls: 0 }
    return move(entry, "settle", (state, at) => {
      const credited = calls === 0 ? state : Circuit.credit(policy, state, generation, calls, at)
      const ours = { ...admission, startedAt: at - tookMillis }
      const opening = Circuit.openingOf(policy, credited, ours, outcome, at)
      return Effect.map(
        opening === undefined ? Effect.succeed(0) : openMillis(opening),
        (openFor) => Circuit.settle(policy, credited, ours, outcome, at, openFor)
      )
    }, outcome)
  }

  /** Shares what is not worth a write each, and what happened while the store was away. */
  const catchUp = (entry: SharedEntry): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { calls, generation } = entry.credit
      if (calls > 0) {
        entry.credit = { generation, calls: calls - 1 }
        return settle(entry, { generation, probe: false }, Circuit.success, 0)
      }
      return entry.alone ? move(entry, "rejoin", Effect.succeed) : Effect.void
    })

  const poll = Effect.suspend(() => {
    const all = entries.all()
    const now = sharing.local()
    const watched = all.filter((entry) => now - entry.usedAt < pollIdleMillis || !sharing.isUp())
    if (watched.length === 0 && sharing.isUp()) return Effect.void
    const seen = Effect.forEach(watched, (entry) => {
      const state = Ref.getUnsafe(entry.state)
      if (entry.shown === state) return catchUp(entry)
      entry.shown = state
      return Effect.andThen(show(entry.key, state), catchUp(entry))
    }, { discard: true })
    return Effect.andThen(sharing.look(watched), seen)
  })
  const inBackground = (wait: Duration.Input, effect: Effect.Effect<unknown, unknown>) =>
    sharing.inIo(Effect.sleep(wait)).pipe(
      // The store's failures have been told of, and their effect is that calls go on from memory.
      Effect.andThen(Effect.ignoreCause(effect)),
      Effect.forever,
      Effect.forkScoped
    )
  yield* inBackground(pollInterval, poll)
  yield* inBackground("1 minute", sharing.forget)

  return {
    check: (key: string) =>
      withEntry(key, (entry, now) => {
        const millis = rejectedFor(entry, now)
        return millis === 0 ? Effect.void : reject(entry, millis)
      }),
    admit: (key: string) =>
      withEntry(key, (entry, now): Admitting => {
        const state = Ref.getUnsafe(entry.state)
        if (state._tag === "Closed") return pass(entry, state.generation, now)
        const millis = rejectedFor(entry, now)
        return millis > 0 ? reject(entry, millis) : ask(entry)
      }),
    settle: (key: string, admission: Circuit.Admission, outcome: Circuit.Outcome) =>
      withNow((now) => {
        const entry = entries.of(key, now)
        const { policy } = entry.settings
        const { generation, probe } = admission
        if (probe) letGo(entry, admission)
        else if (outcome._tag === "Ignored") return Effect.void
        const current = Ref.getUnsafe(entry.state)
        if (isNothingNew(policy, current, outcome)) return Effect.void
        // Generations only grow: what is void here is void in the row.
        if (generation < current.generation && !Circuit.counts(current, admission)) return Effect.void
        const tookMillis = now - admission.startedAt
        if (probe || policy.trip._tag === "Consecutive" || complaintOf(policy, outcome, tookMillis) !== undefined) {
          return settle(entry, admission, outcome, tookMillis)
        }
        entry.credit = { generation, calls: (entry.credit.generation === generation ? entry.credit.calls : 0) + 1 }
        return Effect.void
      }),
    state: (key: string) => withEntry(key, (entry) => Ref.get(entry.state)),
    statuses: Effect.map(Effect.option(sharing.readAll), (stored) => {
      const now = sharing.shared(sharing.local())
      const states = new Map<string, Circuit.CircuitState>()
      for (const { alone, key, state } of entries.all()) {
        if (alone || Option.isNone(stored) || !stored.value.circuits.has(key)) states.set(key, Ref.getUnsafe(state))
      }
      if (Option.isSome(stored)) {
        for (const [key, { state }] of stored.value.circuits) if (!states.has(key)) states.set(key, state)
      }
      return [...states].map(([key, state]) => statusOf(key, state, now))
    }),
    control: (key: string, action: CircuitAction) =>
      withNow((now) =>
        move(entries.of(key, now), "control", (state, at) => Effect.succeed(control(state, action, at)))
      ),
    transitions
  }
})
