/** OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat */
import { type Redacted, Result, Schema } from "effect"
import type { AiAnswer, AiRequest } from "../../domain/Ai.ts"
import { errorMessageOf } from "./errorMessage.ts"
import { isObject, isSomething, type Json } from "./json.ts"
import { piecesOf } from "./openAiChunks.ts"
import { makeOpenAiReader } from "./openAiStream.ts"
import { malformed, usageOf, verdict } from "./openAiVerdict.ts"
import type { NoAnswer, Protocol } from "./protocol.ts"

interface Options {
  readonly baseUrl: string
  readonly model: string
  readonly apiKey?: Redacted.Redacted | undefined
}

export const openAiProtocol = (options: Options): Protocol => {
  const modelFor = (request: AiRequest) => request.model ?? options.model

  const encode = (request: AiRequest) =>
    request.chat === undefined
      ? {
        model: modelFor(request),
        max_tokens: request.maxTokens,
        messages: [{ role: "user", content: request.prompt }]
      }
      : { ...request.chat.body, model: modelFor(request) }

  return {
    url: `${options.baseUrl.replace(/\/+$/, "")}/chat/completions`,
    encode,
    decode: (body, request) => decode(body, modelFor(request), request.chat !== undefined),
    streaming: {
      encode: (request) => ({ ...encode(request), stream: true, stream_options: { include_usage: true } }),
      read: (request, limits) =>
        makeOpenAiReader({
          model: modelFor(request),
          isChat: request.chat !== undefined,
          limits,
          wordsOf: (error) => errorMessageOf(error, options.apiKey)
        }),
      piecesOf: (body, answer, request) => piecesOf(body, answer, request.chat !== undefined)
    }
  }
}

const optional = Schema.optionalKey(Schema.Unknown)
const optionalText = Schema.optionalKey(Schema.NullOr(Schema.String))

const Completion = Schema.Struct({
  model: optionalText,
  choices: Schema.NonEmptyArray(Schema.Struct({
    message: Schema.Struct({
      content: optionalText,
      refusal: optionalText,
      tool_calls: optional,
      function_call: optional,
      audio: optional,
      images: optional,
      annotations: optional
    }),
    finish_reason: optionalText,
    logprobs: optional
  })),
  usage: optional,
  error: optional
})

type Message = typeof Completion.Type["choices"][0]["message"]

const decodeCompletion = Schema.decodeUnknownResult(Completion)

const decode = (body: Json, asked: string, isChat: boolean): Result.Result<AiAnswer, NoAnswer> => {
  const completion = decodeCompletion(body)
  if (completion._tag === "Failure") return malformed(completion.failure.message)
  if (completion.success.error !== undefined && completion.success.error !== null) {
    return malformed("the body holds an error beside its choices")
  }
  const { choices: [choice, ...others], model, usage } = completion.success
  const text = choice.message.content ?? ""
  const judged = verdict({
    text,
    refusal: choice.message.refusal ?? "",
    finish: choice.finish_reason,
    hasMore: hasMore(choice.message),
    hasBeside: isSomething(choice.logprobs) || isSomething(choice.message.annotations),
    isOneOfMany: others.length > 0,
    hasOthers: others.some(({ message }) => isSomething(message.content) || hasMore(message))
  }, isChat)
  return Result.map(judged, ({ isComplete }): AiAnswer => {
    const answer = { text, isComplete, model: model ?? asked, usage: usageOf(usage) }
    if (!isChat || !isObject(body)) return answer
    const native = isObject(body["usage"]) ? { completion: body, usage: body["usage"] } : { completion: body }
    return { ...answer, finishReason: choice.finish_reason ?? undefined, native }
  })
}

const hasMore = (message: Message): boolean => {
  const { annotations: _, content: __, ...beyond } = message
  return Object.values(beyond).some(isSomething)
}
