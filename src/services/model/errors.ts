/** Between effect/ai's errors and the ladder's: what a model's failure leads to, and what its caller is told of ours. */
import { AiError } from "effect/ai"
import {
  type AiError as AttemptError,
  AiMalformed,
  AiRateLimited,
  AiRejected,
  AiUnauthorized,
  AiUnavailable,
  type LiveError,
  type StreamBreak
} from "../../domain/errors.ts"

/**
 * What the ladder makes of it. The words of effect/ai may quote the prompt or hold a URL with a key in it: whoever asked
 * gets them back with the error itself, and ours, which is logged, has none but a refusal's.
 */
export const attemptError = (provider: string, { reason }: AiError.AiError): AttemptError => {
  const status = "http" in reason ? reason.http?.response?.status : undefined
  switch (reason._tag) {
    case "RateLimitError":
      return new AiRateLimited({ provider, ...reason.retryAfter !== undefined && { retryAfter: reason.retryAfter } })
    case "QuotaExhaustedError":
      return new AiUnauthorized({ provider, status: status ?? 402 })
    case "AuthenticationError":
      return new AiUnauthorized({ provider, status: status ?? 401 })
    case "InternalProviderError":
      return unavailable(provider, status)
    case "UnknownError":
      return status === undefined ? unavailable(provider, status) : byStatus(provider, status, reason.message)
    case "NetworkError":
      return reason.reason === "EncodeError"
        ? new AiRejected({ provider, status: 400, message: reason.message })
        : new AiUnavailable({ provider, detail: "no connection" })
    case "InvalidResponseError":
    case "InvalidOutputError":
    case "StructuredOutputError":
    case "ToolNotFoundError":
    case "ToolParameterValidationError":
      return new AiMalformed({ provider, detail: detailOf[reason._tag], words: reason.message })
    case "ContentPolicyError":
    case "InvalidRequestError":
    case "InvalidUserInputError":
    case "UnsupportedSchemaError":
    case "InvalidToolResultError":
    case "ToolResultEncodingError":
    case "ToolConfigurationError":
    case "ToolkitRequiredError":
      return new AiRejected({ provider, status: status ?? 400, message: reason.message })
  }
}

const detailOf = {
  InvalidResponseError: "its response does not decode",
  InvalidOutputError: "its output does not decode",
  StructuredOutputError: "its output is not the object that was asked for",
  ToolNotFoundError: "it calls a tool that does not exist",
  ToolParameterValidationError: "it calls a tool with the wrong parameters"
}

const unavailable = (provider: string, status: number | undefined): AiUnavailable =>
  status === undefined
    ? new AiUnavailable({ provider, detail: "an internal error" })
    : new AiUnavailable({ provider, status, detail: `status ${status}` })

const byStatus = (provider: string, status: number, message: string): AttemptError => {
  if (status === 429) return new AiRateLimited({ provider })
  if (status === 401 || status === 402 || status === 403) return new AiUnauthorized({ provider, status })
  const isRefusal = status >= 400 && status < 500 && status !== 408 && status !== 409 && status !== 425
  return isRefusal ? new AiRejected({ provider, status, message }) : unavailable(provider, status)
}

/** What a program that knows effect/ai alone is told when the ladder itself has ended the call. */
export const modelError = (method: string, error: LiveError | StreamBreak): AiError.AiError =>
  AiError.make({ module: "Understudy", method, reason: reasonOf(error) })

const reasonOf = (error: LiveError | StreamBreak): AiError.AiErrorReason => {
  const description = error.message
  const metadata = { understudy: { error: error._tag } }
  switch (error._tag) {
    case "AiRateLimited":
    case "LimitExceeded":
      return new AiError.RateLimitError({ metadata, retryAfter: error.retryAfter })
    case "AiUnauthorized":
      return new AiError.AuthenticationError({ kind: "Unknown", description, metadata })
    case "AiRejected":
      return new AiError.InvalidRequestError({ description, metadata })
    case "AiMalformed":
      return new AiError.InvalidOutputError({ description, metadata })
    case "AiTimeout":
    case "AiUnavailable":
    case "CircuitOpen":
    case "DeadlineExceeded":
    case "ReaderStalled":
    case "StreamStopped":
      return new AiError.InternalProviderError({ description, metadata })
  }
}
