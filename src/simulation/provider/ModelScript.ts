/** Plays a provider by its model: limits first, then what goes wrong, then how long it takes. */
import { type Draw, logNormal } from "../random/Draws.ts"
import { makeLimitGate } from "./LimitGate.ts"
import {
  type CallOutcome,
  faultKinds,
  type FaultShares,
  type LatencyModel,
  type ProviderModel,
  type ProviderScript,
  type TroubleWindow
} from "./ProviderModel.ts"

const defaultFailureMillis = 200

/** Each call takes the same number of random numbers, whatever it comes to: what is changed elsewhere shifts nothing. */
export const scriptOf = (model: ProviderModel, draw: Draw): ProviderScript => {
  const verdictOn = model.limits === undefined ? () => "ok" as const : makeLimitGate(model.limits)
  const failureMillis = model.failureMillis ?? defaultFailureMillis

  return {
    next: (atMillis): CallOutcome => {
      const chance = draw()
      const latencyMillis = latencyOf(model.latency, draw)
      const windows = model.windows.filter((window) => isWithin(window, atMillis))
      const factor = windows.reduce((product, { latencyFactor = 1 }) => product * latencyFactor, 1)
      const verdict = verdictOn(atMillis)
      if (verdict !== "ok") return { afterMillis: failureMillis, outcome: "rate_limited", ...verdict }
      const outcome = faultOf(windows.findLast(({ faults }) => faults !== undefined)?.faults ?? model.faults, chance)
      switch (outcome) {
        case "answer":
        case "malformed":
          return { afterMillis: latencyMillis * factor, outcome }
        case "timeout":
          return { afterMillis: Infinity, outcome }
        case "rate_limited":
          return { afterMillis: failureMillis, outcome, limitedBy: "fault" }
        default:
          return { afterMillis: failureMillis * factor, outcome }
      }
    }
  }
}

export const isWithin = (window: Pick<TroubleWindow, "fromMillis" | "toMillis">, atMillis: number): boolean =>
  window.fromMillis <= atMillis && atMillis < window.toMillis

/** Always three random numbers. */
export const latencyOf = ({ medianMillis, sigma, tail }: LatencyModel, draw: Draw): number => {
  const millis = logNormal(draw, medianMillis, sigma)
  const isInTail = draw() < (tail?.share ?? 0)
  return isInTail && tail !== undefined ? millis * tail.factor : millis
}

const faultOf = (shares: FaultShares, chance: number): CallOutcome["outcome"] => {
  let sum = 0
  for (const kind of faultKinds) {
    sum += shares[kind] ?? 0
    if (chance < sum) return kind
  }
  return "answer"
}
