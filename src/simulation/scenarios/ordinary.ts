/** What the scenarios have in common: a provider and users as they usually are. */
import { defaultPolicy } from "../policy/defaultPolicy.ts"
import type { Policy } from "../policy/Policy.ts"
import type { ProviderModel, TroubleWindow } from "../provider/ProviderModel.ts"
import type { TrafficModel } from "../traffic/TrafficModel.ts"

export const minute = 60_000
export const hour = 60 * minute

/** On an ordinary day one of sixteen calls fails. */
export const ordinaryProvider: ProviderModel = {
  latency: { medianMillis: 4_000, sigma: 0.45, tail: { share: 0.01, factor: 4 } },
  faults: { timeout: 0.015, unavailable: 0.04, malformed: 0.005 },
  limits: { requestsPerMinute: 60, ban: { rejections: 60, millis: 5 * minute } },
  windows: []
}

/** Twice as many at the peak as on average; nobody waits for less than 25 seconds. */
export const ordinaryTraffic: TrafficModel = {
  perDay: 20_000,
  dailySwing: 0.7,
  bursts: [],
  prompts: { subjects: 15_000, exponent: 0.6, paraphrased: 0.9 },
  patience: { atLeastMillis: 25_000, meanExtraMillis: 30_000 }
}

/** The answer is there before the first user leaves, and our own limit is below that of the provider. */
export const wellSetPolicy: Policy = {
  ...defaultPolicy,
  timeout: { attemptMillis: 12_000, totalMillis: 20_000 },
  limits: { ...defaultPolicy.limits, requestsPerMinute: 54 },
  // One entry after the other is compared here: more than this takes more time than it adds.
  fallback: { ...defaultPolicy.fallback, maxEntries: 2_000 }
}

/** Nine of ten calls fail at once and the others hang; after it the provider comes back bit by bit. */
export const outageOf = (fromMillis: number, toMillis: number, recoveryMillis = 3 * minute): TroubleWindow => ({
  what: "outage",
  fromMillis,
  toMillis,
  faults: { unavailable: 0.9, timeout: 0.1 },
  recoveryMillis
})
