/** The whole service, wired from its configuration. */
import { NodeHttpServer, NodeServices } from "@effect/platform-node"
import { Duration, Effect, Layer, Option, References } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { Otlp } from "effect/observability"
import { createServer } from "node:http"
import { LongestWait } from "../http/handlers/answers/background.ts"
import { KeepAlive } from "../http/handlers/answers/eventStream.ts"
import { Routes } from "../http/handlers/Routes.ts"
import { Generator } from "../services/Generator.ts"
import { type Degradation, Readiness } from "../services/Readiness.ts"
import * as ApiKeysLayer from "./ApiKeysLayer.ts"
import type { AppConfig } from "./AppConfig.ts"
import { fallbackCache, idempotency, isSimulated, templates } from "./CacheLayers.ts"
import * as Database from "./Database.ts"
import * as EmbedderLayers from "./EmbedderLayers.ts"
import { exposure } from "./Exposure.ts"
import * as KeyConfig from "./KeyConfig.ts"
import type { KeyConfigs } from "./KeyConfig.ts"
import * as NodeBody from "./NodeBody.ts"
import * as ProviderConfig from "./ProviderConfig.ts"
import type { ProviderConfigs } from "./ProviderConfig.ts"
import * as ProviderLayers from "./ProviderLayers.ts"
import { temporaryJobs } from "./TemporaryJobs.ts" // TEMPORARY
import * as UndiciHttpClient from "./UndiciHttpClient.ts"

/** The whole service: listens once everything behind it is ready. */
export const server = (config: AppConfig) =>
  Layer.unwrap(
    Effect.zipWith(
      ProviderConfig.load(config),
      KeyConfig.load(config),
      (providers, keys) => serve(config, providers, keys)
    )
  ).pipe(
    Layer.provide(NodeServices.layer),
    Layer.provide(telemetry(config))
  )

const serve = (config: AppConfig, providers: ProviderConfigs, keys: KeyConfigs) =>
  started(config, providers, keys).pipe(
    Layer.provide(HttpRouter.serve(Routes, {
      disableLogger: true,
      disableListenLog: true,
      // The contract bounds its parameters itself, and says so; longer than this no request's head can be.
      routerConfig: { maxParamLength: 16_384 }
    })),
    Layer.provide(NodeBody.layer),
    Layer.provide(Layer.succeed(KeepAlive, config.keepAlive)),
    // A connection that is silent for longer than the server's own timeout below would be closed.
    Layer.provide(Layer.succeed(LongestWait, config.totalTimeout)),
    Layer.provide(temporaryJobs), // TEMPORARY
    Layer.provide(httpServer(config)),
    Layer.provide(ApiKeysLayer.layer(keys)),
    Layer.provide(ladder(config, providers))
  )

/** The ladder and all its services over real providers and a real database; without HTTP. */
const ladder = (config: AppConfig, providers: ProviderConfigs) => {
  const isShared = config.databaseUrl !== undefined
  return Readiness.layer(notes(providers)).pipe(
    Layer.provideMerge(
      Generator.layer({ ...config, retryBudget: { ratio: config.retryShare, floor: config.retryFloor } })
    ),
    Layer.provideMerge(Layer.mergeAll(
      ProviderLayers.providers(providers),
      ProviderLayers.rateLimiter(providers, isShared),
      templates(config),
      fallbackCache(config, providers),
      idempotency(config, isSimulated(providers))
    )),
    Layer.provideMerge(EmbedderLayers.embedder(config, providers)),
    Layer.provideMerge(ProviderLayers.circuitBreaker(providers, EmbedderLayers.circuit(config), isShared)),
    Layer.provideMerge(
      Database.layer({ url: Option.fromUndefinedOr(config.databaseUrl), dataDir: config.dataDir })
    )
  )
}

/**
 * After SIGTERM every running call may go on to the end of its own total deadline, so that each of them gets its answer
 * or its fallback.
 */
const httpServer = ({ host, port, stallTimeout, totalTimeout }: AppConfig) =>
  NodeHttpServer.layer(() => {
    const server = createServer()
    // A connection that takes nothing for so long keeps what waits for it no longer. While an answer is being made
    // there is nothing to take, so this must be longer than that.
    server.setTimeout(Duration.toMillis(Duration.sum(totalTimeout, stallTimeout)))
    return server
  }, {
    host,
    port,
    gracefulShutdownTimeout: Duration.sum(totalTimeout, Duration.seconds(1))
  })

/** Spans only when somebody reads them. */
const telemetry = ({ otlpEndpoint }: AppConfig) =>
  otlpEndpoint === undefined
    ? Layer.succeed(References.TracerEnabled, false)
    : Layer.provide(
      Otlp.layerJson({ baseUrl: otlpEndpoint, resource: { serviceName: "understudy" }, loggerMergeWithExisting: true }),
      UndiciHttpClient.layer()
    )

const notes = (providers: ProviderConfigs): ReadonlyArray<Degradation> =>
  isSimulated(providers)
    ? [{ what: "provider", why: "no AI provider is configured, the answers are simulated: set AI_BASE_URL" }]
    : []

/** Says where it listens and what it stands on, so that nobody takes a simulation for the real thing. */
const started = (config: AppConfig, providers: ProviderConfigs, keys: KeyConfigs) =>
  Layer.effectDiscard(Effect.gen(function*() {
    yield* HttpServer.addressFormattedWith((address) => Effect.logInfo(`Understudy listens on ${address}`))
    yield* config.databaseUrl === undefined
      ? Effect.logInfo(
        config.dataDir.startsWith("memory:")
          ? "Database: embedded, in memory: nothing outlives this process"
          : `Database: embedded, in ${config.dataDir} (set DATABASE_URL to use a PostgreSQL server)`
      )
      : Effect.logInfo("Database: the PostgreSQL server of DATABASE_URL")
    for (const { name, speech } of providers) {
      yield* speech.protocol === "simulated"
        ? Effect.logWarning(
          "Provider: SIMULATED, no AI is asked (set AI_BASE_URL, AI_API_KEY and AI_MODEL for a real one)"
        )
        : Effect.logInfo(`Provider: ${name} at ${speech.baseUrl} (${speech.protocol}, model ${speech.model})`)
    }
    if (keys.users === undefined) {
      const warning = exposure((yield* HttpServer.HttpServer).address)
      if (warning !== undefined) yield* Effect.logWarning(warning)
    }
  }))
