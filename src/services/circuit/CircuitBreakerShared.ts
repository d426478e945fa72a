/** How a circuit's state is kept in step with its row: compare-and-set, a poll, and memory when the store is gone. */
import { Clock, type Duration, Effect, MutableRef, Option, Ref, Semaphore } from "effect"
import { SqlClient } from "effect/sql"
import { merge, neededUntil } from "../../domain/circuit/CircuitControl.ts"
import { type CircuitState, initial } from "../../domain/circuit/CircuitState.ts"
import type { StoreUnavailable } from "../../domain/errors.ts"
import { makeStoreCall } from "../store/StoreCall.ts"
import type { Entry } from "./CircuitBreakerEntry.ts"
import { CircuitClock, makeCircuitStore, type StoredCircuit } from "./CircuitBreakerStore.ts"

export interface SharedEntry extends Entry {
  /** The row that `state` was read from or written to; none when there was no row. */
  version: number | undefined
  /** When the row was last seen, in this process's time. */
  seenAt: number
  /** `state` has moved while the store was away, and the row does not know. */
  alone: boolean
  /** Good calls that the row has not heard of: shares need them, and they are not worth a write each. */
  credit: { generation: number; calls: number }
  /** One call after the other: who waits finds what the one before has read. Correctness rests on the row's version. */
  turn: Semaphore.Semaphore
  /** The state that the gauge shows. */
  shown: CircuitState | undefined
}

export const share = (entry: Entry): SharedEntry => ({
  ...entry,
  version: undefined,
  seenAt: Number.NEGATIVE_INFINITY,
  alone: false,
  credit: { generation: 0, calls: 0 },
  turn: Semaphore.makeUnsafe(1),
  shown: undefined
})

/** A change of one circuit in the circuit's time, and what the caller gets. Tried again when another was faster. */
export type Change<A> = (state: CircuitState, now: number) => Effect.Effect<readonly [A, CircuitState]>

/** How old the state may be that a call is decided by. */
const maxSnapshotMillis = 500

export const makeSharing = Effect.fnUntraced(function*(storeTimeout: Duration.Input) {
  const clock = yield* Clock.Clock
  const { io, time } = yield* CircuitClock
  const local = () => clock.currentTimeMillisUnsafe()
  const store = makeCircuitStore(yield* SqlClient.SqlClient, time === "process" ? Option.some(local) : Option.none())
  const storeCall = yield* makeStoreCall
  const inIo = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    io === undefined ? effect : Effect.provideService(effect, Clock.Clock, io)

  let isUp = true
  /** The circuits' time minus ours. */
  let offset = 0

  const went = (up: boolean, why?: StoreUnavailable): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (isUp === up) return Effect.void
      isUp = up
      return up
        ? Effect.logInfo("circuits are shared again")
        : Effect.logWarning(`circuits go on from memory: ${why?.message}`)
    })

  const call = <A, E>(operation: string, effect: Effect.Effect<A, E>): Effect.Effect<A, StoreUnavailable> =>
    inIo(storeCall(`CircuitBreaker.${operation}`, storeTimeout, effect)).pipe(
      Effect.tap(() => went(true)),
      Effect.tapError((error) => went(false, error))
    )

  const adopt = (entry: SharedEntry, version: number | undefined, state: CircuitState): void => {
    MutableRef.set(entry.state.ref, state)
    entry.version = version
    entry.alone = false
    entry.seenAt = local()
  }

  const read = (keys: ReadonlyArray<string> | undefined) =>
    Effect.tap(store.read(keys), ({ now }) =>
      Effect.sync(() => {
        offset = now - local()
      }))

  /** What the row and what happened apart from it come to. */
  const together = (entry: SharedEntry, stored: StoredCircuit | undefined, now: number): CircuitState => {
    const shared = stored?.state ?? initial(now)
    if (!entry.alone) return shared
    const alone = Ref.getUnsafe(entry.state)
    return stored?.version === entry.version ? alone : merge(entry.settings.policy, alone, shared, now)
  }

  const inStore = <A>(entry: SharedEntry, change: Change<A>): Effect.Effect<A, unknown> =>
    Effect.gen(function*() {
      while (true) {
        const { circuits, now } = yield* read([entry.key])
        const stored = circuits.get(entry.key)
        const before = together(entry, stored, now)
        const [result, after] = yield* change(before, now)
        if (after === (stored?.state ?? before) && !entry.alone) {
          adopt(entry, stored?.version, after)
          return result
        }
        const { idleMillis, policy } = entry.settings
        const kept = Math.max(idleMillis, policy.trip.windowMillis)
        const version = yield* store.write(entry.key, stored?.version, after, Math.max(now, neededUntil(after)) + kept)
        if (version === undefined) continue
        adopt(entry, version, after)
        return result
      }
    })

  const inMemory = <A>(entry: SharedEntry, change: Change<A>): Effect.Effect<A> =>
    Effect.suspend(() => {
      const before = Ref.getUnsafe(entry.state)
      return Effect.map(change(before, local() + offset), ([result, after]) => {
        if (after !== before) {
          MutableRef.set(entry.state.ref, after)
          entry.alone = true
        }
        return result
      })
    })

  /** `settled`: whether what others did meanwhile has already answered, so that the store need not be asked. */
  const change = <A>(
    entry: SharedEntry,
    name: string,
    change: Change<A>,
    settled: (now: number) => A | undefined = () => undefined
  ): Effect.Effect<A> => {
    const stored = Effect.suspend((): Effect.Effect<A, unknown> => {
      const answer = settled(local() + offset)
      return answer === undefined ? inStore(entry, change) : Effect.succeed(answer)
    })
    return Effect.suspend(() => {
      if (!isUp) return inMemory(entry, change)
      return Effect.catch(call(name, entry.turn.withPermits(1)(stored)), () => {
        // The one before may wait for a connection that is dead: nobody shall wait for it.
        entry.turn = Semaphore.makeUnsafe(1)
        return inMemory(entry, change)
      })
    })
  }

  /** Looks at the rows of these circuits at once. */
  const look = (entries: ReadonlyArray<SharedEntry>): Effect.Effect<void, StoreUnavailable> =>
    Effect.suspend(() => {
      const versions = entries.map(({ version }) => version)
      return Effect.map(call("poll", read(entries.map(({ key }) => key))), ({ circuits, now }) => {
        for (const [n, entry] of entries.entries()) {
          // Whoever has written meanwhile knows better.
          if (entry.alone || entry.version !== versions[n]) continue
          const stored = circuits.get(entry.key)
          if (stored?.version === entry.version) entry.seenAt = local()
          else adopt(entry, stored?.version, stored?.state ?? initial(now))
        }
      })
    })

  const isFresh = (entry: SharedEntry, now: number): boolean => !isUp || now - entry.seenAt <= maxSnapshotMillis

  /** Looks at one row in the call's path; of many that wait for it, the first one reads. */
  const refresh = (entry: SharedEntry): Effect.Effect<boolean> =>
    change(entry, "look", (state) => Effect.succeed([true, state]), () => isFresh(entry, local()) || undefined)

  return {
    change,
    refresh,
    look,
    local,
    inIo,
    readAll: call("statuses", read(undefined)),
    forget: call("forget", store.forget),
    isFresh,
    isUp: () => isUp,
    /** From this process's time to the circuits'. */
    shared: (now: number): number => now + offset
  }
})
