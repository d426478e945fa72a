/** The plainest way to speak: `{prompt, max_tokens}` -> `{text}`. */
import { Result, Schema } from "effect"
import type { AiAnswer } from "../../domain/Ai.ts"
import type { NoAnswer, Protocol } from "./protocol.ts"

const decodePlain = Schema.decodeUnknownResult(Schema.Struct({
  text: Schema.String,
  model: Schema.optionalKey(Schema.NullOr(Schema.String))
}))

export const plainProtocol = (options: { readonly url: string; readonly model: string }): Protocol => ({
  url: options.url,
  takesTextOnly: true,
  encode: (request) => ({
    prompt: request.chat?.transcript ?? request.prompt,
    max_tokens: request.maxTokens,
    ...(request.model !== undefined && { model: request.model })
  }),
  decode: (body, request): Result.Result<AiAnswer, NoAnswer> => {
    const plain = decodePlain(body)
    if (plain._tag === "Failure") return Result.fail({ _tag: "Malformed", detail: plain.failure.message })
    const { model, text } = plain.success
    return text.trim() === ""
      ? Result.fail({ _tag: "Malformed", detail: "the answer is empty" })
      : Result.succeed({ text, model: model ?? request.model ?? options.model, usage: undefined, isComplete: true })
  }
})
