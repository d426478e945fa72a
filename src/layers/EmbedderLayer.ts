/** The embedder, from its configuration. */
import { Effect, Layer } from "effect"
import { Embedder } from "../services/Embedder.ts"
import { type AppConfig, ConfigInvalid } from "./AppConfig.ts"
import type { ProviderConfigs } from "./ProviderConfig.ts"
import * as UndiciHttpClient from "./UndiciHttpClient.ts"

/** Without an endpoint of its own it asks the first provider that speaks OpenAI, with that provider's key. */
export const layer = (config: AppConfig, providers: ProviderConfigs) => {
  if (config.embedder === "local") return Embedder.layerLocal
  const { embeddingBaseUrl, embeddingDimensions: dimensions, embeddingModel: model } = config
  const endpoints = embeddingBaseUrl !== undefined
    ? [{ baseUrl: embeddingBaseUrl, apiKey: config.embeddingApiKey }]
    : providers.flatMap(({ apiKey, speech }) =>
      speech.protocol === "openai" ? [{ baseUrl: speech.baseUrl, apiKey: config.embeddingApiKey ?? apiKey }] : []
    )
  const [endpoint] = endpoints
  return endpoint === undefined
    ? Layer.effect(
      Embedder,
      Effect.fail(
        new ConfigInvalid({
          problems: ["EMBEDDING_BASE_URL is not set; EMBEDDER=openai needs it when no provider speaks OpenAI"]
        })
      )
    )
    : Layer.provide(Embedder.layerOpenAi({ ...endpoint, model, dimensions }), UndiciHttpClient.layer())
}
