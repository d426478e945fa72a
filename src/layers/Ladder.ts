/** The ladder and all its services over real providers and a real database: what every process of ours stands on. */
import { Effect, Layer, Option } from "effect"
import type { TraceRecorder } from "../services/ai/TraceRecorder.ts"
import { Generator } from "../services/Generator.ts"
import { type Degradation, Readiness } from "../services/Readiness.ts"
import type { AppConfig } from "./AppConfig.ts"
import { fallbackCache, idempotency, isSimulated, templates } from "./CacheLayers.ts"
import * as CallbackLayers from "./CallbackLayers.ts"
import * as Database from "./Database.ts"
import * as EmbedderLayers from "./EmbedderLayers.ts"
import { jobs } from "./JobLayers.ts"
import type { ProviderConfigs } from "./ProviderConfig.ts"
import * as ProviderLayers from "./ProviderLayers.ts"
import { traceFile } from "./TraceFile.ts"

/** Opens the file of the trace first: whoever named a wrong one need not wait for the database to hear of it. */
export const ladder = (config: AppConfig, providers: ProviderConfigs) =>
  Layer.unwrap(
    Effect.map(
      config.recordTrace === undefined ? Effect.undefined : traceFile(config.recordTrace),
      (recorder) => standing(config, providers, recorder)
    )
  )

const standing = (config: AppConfig, providers: ProviderConfigs, recorder: TraceRecorder | undefined) => {
  const isShared = config.databaseUrl !== undefined
  return Readiness.layer(notes(providers)).pipe(
    Layer.provideMerge(
      Generator.layer({ ...config, retryBudget: { ratio: config.retryShare, floor: config.retryFloor } })
    ),
    Layer.provideMerge(Layer.mergeAll(
      ProviderLayers.providers(providers, config, recorder),
      ProviderLayers.rateLimiter(providers, isShared),
      templates(config),
      fallbackCache(config, providers),
      idempotency(config, isSimulated(providers)),
      jobs(config),
      CallbackLayers.sender(config)
    )),
    Layer.provideMerge(EmbedderLayers.embedder(config, providers)),
    Layer.provideMerge(ProviderLayers.circuitBreaker(providers, EmbedderLayers.circuit(config), isShared)),
    Layer.provideMerge(
      Database.layer({ url: Option.fromUndefinedOr(config.databaseUrl), dataDir: config.dataDir })
    )
  )
}

const notes = (providers: ProviderConfigs): ReadonlyArray<Degradation> =>
  isSimulated(providers)
    ? [{ what: "provider", why: "no AI provider is configured, the answers are simulated: set AI_BASE_URL" }]
    : []

/** Says what it stands on, so that nobody takes a simulation for the real thing. */
export const standsOn = Effect.fnUntraced(function*(config: AppConfig, providers: ProviderConfigs) {
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
})
