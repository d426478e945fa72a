/** What becomes of a job that could not go live: when it is tried again. Pure. */
import type { LiveError, Recoverable } from "../errors.ts"
import { isRecoverable, retryAfterMillisOf } from "../ladder/ErrorTable.ts"

export interface FailedTurn {
  readonly error: LiveError
  /** That reached a provider so far, in all turns. */
  readonly attempts: number
  /** Until the job's deadline, in milliseconds. */
  readonly leftMillis: number
  /** In [0, 1). */
  readonly random: number
}

export type NextTurn =
  /** `inMillis` is undefined when the deadline comes first. */
  | { readonly _tag: "Wait"; readonly error: Recoverable; readonly inMillis: number | undefined }
  /** The request itself is refused: patience does not help. */
  | { readonly _tag: "Refused"; readonly error: Exclude<LiveError, Recoverable> }

const minWaitMillis = 1_000
/** Nobody waits longer without looking: an operator may have closed a circuit or mended a key. */
const maxWaitMillis = 60_000
const firstBackoffMillis = 2_000
/** While a probe is out a circuit asks for a second's patience: too little for thousands that all look at it. */
const circuitMillis = 5_000

/**
 * As long as somebody asks us to wait (an open circuit, a limit, a provider's `Retry-After`), or else twice as long with
 * each attempt. A fifth of chance on top keeps those that wait for the same from coming all at once.
 */
export const nextTurn = ({ attempts, error, leftMillis, random }: FailedTurn): NextTurn => {
  if (!isRecoverable(error)) return { _tag: "Refused", error }
  const inMillis = waitMillis(baseOf(error, attempts), random)
  return { _tag: "Wait", error, inMillis: inMillis < leftMillis ? inMillis : undefined }
}

/** How long it is until the next turn of one that was asked to wait so long, by a chance between 0 and 1. */
export const waitMillis = (asked: number, random: number): number =>
  Math.ceil(Math.min(maxWaitMillis, Math.max(minWaitMillis, asked)) * (1 + random / 5))

const baseOf = (error: Recoverable, attempts: number): number => {
  switch (error._tag) {
    case "CircuitOpen":
      return Math.max(circuitMillis, retryAfterMillisOf(error))
    case "LimitExceeded":
      return retryAfterMillisOf(error)
    case "AiUnauthorized":
      return maxWaitMillis
    case "AiTimeout":
    case "AiRateLimited":
    case "AiUnavailable":
    case "AiMalformed":
    case "DeadlineExceeded":
      return Math.max(retryAfterMillisOf(error), firstBackoffMillis * 2 ** Math.min(attempts / 2, 10))
  }
}
