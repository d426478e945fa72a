/** The error table of DESIGN 3: what each failure of an attempt or of the live step leads to. One place, pure. */
import { Duration } from "effect"
import { failure, ignored, type Outcome, success } from "../circuit/Circuit.ts"
import type { AiError, LiveError, Recoverable } from "../errors.ts"
import type { FallbackReason } from "../Generation.ts"

/** The longest `Retry-After` that we believe. */
export const maxRetryAfterMillis = 3_600_000

/** How long the provider asks us to wait, at most an hour; 0 when it does not ask. */
export const retryAfterMillisOf = (error: LiveError): number =>
  "retryAfter" in error && error.retryAfter !== undefined
    ? Math.min(Duration.toMillis(error.retryAfter), maxRetryAfterMillis)
    : 0

/** Whether a second attempt can help; whether it fits is for `Retry.ts`. */
export const isRetryable = (error: LiveError): boolean => {
  switch (error._tag) {
    case "AiTimeout":
    case "AiRateLimited":
    case "AiUnavailable":
    case "AiMalformed":
      return true
    case "AiRejected":
    case "AiUnauthorized":
    case "CircuitOpen":
    case "LimitExceeded":
    case "DeadlineExceeded":
      return false
  }
}

/** What a failed attempt says of the provider's health. */
export const outcomeOf = (error: AiError): Outcome => {
  switch (error._tag) {
    case "AiTimeout":
      return error.shortened ? ignored : failure(error.message)
    case "AiUnavailable":
      return failure(error.message, retryAfterMillisOf(error))
    case "AiMalformed":
      return failure(error.message)
    case "AiRejected":
      return success
    case "AiRateLimited":
    case "AiUnauthorized":
      return ignored
  }
}

/** Whether the fallback may take the error away: all but a refusal of the request itself, which the user must hear. */
export const isRecoverable = (error: LiveError): error is Recoverable => error._tag !== "AiRejected"

/** What the user is told of why an answer is not live. */
export const fallbackReasonOf = (error: Recoverable): FallbackReason => {
  switch (error._tag) {
    case "AiTimeout":
      return "timeout"
    case "AiRateLimited":
      return "rate_limited"
    case "AiUnavailable":
      return "unavailable"
    case "AiMalformed":
      return "malformed"
    case "AiUnauthorized":
      return "unauthorized"
    case "CircuitOpen":
      return "circuit_open"
    case "LimitExceeded":
      return error.reason === "cooling_down" ? "rate_limited" : "overloaded"
    case "DeadlineExceeded":
      return "deadline"
  }
}
