/** Counts how often entries are shown, off the answer's path: eviction keeps what is useful. */
import { Effect, type Scope } from "effect"
import type { StoreUnavailable } from "../../domain/errors.ts"
import type { Namespace } from "../../domain/Generation.ts"

/** How many different entries may wait to be counted; uses of more are not counted. */
const maxWaiting = 10_000
const flushEvery = "5 seconds"
const flushTimeout = "2 seconds"

export type Uses = ReadonlyMap<string, number>

/** `write` adds the uses of one namespace, by the entries' numbers. What it cannot write is given up. */
export const makeUseCounts = Effect.fnUntraced(function*(
  write: (namespace: Namespace, uses: Uses) => Effect.Effect<void, StoreUnavailable>
): Effect.fn.Return<(namespace: Namespace, seq: string) => void, never, Scope.Scope> {
  let waiting = new Map<Namespace, Map<string, number>>()
  let size = 0
  const flush = Effect.suspend(() => {
    const uses = waiting
    waiting = new Map()
    size = 0
    return Effect.forEach(uses, ([namespace, ofNamespace]) => Effect.ignore(write(namespace, ofNamespace)), {
      discard: true
    })
  })
  yield* Effect.addFinalizer(() => Effect.timeoutOption(Effect.interruptible(flush), flushTimeout))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(flushEvery), flush)))
  return (namespace, seq) => {
    if (size >= maxWaiting) return
    const ofNamespace = waiting.get(namespace) ?? new Map<string, number>()
    waiting.set(namespace, ofNamespace)
    if (!ofNamespace.has(seq)) size++
    ofNamespace.set(seq, (ofNamespace.get(seq) ?? 0) + 1)
  }
})
