/** Any effect/ai LanguageModel as a provider of the ladder. */
import { Effect, Stream } from "effect"
import type { LanguageModel } from "effect/ai"
import type { AiRequest } from "../../domain/Ai.ts"
import { beyondText, isBeyondText } from "../../domain/TextOnly.ts"
import { promptOf } from "./conversation.ts"
import { ModelCall } from "./ModelCall.ts"

/** A request that brings its own call is answered by that; others by their prompt or their conversation of texts. */
export const makeModelClient = (model: LanguageModel.LanguageModel, provider: string) => {
  const callOf = (request: AiRequest) => request.call ?? new ModelCall(provider, model, { prompt: promptOf(request) })
  const isTooMuch = (request: AiRequest) => request.call === undefined && isBeyondText(request)
  return {
    provider,
    generate: (request: AiRequest) => isTooMuch(request) ? Effect.fail(beyondText(provider)) : callOf(request).generate,
    stream: (request: AiRequest) => isTooMuch(request) ? Stream.fail(beyondText(provider)) : callOf(request).stream
  }
}
