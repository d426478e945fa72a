/**
 * One attempt at one provider, decoded strictly. Timeouts, retries and the circuit are the ladder's; the connections
 * and the largest body that is read are the `HttpClient`'s.
 */
import { Context, type Duration, Effect, Layer, type Redacted, type Stream } from "effect"
import { LanguageModel } from "effect/ai"
import { HttpClient } from "effect/http"
import type { AiAnswer, AiPart, AiRequest } from "../domain/Ai.ts"
import type { AiError } from "../domain/errors.ts"
import { makeHttpProvider } from "./ai/httpProvider.ts"
import { openAiProtocol } from "./ai/openAi.ts"
import { plainProtocol } from "./ai/plain.ts"
import { makeSimulated } from "./ai/simulated.ts"
import { makeModelClient } from "./model/client.ts"

/** What every provider over HTTP is told. */
export interface AiProviderOptions {
  /** Names the provider in responses, logs and metrics, and is the key of its circuit and limits. */
  readonly provider: string
  readonly apiKey?: Redacted.Redacted | undefined
}

/** One provider: a single attempt, with no retry and no time limit but those of the caller. */
export class AiClient extends Context.Service<AiClient, {
  readonly provider: string
  /** `true`: conversations with more than text cannot be put to it. */
  readonly takesTextOnly?: boolean | undefined
  /** Interrupting it ends the provider's call too. */
  readonly generate: (request: AiRequest) => Effect.Effect<AiAnswer, AiError>
  /** The same in pieces, as they come. A reader that is slow slows the provider down; one that leaves ends its call. */
  readonly stream: (request: AiRequest) => Stream.Stream<AiPart, AiError>
}>()("understudy/services/AiClient") {
  /** OpenAI's chat completions, and what speaks them: vLLM, Ollama, llama.cpp, … `baseUrl` goes up to and with `/v1`. */
  static readonly layerOpenAi = (
    options: AiProviderOptions & { readonly baseUrl: string; readonly model: string }
  ): Layer.Layer<AiClient, never, HttpClient.HttpClient> =>
    Layer.effect(
      AiClient,
      Effect.map(HttpClient.HttpClient, (http) => makeHttpProvider(http, options, openAiProtocol(options)))
    )

  /** `POST url {prompt, max_tokens}` -> `{text}`. */
  static readonly layerPlain = (
    options: AiProviderOptions & { readonly url: string; readonly model: string }
  ): Layer.Layer<AiClient, never, HttpClient.HttpClient> =>
    Layer.effect(
      AiClient,
      Effect.map(HttpClient.HttpClient, (http) => makeHttpProvider(http, options, plainProtocol(options)))
    )

  /**
   * Any effect/ai LanguageModel. It has no bound of an answer's tokens and no name of a model per request: `maxTokens`
   * is what the limits count, and `model` is passed over. Conversations of texts go to it turn by turn.
   */
  static readonly layerLanguageModel = (
    options: { readonly provider: string }
  ): Layer.Layer<AiClient, never, LanguageModel.LanguageModel> =>
    Layer.effect(
      AiClient,
      Effect.map(LanguageModel.LanguageModel, (model) => makeModelClient(model, options.provider))
    )

  /**
   * No provider at all: writes a draft that says so, after `latency` (default 80 millis). A share of the attempts fails
   * as a provider that is down, from 0 (default) to 1.
   */
  static readonly layerSimulated = (
    options: { readonly latency?: Duration.Input; readonly failures?: number } = {}
  ): Layer.Layer<AiClient> =>
    Layer.succeed(AiClient, makeSimulated(options.latency ?? "80 millis", options.failures ?? 0))
}
