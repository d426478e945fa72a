/** What a model's parts come to as an answer of the ladder. */
import { Result } from "effect"
import type { Response } from "effect/ai"
import type { AiAnswer } from "../../domain/Ai.ts"
import { AiMalformed } from "../../domain/errors.ts"
import type { Usage } from "../../domain/Generation.ts"

/** What has been heard of an answer, part by part. */
export interface Heard {
  text: string
  /** There is more in it than text and thoughts: a tool's call, a file. */
  hasMore: boolean
  model: string | undefined
  finish: Response.FinishPartEncoded | undefined
}

export const nothingHeard = (): Heard => ({ text: "", hasMore: false, model: undefined, finish: undefined })

type AnyPart = Response.PartEncoded | Response.StreamPartEncoded

export const hear = (heard: Heard, part: AnyPart): void => {
  switch (part.type) {
    case "text":
      heard.text += part.text
      break
    case "text-delta":
      heard.text += part.delta
      break
    case "response-metadata":
      heard.model = part.modelId ?? heard.model
      break
    case "finish":
      heard.finish = part
      break
    case "file":
    case "tool-call":
    case "tool-result":
      heard.hasMore = true
  }
}

/** Without an end that says so it is not complete: shown, and never remembered. */
export const answerOf = (
  provider: string,
  { finish, hasMore, model, text }: Heard
): Result.Result<AiAnswer, AiMalformed> => {
  if (finish?.reason === "error") {
    return Result.fail(new AiMalformed({ provider, detail: "it ended with an error" }))
  }
  if (text.trim() === "" && !hasMore) {
    return Result.fail(new AiMalformed({ provider, detail: "there is no text in it" }))
  }
  const reason = finish?.reason ?? "unknown"
  return Result.succeed({
    text,
    model: model ?? provider,
    usage: usageOf(finish?.usage),
    isComplete: reason === "stop" && !hasMore,
    finishReason: reason.replace("-", "_")
  })
}

/** None where the model does not say both. */
export const usageOf = (usage: Response.FinishPartEncoded["usage"] | undefined): Usage | undefined => {
  const inputTokens = usage?.inputTokens.total
  const outputTokens = usage?.outputTokens.total
  return inputTokens === undefined || outputTokens === undefined ? undefined : { inputTokens, outputTokens }
}
