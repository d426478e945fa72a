/** What a circuit was when, in as many equal parts as a picture has room for. */
import type { CircuitLane, StrategyResult } from "../run/Result.ts"

export interface Run {
  readonly state: CircuitLane
  /** Parts: from the first to before the last. */
  readonly from: number
  readonly to: number
}

const weight: { readonly [state in CircuitLane]: number } = { Closed: 0, HalfOpen: 1, Open: 2 }

/** The worst state of each part, so that none is too short to be seen; parts of one state together. */
export const runsOf = (circuit: StrategyResult["circuit"], endMillis: number, parts: number): ReadonlyArray<Run> => {
  if (circuit.length === 0 || !(endMillis > 0)) return []
  const states: Array<CircuitLane> = Array.from({ length: parts }, () => "Closed")
  for (const [index, { atMillis, state }] of circuit.entries()) {
    // The first holds from the beginning.
    const from = index === 0 ? 0 : atMillis
    const until = Math.min(circuit[index + 1]?.atMillis ?? endMillis, endMillis)
    if (until <= from) continue
    const last = Math.min(parts, Math.ceil(until / endMillis * parts))
    for (let part = Math.floor(from / endMillis * parts); part < last; part++) {
      const before = states[part]
      if (before !== undefined && weight[state] > weight[before]) states[part] = state
    }
  }
  const runs: Array<Run> = []
  let from = 0
  for (const [part, state] of states.entries()) {
    if (state === states[part + 1]) continue
    runs.push({ state, from, to: part + 1 })
    from = part + 1
  }
  return runs
}
