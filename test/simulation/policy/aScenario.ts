/** A scenario in which every part that a value can be set of is there. */
import { defaultPolicy } from "../../../src/simulation/policy/defaultPolicy.ts"
import type { Scenario } from "../../../src/simulation/Scenario.ts"

export const aScenario: Scenario = {
  name: "a",
  about: "For tests.",
  durationMillis: 24 * 3_600_000,
  provider: {
    latency: { medianMillis: 2_000, sigma: 0.5, tail: { share: 0.01, factor: 10 } },
    faults: { timeout: 0.02, unavailable: 0.06, malformed: 0.02 },
    limits: { requestsPerMinute: 60, ban: { rejections: 10, millis: 300_000 } },
    windows: []
  },
  traffic: {
    perDay: 100_000,
    dailySwing: 0.5,
    bursts: [],
    prompts: { subjects: 1_000, exponent: 1, paraphrased: 0.3 },
    patience: { atLeastMillis: 30_000, meanExtraMillis: 30_000 }
  },
  policy: defaultPolicy,
  warmSubjects: 100
}
