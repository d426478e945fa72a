/**
 * How much one caller may ask for: requests per minute, and requests at the same time. Deterministic; times are
 * milliseconds since the epoch. A refused request counts for nothing.
 */
import { MinuteWindow } from "./MinuteWindow.ts"

/** What is absent is not limited. */
export interface CallerPolicy {
  readonly requestsPerMinute?: number | undefined
  readonly concurrency?: number | undefined
}

/** Which limit is reached. */
export interface CallerRefusal {
  readonly limit: "minute" | "concurrency"
  /** After this another try makes sense. Exact for the minute; nobody knows when a running request ends. */
  readonly waitMillis: number
}

/** The wait that is asked for when too many requests run. */
const concurrencyWaitMillis = 1_000

/** The counts of one key, in this process. */
export class CallerLimits {
  readonly policy: CallerPolicy
  #minute: MinuteWindow
  #running = 0

  private constructor(policy: CallerPolicy) {
    this.policy = policy
    this.#minute = new MinuteWindow(policy)
  }

  /** `undefined` for a caller without limits, of whom nothing need be counted. */
  static of(policy: CallerPolicy): CallerLimits | undefined {
    return policy.requestsPerMinute === undefined && policy.concurrency === undefined
      ? undefined
      : new CallerLimits(policy)
  }

  /** A request begins; each that was not refused has to {@link leave}, once. */
  enter(now: number): CallerRefusal | undefined {
    const waitMillis = this.#minute.earliest(now, 0) - now
    if (waitMillis > 0) return { limit: "minute", waitMillis }
    if (this.#running >= (this.policy.concurrency ?? Number.POSITIVE_INFINITY)) {
      return { limit: "concurrency", waitMillis: concurrencyWaitMillis }
    }
    this.#minute.charge(now, 0)
    this.#running += 1
    return undefined
  }

  leave(): void {
    this.#running -= 1
  }

  /** Requests that have not left. */
  get running(): number {
    return this.#running
  }

  /** Requests that the minute has room for, and when there is room for one more than that. */
  minute(now: number): { readonly left: number; readonly moreAt: number | undefined } {
    return this.#minute.requestRoom(now)
  }
}
