/** OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat */
import { Result, Schema } from "effect"
import type { AiAnswer } from "../../domain/Ai.ts"
import type { NoAnswer, Protocol } from "./httpProvider.ts"

const TokenCount = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 }))

const Completion = Schema.Struct({
  model: Schema.optionalKey(Schema.NullOr(Schema.String)),
  choices: Schema.NonEmptyArray(Schema.Struct({
    message: Schema.Struct({
      content: Schema.optionalKey(Schema.NullOr(Schema.String)),
      refusal: Schema.optionalKey(Schema.NullOr(Schema.String))
    }),
    finish_reason: Schema.optionalKey(Schema.NullOr(Schema.String))
  })),
  usage: Schema.optionalKey(Schema.Unknown),
  error: Schema.optionalKey(Schema.Unknown)
})

const CompletionUsage = Schema.Struct({ prompt_tokens: TokenCount, completion_tokens: TokenCount })

const decodeCompletion = Schema.decodeUnknownResult(Completion)
const decodeUsage = Schema.decodeUnknownResult(CompletionUsage)

const malformed = (detail: string): Result.Result<never, NoAnswer> => Result.fail({ _tag: "Malformed", detail })

export const openAiProtocol = (options: { readonly baseUrl: string; readonly model: string }): Protocol => ({
  url: `${options.baseUrl.replace(/\/+$/, "")}/chat/completions`,
  encode: (request) => ({
    model: request.model ?? options.model,
    max_tokens: request.maxTokens,
    messages: [{ role: "user", content: request.prompt }]
  }),
  decode: (body, request) => decode(body, request.model ?? options.model)
})

const decode = (body: unknown, asked: string): Result.Result<AiAnswer, NoAnswer> => {
  const completion = decodeCompletion(body)
  if (completion._tag === "Failure") return malformed(completion.failure.message)
  if (completion.success.error !== undefined && completion.success.error !== null) {
    return malformed("the body holds an error beside its choices")
  }
  const [choice] = completion.success.choices
  const { content, refusal } = choice.message
  if (typeof refusal === "string" && refusal.trim() !== "") return Result.fail({ _tag: "Refused", message: refusal })
  if (choice.finish_reason === "content_filter") {
    return Result.fail({ _tag: "Refused", message: "the provider's content filter stopped the answer" })
  }
  if (typeof content !== "string" || content.trim() === "") return malformed("the answer is empty")
  const finish = choice.finish_reason
  if (typeof finish !== "string" || finish === "" || finish === "error") {
    return malformed(`the answer has no usable finish_reason (${JSON.stringify(finish ?? null)}): it is not complete`)
  }
  // Usage is worth having, but a good text is not thrown away for a bad count.
  const usage = decodeUsage(completion.success.usage)
  return Result.succeed({
    text: content,
    model: completion.success.model ?? asked,
    isComplete: finish !== "length",
    usage: usage._tag === "Success"
      ? { inputTokens: usage.success.prompt_tokens, outputTokens: usage.success.completion_tokens }
      : undefined
  })
}
