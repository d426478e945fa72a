/** The embedder of the fallback cache, from its configuration. */
import { Array, Effect, Layer, type Redacted } from "effect"
import { CircuitBreaker, type CircuitBreakerOptions } from "../services/CircuitBreaker.ts"
import { Embedder } from "../services/Embedder.ts"
import { type AppConfig, ConfigInvalid } from "./AppConfig.ts"
import type { ProviderConfigs } from "./ProviderConfig.ts"
import * as UndiciHttpClient from "./UndiciHttpClient.ts"

/** The local one, which needs neither a deadline nor a circuit and pays for neither; or one over the network with both. */
export const embedder = (
  config: AppConfig,
  providers: ProviderConfigs
): Layer.Layer<Embedder, ConfigInvalid, CircuitBreaker> => {
  if (config.embedder === "local") return Embedder.layerLocal
  const [endpoint] = endpoints(config, providers)
  if (endpoint === undefined) return Layer.effect(Embedder, Effect.fail(noEndpoint))
  const { embeddingBatchSize: maxTexts, embeddingDimensions: dimensions, embeddingModel: model } = config
  return Embedder.layerResilient({
    maxTexts,
    timeout: config.embeddingTimeout,
    batchTimeout: config.embeddingBatchTimeout
  }).pipe(
    Layer.provide(Embedder.layerOpenAi({ ...endpoint, model, dimensions, maxTexts })),
    Layer.provide(UndiciHttpClient.layer({ maxBodySize: maxBodySize(maxTexts, dimensions) })),
    // Prompts leave the machine: say where they go.
    Layer.merge(Layer.effectDiscard(Effect.logInfo(`Embedder: ${model} at ${endpoint.baseUrl}`)))
  )
}

/** For a command, which is a process of its own and shares no circuit. */
export const alone = (config: AppConfig, providers: ProviderConfigs): Layer.Layer<Embedder, ConfigInvalid> =>
  Layer.provide(embedder(config, providers), CircuitBreaker.layerMemory(circuit(config)))

/** When the embedder's circuit opens, and for how long: as a provider's for which nothing else is said. */
export const circuit = (config: AppConfig): CircuitBreakerOptions => ({
  failures: config.breakerFailures,
  window: config.breakerWindow,
  openFor: config.breakerCooldown
})

interface Endpoint {
  readonly baseUrl: string
  readonly apiKey: Redacted.Redacted | undefined
}

/** Without an endpoint of its own it asks the first provider that speaks OpenAI, with that provider's key. */
const endpoints = (config: AppConfig, providers: ProviderConfigs): ReadonlyArray<Endpoint> =>
  config.embeddingBaseUrl !== undefined
    ? [{ baseUrl: config.embeddingBaseUrl, apiKey: config.embeddingApiKey }]
    : Array.flatMap(
      providers,
      ({ apiKey, speech }) =>
        speech.protocol === "openai" ? [{ baseUrl: speech.baseUrl, apiKey: config.embeddingApiKey ?? apiKey }] : []
    )

const noEndpoint = new ConfigInvalid({
  problems: ["EMBEDDING_BASE_URL is not set; EMBEDDER=openai needs it when no provider speaks OpenAI"]
})

/** Room for the largest answer: a number as JSON takes up to 25 bytes. */
const maxBodySize = (texts: number, dimensions: number): number =>
  Math.max(8 * 1024 * 1024, texts * dimensions * 32 + 64 * 1024)
