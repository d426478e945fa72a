/** Twelve seconds with everything in them: simulated, and then done for real. */
import { defaultPolicy, type Scenario } from "../../src/simulation/index.ts"

/**
 * Nothing in it is a near thing: an answer comes within a tenth of a second or never, every timeout is a second or more,
 * and the four workers of the simple strategies are busy for half of the time. So what real time adds to each call decides
 * next to nothing.
 */
export const shortScenario: Scenario = {
  name: "short",
  about: "Twelve seconds with random faults, an outage, and a limit that is reached towards the end",
  durationMillis: 12_000,
  provider: {
    latency: { medianMillis: 30, sigma: 0.3 },
    faults: {
      timeout: 0.003,
      rate_limited: 0.004,
      unavailable: 0.015,
      malformed: 0.004,
      unauthorized: 0.005,
      rejected: 0.01
    },
    failureMillis: 20,
    limits: { requestsPerMinute: 240, retryAfterMillis: 1_000 },
    windows: [{ what: "outage", fromMillis: 2_500, toMillis: 4_000, faults: { unavailable: 0.95, timeout: 0.05 } }]
  },
  traffic: {
    perDay: 25 * 86_400,
    dailySwing: 0,
    bursts: [],
    prompts: { subjects: 200, exponent: 0.8, paraphrased: 0.5 },
    patience: { atLeastMillis: 3_000, meanExtraMillis: 500 }
  },
  policy: {
    ...defaultPolicy,
    breaker: { ...defaultPolicy.breaker, failures: 5, cooldownMillis: 1_000 },
    retry: { ...defaultPolicy.retry, baseDelayMillis: 200 },
    timeout: { attemptMillis: 1_000, totalMillis: 2_500 }
  },
  warmSubjects: 50
}
