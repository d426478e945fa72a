/** What the service is configured with in a simulation: every value has a name, and can be set and swept. */

/** Durations in milliseconds, shares from 0 to 1. What each does is said by the options of its service. */
export interface Policy {
  readonly breaker: {
    readonly failures: number
    readonly windowMillis: number
    readonly cooldownMillis: number
    readonly probes: number
    readonly successes: number
  }
  readonly retry: {
    readonly attempts: number
    readonly baseDelayMillis: number
    /** Of the calls of a minute. */
    readonly share: number
    /** Retries per minute that are always allowed. */
    readonly floor: number
  }
  readonly timeout: {
    readonly attemptMillis: number
    readonly totalMillis: number
  }
  readonly limits: {
    readonly concurrency: number
    readonly queue: number
    /** 0: no limit. */
    readonly requestsPerMinute: number
    /** 0: no limit. */
    readonly tokensPerMinute: number
  }
  readonly fallback: {
    readonly minSimilarity: number
    readonly maxAgeMillis: number
    readonly maxEntries: number
    /** 1: a template is the last rung; 0: there is none. */
    readonly templates: number
  }
}
