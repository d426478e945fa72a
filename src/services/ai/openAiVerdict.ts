/** When what an OpenAI-like provider says is an answer, and when it is all of it. Pure. */
import { Result, Schema } from "effect"
import type { Usage } from "../../domain/Generation.ts"
import type { NoAnswer } from "./protocol.ts"

/** What has been said, in one piece or in many. */
export interface Said {
  /** Of the first choice. */
  readonly text: string
  readonly refusal: string
  readonly finish: string | null | undefined
  /** The first choice has a tool's call, sound, an image. */
  readonly hasMore: boolean
  /** There is something that a text alone does not say: probabilities, sources. */
  readonly hasBeside: boolean
  /** There are other choices; `hasOthers`: with something in them. */
  readonly isOneOfMany: boolean
  readonly hasOthers: boolean
}

/** To a conversation everything that its asker can read is an answer; to a prompt only a text is. */
export const verdict = (said: Said, isChat: boolean): Result.Result<{ readonly isComplete: boolean }, NoAnswer> => {
  const { finish, text } = said
  const refuses = said.refusal.trim() !== ""
  if (!isChat) {
    if (refuses) return Result.fail({ _tag: "Refused", message: said.refusal })
    if (finish === "content_filter") {
      return Result.fail({ _tag: "Refused", message: "the provider's content filter stopped the answer" })
    }
  }
  const isBlank = text.trim() === ""
  const isMore = refuses || said.hasMore
  if (isBlank && !(isChat && (isMore || said.hasOthers || finish === "content_filter"))) {
    return malformed("the answer is empty")
  }
  if (typeof finish !== "string" || finish === "" || finish === "error") {
    return malformed(`the answer has no usable finish_reason (${JSON.stringify(finish ?? null)}): it is not complete`)
  }
  return Result.succeed({
    isComplete: isChat
      ? !isBlank && !isMore && !said.hasBeside && !said.isOneOfMany && !isCut.has(finish)
      : finish !== "length"
  })
}

export const malformed = (detail: string): Result.Result<never, NoAnswer> => Result.fail({ _tag: "Malformed", detail })

/** What a message can have that is an answer without any text. */
export const beyondText: ReadonlySet<string> = new Set(["tool_calls", "function_call", "audio", "images", "refusal"])

/** What comes beside a text, and is lost where only the text is kept. */
export const besideText: ReadonlySet<string> = new Set(["annotations", "logprobs"])

/** After these there is more to the answer than its text, or less. */
const isCut: ReadonlySet<string> = new Set(["length", "content_filter", "tool_calls", "function_call"])

const TokenCount = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 }))
const decodeUsage = Schema.decodeUnknownResult(
  Schema.Struct({ prompt_tokens: TokenCount, completion_tokens: TokenCount })
)

/** Usage is worth having, but a good text is not thrown away for a bad count. */
export const usageOf = (raw: unknown): Usage | undefined => {
  const usage = decodeUsage(raw)
  return usage._tag === "Success"
    ? { inputTokens: usage.success.prompt_tokens, outputTokens: usage.success.completion_tokens }
    : undefined
}
