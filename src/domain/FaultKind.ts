/** What can go wrong with one call of a provider. */
import type { AiError } from "./errors.ts"

/** The kinds are those of the error table, `timeout` being a call that hangs. */
export const faultKinds = [
  "timeout",
  "rate_limited",
  "unavailable",
  "malformed",
  "unauthorized",
  "rejected"
] as const
/** The kinds of failure that a script can play. */
export type FaultKind = (typeof faultKinds)[number]

export const faultKindOf = (error: AiError): FaultKind => {
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
    case "AiRejected":
      return "rejected"
  }
}
