/** What the provider's circuit was when. */
import { Clock, Effect, type Scope, Stream } from "effect"
import type { CircuitBreaker, CircuitTransition } from "../../services/CircuitBreaker.ts"
import type { CircuitLane, StrategyResult } from "./Result.ts"

type Lane = Pick<StrategyResult, "circuit" | "openMillis">

/** Watches from now on; `seen` says what has been seen so far. */
export const watchCircuit = Effect.fnUntraced(function*(
  breaker: CircuitBreaker["Service"],
  key: string,
  beginMillis: number
): Effect.fn.Return<{ readonly seen: Effect.Effect<Lane> }, never, Scope.Scope> {
  const lane: Array<StrategyResult["circuit"][number]> = [{ atMillis: 0, state: "Closed" }]
  const add = (transition: CircuitTransition): void => {
    if (transition.key === key) lane.push({ atMillis: transition.at - beginMillis, state: laneOf(transition.to) })
  }
  yield* Effect.forkScoped(Stream.runForEach(breaker.transitions, (transition) => Effect.sync(() => add(transition))))
  yield* Effect.yieldNow
  const seen = Effect.gen(function*() {
    const known = yield* breaker.statuses
    // The breaker forgets a circuit that is idle for long.
    if (lane.length === 1 && !known.some((status) => status.key === key)) return { circuit: [], openMillis: 0 }
    const endMillis = (yield* Clock.currentTimeMillis) - beginMillis
    return { circuit: lane, openMillis: notClosed(lane, endMillis) }
  })
  return { seen }
})

const laneOf = (state: CircuitTransition["to"]): CircuitLane =>
  state === "ForcedOpen" ? "Open" : state === "ForcedClosed" ? "Closed" : state

const notClosed = (lane: Lane["circuit"], endMillis: number): number =>
  lane.reduce(
    (sum, { atMillis, state }, index) =>
      state === "Closed" ? sum : sum + (lane[index + 1]?.atMillis ?? endMillis) - atMillis,
    0
  )
