/** The whole service, wired from its configuration. */
import { NodeHttpServer, NodeServices } from "@effect/platform-node"
import { Duration, Effect, Layer, Option, References } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { Otlp } from "effect/observability"
import { createServer } from "node:http"
import { fileURLToPath } from "node:url"
import { Routes } from "../http/handlers/Routes.ts"
import { AiClient } from "../services/AiClient.ts"
import { ApiKeys } from "../services/ApiKeys.ts"
import { CircuitBreaker } from "../services/CircuitBreaker.ts"
import { Embedder } from "../services/Embedder.ts"
import { FallbackCache } from "../services/FallbackCache.ts"
import * as FallbackCachePostgres from "../services/FallbackCachePostgres.ts"
import { Generator } from "../services/Generator.ts"
import { Providers } from "../services/Providers.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import { type Degradation, Readiness } from "../services/Readiness.ts"
import { Templates } from "../services/Templates.ts"
import * as ApiKeysLayer from "./ApiKeysLayer.ts"
import type { AppConfig } from "./AppConfig.ts"
import * as Database from "./Database.ts"
import * as NodeBody from "./NodeBody.ts"
import * as UndiciHttpClient from "./UndiciHttpClient.ts"

/** The ladder and all its services over a real provider and database; without HTTP. */
const ladder = (config: AppConfig) =>
  Readiness.layer(notes(config)).pipe(
    Layer.provideMerge(Generator.layer(config)),
    Layer.provideMerge(Layer.mergeAll(
      Layer.provide(Providers.layer, aiClient(config)),
      CircuitBreaker.layerMemory({
        failures: config.breakerFailures,
        window: config.breakerWindow,
        openFor: config.breakerCooldown
      }),
      RateLimiter.layer({
        concurrency: config.limitConcurrency,
        queue: config.limitQueue,
        requestsPerMinute: config.limitRequestsPerMinute,
        tokensPerMinute: config.limitTokensPerMinute
      }),
      templates(config),
      fallbackCache(config)
    ))
  )

/** Serves the ladder over HTTP: listens once everything behind it is ready. */
export const server = (config: AppConfig) =>
  started(config).pipe(
    Layer.provide(HttpRouter.serve(Routes, { disableLogger: true, disableListenLog: true })),
    Layer.provide(NodeBody.layer),
    Layer.provide(httpServer(config)),
    Layer.provide(apiKeys(config)),
    Layer.provide(ladder(config)),
    Layer.provide(telemetry(config))
  )

/**
 * After SIGTERM every running call may go on to the end of its own total deadline, so that each of them gets its answer
 * or its fallback.
 */
const httpServer = ({ host, port, totalTimeout }: AppConfig) =>
  NodeHttpServer.layer(createServer, {
    host,
    port,
    gracefulShutdownTimeout: Duration.sum(totalTimeout, Duration.seconds(1))
  })

const aiClient = ({ ai, apiKey, limitConcurrency, simulatedFailures }: AppConfig) => {
  if (ai.protocol === "simulated") return AiClient.layerSimulated({ failures: simulatedFailures })
  const options = { provider: new URL(ai.baseUrl).host, apiKey, model: ai.model }
  const client = ai.protocol === "openai"
    ? AiClient.layerOpenAi({ ...options, baseUrl: ai.baseUrl })
    : AiClient.layerPlain({ ...options, url: ai.baseUrl })
  return Layer.provide(client, UndiciHttpClient.layer({ connections: limitConcurrency }))
}

const embedder = (config: AppConfig) => {
  if (config.embedder === "local") return Embedder.layerLocal
  const own = config.embeddingBaseUrl ?? (config.ai.protocol === "openai" ? config.ai.baseUrl : undefined)
  return Layer.provide(
    Embedder.layerOpenAi({
      baseUrl: own ?? "https://api.openai.com/v1",
      apiKey: config.embeddingApiKey ?? (config.embeddingBaseUrl === undefined ? config.apiKey : undefined),
      model: config.embeddingModel,
      dimensions: config.embeddingDimensions
    }),
    UndiciHttpClient.layer()
  )
}

const fallbackCache = (config: AppConfig) => {
  const cache = Layer.provide(
    FallbackCachePostgres.layerPostgres({
      minSimilarity: config.fallbackMinSimilarity,
      maxAgeMillis: Duration.toMillis(config.fallbackMaxAge)
    }),
    embedder(config)
  )
  // A simulated draft must never stand in for a real one.
  const kept = config.ai.protocol === "simulated" ? Layer.provide(FallbackCache.layerApart("simulated"), cache) : cache
  return Layer.provideMerge(
    kept,
    Database.layer({ url: Option.fromUndefinedOr(config.databaseUrl), dataDir: config.dataDir })
  )
}

const shippedTemplates = fileURLToPath(new URL("../../templates", import.meta.url))

const templates = ({ templatesDir }: AppConfig) =>
  templatesDir === "none"
    ? Templates.layerNone
    : Layer.provide(
      Templates.layerDirectory(templatesDir === "templates" ? shippedTemplates : templatesDir),
      NodeServices.layer
    )

const apiKeys = ({ apiKeys }: AppConfig) => apiKeys === undefined ? ApiKeys.layerOpen : ApiKeysLayer.layer(apiKeys)

/** Spans only when somebody reads them. */
const telemetry = ({ otlpEndpoint }: AppConfig) =>
  otlpEndpoint === undefined
    ? Layer.succeed(References.TracerEnabled, false)
    : Layer.provide(
      Otlp.layerJson({ baseUrl: otlpEndpoint, resource: { serviceName: "understudy" }, loggerMergeWithExisting: true }),
      UndiciHttpClient.layer()
    )

const notes = ({ ai }: AppConfig): ReadonlyArray<Degradation> =>
  ai.protocol === "simulated"
    ? [{ what: "provider", why: "no AI provider is configured, the answers are simulated: set AI_BASE_URL" }]
    : []

/** Says where it listens and what it stands on, so that nobody takes a simulation for the real thing. */
const started = (config: AppConfig) =>
  Layer.effectDiscard(Effect.gen(function*() {
    yield* HttpServer.addressFormattedWith((address) => Effect.logInfo(`Understudy listens on ${address}`))
    yield* config.databaseUrl === undefined
      ? Effect.logInfo(
        config.dataDir === "memory:"
          ? "Database: embedded, in memory: nothing outlives this process"
          : `Database: embedded, in ${config.dataDir} (set DATABASE_URL to use a PostgreSQL server)`
      )
      : Effect.logInfo("Database: the PostgreSQL server of DATABASE_URL")
    yield* config.ai.protocol === "simulated"
      ? Effect.logWarning(
        "Provider: SIMULATED, no AI is asked (set AI_BASE_URL, AI_API_KEY and AI_MODEL for a real one)"
      )
      : Effect.logInfo(`Provider: ${config.ai.baseUrl} (${config.ai.protocol}, model ${config.ai.model})`)
    if (
      config.apiKeys === undefined && config.host !== "127.0.0.1" && config.host !== "localhost" &&
      config.host !== "::1"
    ) {
      yield* Effect.logWarning(`Anyone who reaches ${config.host} can use this service: set API_KEYS`)
    }
  }))
