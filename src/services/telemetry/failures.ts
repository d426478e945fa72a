/** What spans and metrics say of a failure: its kind and our own words, never a provider's, which may quote a prompt. */
import { Cause, Exit, Option, Predicate } from "effect"

/** `error.type`: the provider's status where there is one, an embedder's reason, else the tag of the error. */
export const errorTypeOf = (error: unknown): string => {
  if (Predicate.hasProperty(error, "status") && Predicate.isNumber(error.status)) return String(error.status)
  if (!Predicate.hasProperty(error, "_tag") || !Predicate.isString(error._tag)) {
    return error instanceof Error ? error.name : "_OTHER"
  }
  if (error._tag === "AiRateLimited") return "429"
  const isReasoned = error._tag === "EmbeddingFailed" && Predicate.hasProperty(error, "reason")
  return isReasoned && Predicate.isString(error.reason) ? error.reason : error._tag
}

/** Of an exit; none: it succeeded, or was interrupted. */
export const errorTypeOfExit = (exit: Exit.Exit<unknown, unknown>): string | undefined => {
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return undefined
  const error = Cause.findErrorOption(exit.cause)
  if (isPutOff(error)) return undefined
  return errorTypeOf(Option.isSome(error) ? error.value : Cause.squash(exit.cause))
}

/** An errand that comes again within seconds, for no fault of anybody's. */
const isPutOff = (error: Option.Option<unknown>): boolean =>
  Option.isSome(error) && Predicate.isTagged(error.value, "NotNow")

/** No `Error`, for one has a stack: where in our code a provider's failure came up is of no use to anybody. */
interface Told {
  readonly name: string
  readonly message: string
}

/** The exit as a span may show it: no value, and of an error what is ours. */
export const tellable = (exit: Exit.Exit<unknown, unknown>): Exit.Exit<void, Told> => {
  if (Exit.isSuccess(exit)) return Exit.void
  if (Cause.hasInterruptsOnly(exit.cause)) return Exit.interrupt()
  const error = Cause.findErrorOption(exit.cause)
  if (isPutOff(error)) return Exit.void
  if (Option.isSome(error)) return Exit.fail(toldOf(error.value))
  const defect = Cause.squash(exit.cause)
  return Exit.fail(told(defect instanceof Error ? defect.name : "defect", "a bug: see the log"))
}

const toldOf = (error: unknown): Told => {
  if (!Predicate.hasProperty(error, "_tag") || !Predicate.isString(error._tag)) {
    return told(errorTypeOf(error), "see the log")
  }
  const { _tag } = error
  // Their messages hold words of others.
  if (_tag === "AiRejected") return told(_tag, `the provider refuses the request (${errorTypeOf(error)})`)
  if (_tag === "StreamBroken") {
    const cause = Predicate.hasProperty(error, "cause") ? ` (${errorTypeOf(error.cause)})` : ""
    return told(_tag, `the answer broke off${cause}`)
  }
  return told(_tag, error instanceof Error && ours.has(_tag) ? error.message : _tag)
}

const told = (name: string, message: string): Told => ({ name, message })

/** Errors whose messages are made of nothing but our own words, names and numbers. */
const ours: ReadonlySet<string> = new Set([
  "AiTimeout",
  "AiRateLimited",
  "AiUnavailable",
  "AiMalformed",
  "AiUnauthorized",
  "CircuitOpen",
  "LimitExceeded",
  "DeadlineExceeded",
  "GenerationUnavailable",
  "EmbeddingFailed"
])
