/** Plays a provider by its model: limits first, then what goes wrong, then how long it takes. */
import { type Draw, logNormal } from "../random/Draws.ts"
import { makeLimitGate } from "./LimitGate.ts"
import {
  type CallOutcome,
  type FaultKind,
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
      const factor = factorAt(model, atMillis)
      const verdict = verdictOn(atMillis)
      if (verdict !== "ok") return { afterMillis: failureMillis, outcome: "rate_limited", ...verdict }
      const outcome = faultOf(faultsAt(model, atMillis), chance)
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

/** How much of a trouble there is: 1 in its time, then less and less. */
const severityAt = ({ fromMillis, recoveryMillis = 0, toMillis }: TroubleWindow, atMillis: number): number => {
  if (atMillis < fromMillis) return 0
  return atMillis < toMillis ? 1 : Math.max(0, 1 - (atMillis - toMillis) / recoveryMillis)
}

const factorAt = ({ windows }: ProviderModel, atMillis: number): number =>
  windows.reduce(
    (product, window) => product * (1 + ((window.latencyFactor ?? 1) - 1) * severityAt(window, atMillis)),
    1
  )

/** Of several troubles at a time, the last one of the list. */
const faultsAt = ({ faults, windows }: ProviderModel, atMillis: number): FaultShares => {
  const window = windows.findLast((window) => window.faults !== undefined && severityAt(window, atMillis) > 0)
  if (window?.faults === undefined) return faults
  const severity = severityAt(window, atMillis)
  return mixed(faults, window.faults, severity)
}

const mixed = (usual: FaultShares, trouble: FaultShares, severity: number): FaultShares => {
  const shares: { [kind in FaultKind]?: number } = {}
  for (const kind of faultKinds) shares[kind] = (usual[kind] ?? 0) * (1 - severity) + (trouble[kind] ?? 0) * severity
  return shares
}

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
