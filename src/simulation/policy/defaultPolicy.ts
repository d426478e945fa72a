/** What a simulation begins with: the service's own defaults (a test holds it to those of `AppConfig`). */
import { defaultMinSimilarity } from "../../domain/similarity/TextVector.ts"
import type { Policy } from "./Policy.ts"

const second = 1_000
const minute = 60 * second
const day = 24 * 60 * minute

/** What the service does when nothing is configured. */
export const defaultPolicy: Policy = {
  breaker: { failures: 3, windowMillis: minute, cooldownMillis: 30 * second, probes: 1, successes: 1 },
  retry: { attempts: 2, baseDelayMillis: second, share: 0.2, floor: 10 },
  timeout: { attemptMillis: 30 * second, totalMillis: minute },
  limits: { concurrency: 8, queue: 64, requestsPerMinute: 0, tokensPerMinute: 0 },
  // As many entries as in the database: the memory's own default is for tests.
  fallback: { minSimilarity: defaultMinSimilarity, maxAgeMillis: 30 * day, maxEntries: 20_000, templates: 1 }
}
