/** STUB of branch `cli`, to be replaced by the core's. */
import { defaultPolicy } from "../policy/defaultPolicy.ts"
import type { Scenario } from "../Scenario.ts"

const minute = 60_000

const story: Scenario = {
  name: "story",
  about: "A day of a provider that fails 15 % of its calls",
  durationMillis: 24 * 60 * minute,
  provider: { latency: { medianMillis: 2_000, sigma: 0.5 }, faults: { unavailable: 0.1, timeout: 0.05 }, windows: [] },
  traffic: {
    perDay: 100_000,
    dailySwing: 0.5,
    bursts: [],
    prompts: { subjects: 1_000, exponent: 1, paraphrased: 0.3 },
    patience: { atLeastMillis: 30_000, meanExtraMillis: 30_000 }
  },
  policy: defaultPolicy,
  warmSubjects: 200
}

export const scenarios: ReadonlyArray<Scenario> = [
  story,
  {
    ...story,
    name: "outage",
    about: "The provider is dead for 30 minutes",
    durationMillis: 120 * minute,
    provider: {
      ...story.provider,
      windows: [{ what: "outage", fromMillis: 30 * minute, toMillis: 60 * minute, faults: { unavailable: 1 } }]
    }
  }
]
