/** The providers with their clients, circuits and limits, from their configuration. */
import { Array, Context, Duration, Effect, Layer } from "effect"
import { deadlinesFrom } from "../domain/ladder/Deadlines.ts"
import { type Patience, recorded } from "../services/ai/recorded.ts"
import type { TraceRecorder } from "../services/ai/TraceRecorder.ts"
import { AiClient } from "../services/AiClient.ts"
import { CircuitBreaker, type CircuitBreakerOptions } from "../services/CircuitBreaker.ts"
import { Providers, serverOf } from "../services/Providers.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import type { AppConfig } from "./AppConfig.ts"
import type { ProviderConfig, ProviderConfigs } from "./ProviderConfig.ts"
import * as UndiciHttpClient from "./UndiciHttpClient.ts"

/** `recorder`: writes down what each call comes to. */
export const providers = (
  configs: ProviderConfigs,
  config: AppConfig,
  recorder: TraceRecorder | undefined
): Layer.Layer<Providers> =>
  Layer.effect(
    Providers,
    Effect.map(Effect.forEach(configs, build), (inOrder) => ({
      inOrder: recorder === undefined ? inOrder : Array.map(inOrder, (provider) => ({
        ...provider,
        client: recorded(provider.client, recorder, patience(config, provider.attemptTimeout))
      }))
    }))
  )

/** A request whose whole time is shorter than an attempt's ends an attempt with it. */
const patience = (
  { firstTokenTimeout, stallTimeout, totalTimeout }: AppConfig,
  attemptTimeout: Duration.Duration
): Patience => {
  const attemptMillis = Duration.toMillis(attemptTimeout)
  const { live } = deadlinesFrom({ attemptMillis, totalMillis: Duration.toMillis(totalTimeout) }, 0)
  return {
    attemptMillis: Math.min(attemptMillis, live),
    firstPieceMillis: Math.min(Duration.toMillis(firstTokenTimeout ?? attemptTimeout), live),
    stallMillis: Duration.toMillis(stallTimeout)
  }
}

/** Each provider has a client, and so a pool of connections, of its own; they live as long as the layer. */
const build = (config: ProviderConfig) =>
  Effect.map(
    Layer.build(client(config)),
    (context) => ({
      client: Context.get(context, AiClient),
      attemptTimeout: config.attemptTimeout,
      ...config.speech.protocol !== "simulated" && {
        model: config.speech.model,
        server: serverOf(config.speech.baseUrl)
      }
    })
  )

const client = ({ apiKey, limits, name, speech }: ProviderConfig): Layer.Layer<AiClient> => {
  if (speech.protocol === "simulated") return AiClient.layerSimulated({ failures: speech.failures })
  const options = { provider: name, apiKey, model: speech.model }
  return Layer.provide(
    speech.protocol === "openai"
      ? AiClient.layerOpenAi({ ...options, baseUrl: speech.baseUrl })
      : AiClient.layerPlain({ ...options, url: speech.baseUrl }),
    UndiciHttpClient.layer({ connections: limits.concurrency })
  )
}

/** The configuration of one provider's gate, by the key that is its name. */
const of = <A>(configs: ProviderConfigs, pick: (config: ProviderConfig) => A, others = pick(configs[0])) => {
  const byName = new Map(configs.map((config) => [config.name, pick(config)]))
  return (key: string): A => byName.get(key) ?? others
}

/** Shared with other instances when there is a server to share by. `others`: of circuits that are no provider's. */
export const circuitBreaker = (configs: ProviderConfigs, others: CircuitBreakerOptions, isShared: boolean) => {
  const options = of(configs, ({ circuit }) => circuit, others)
  return isShared ? CircuitBreaker.layerPostgres(options) : CircuitBreaker.layerMemory(options)
}

export const rateLimiter = (configs: ProviderConfigs, isShared: boolean) => {
  const options = of(configs, ({ limits }) => limits)
  return isShared ? RateLimiter.layerPostgres(options) : RateLimiter.layer(options)
}
