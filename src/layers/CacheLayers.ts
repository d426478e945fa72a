/** The fallback cache and the templates, from their configuration: what the service and the commands share. */
import { Duration, Effect, Layer } from "effect"
import { fileURLToPath } from "node:url"
import { FallbackCache } from "../services/FallbackCache.ts"
import * as FallbackCachePostgres from "../services/FallbackCachePostgres.ts"
import { readTemplates, Templates } from "../services/Templates.ts"
import type { AppConfig } from "./AppConfig.ts"
import * as EmbedderLayer from "./EmbedderLayer.ts"
import type { ProviderConfigs } from "./ProviderConfig.ts"

export const isSimulated = (providers: ProviderConfigs): boolean =>
  providers.some(({ speech }) => speech.protocol === "simulated")

/** The cache that the service looks into. */
export const fallbackCache = (config: AppConfig, providers: ProviderConfigs) =>
  isSimulated(providers)
    ? Layer.provide(simulatedSpace, realAnswers(config, providers))
    : realAnswers(config, providers)

/** The cache of what real providers answered. */
export const realAnswers = (config: AppConfig, providers: ProviderConfigs) =>
  Layer.provide(
    FallbackCachePostgres.layerPostgres({
      minSimilarity: config.fallbackMinSimilarity,
      maxAgeMillis: Duration.toMillis(config.fallbackMaxAge)
    }),
    EmbedderLayer.layer(config, providers)
  )

/** A simulated draft must never stand in for a real one. */
export const simulatedSpace = FallbackCache.layerApart("simulated")

const shippedTemplates = fileURLToPath(new URL("../../templates", import.meta.url))

/** The folder of `TEMPLATES_DIR`, read and checked. */
export const seedTemplates = ({ templatesDir }: AppConfig) =>
  templatesDir === "none"
    ? Effect.succeed([])
    : readTemplates(templatesDir === "templates" ? shippedTemplates : templatesDir)

export const templates = (config: AppConfig) =>
  Layer.unwrap(Effect.map(seedTemplates(config), (seed) => Templates.layerPostgres(seed)))
