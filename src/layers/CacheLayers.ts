/** The fallback cache, the answers kept under an `Idempotency-Key` and the templates, from their configuration: what the service and the commands share. */
import { Duration, Effect, Layer } from "effect"
import { fileURLToPath } from "node:url"
import * as FallbackCachePostgres from "../services/cache/FallbackCachePostgres.ts"
import * as ShadowScoring from "../services/cache/ShadowScoring.ts"
import { FallbackCache } from "../services/FallbackCache.ts"
import { Idempotency } from "../services/Idempotency.ts"
import { readTemplates, Templates } from "../services/Templates.ts"
import type { AppConfig } from "./AppConfig.ts"
import type { ProviderConfigs } from "./ProviderConfig.ts"

export const isSimulated = (providers: ProviderConfigs): boolean =>
  providers.some(({ speech }) => speech.protocol === "simulated")

/** The cache that the service looks into. A simulated draft must never stand in for a real one; an erase takes both. */
export const fallbackCache = (config: AppConfig, providers: ProviderConfigs) => {
  const space = isSimulated(providers) ? simulatedSpace : FallbackCache.layerBeside(simulated)
  return Layer.provide(ShadowScoring.layer({ share: config.shadowShare }), Layer.provide(space, realAnswers(config)))
}

/** The cache of what real providers answered. The embedder bounds itself, where it has to be bounded at all. */
export const realAnswers = (config: AppConfig) =>
  FallbackCachePostgres.layerPostgres({
    minSimilarity: config.fallbackMinSimilarity,
    maxAgeMillis: Duration.toMillis(config.fallbackMaxAge),
    maxEntries: config.fallbackMaxEntries,
    storePrompts: config.fallbackStorePrompts,
    embedTimeout: Duration.infinity
  })

const simulated = "simulated"

/** The cache of what the simulated provider answered. */
export const simulatedSpace = FallbackCache.layerApart(simulated)

/** Here too, a simulated draft must not come back in place of a real one. An erase takes both. */
export const idempotency = ({ idempotencyTtl }: AppConfig, isSimulated: boolean) =>
  Idempotency.layerPostgres({ ttl: idempotencyTtl, space: isSimulated ? simulated : "" })

const shippedTemplates = fileURLToPath(new URL("../../templates", import.meta.url))

/** The folder of `TEMPLATES_DIR`, read and checked. */
export const seedTemplates = ({ templatesDir }: AppConfig) =>
  templatesDir === "none"
    ? Effect.succeed([])
    : readTemplates(templatesDir === "templates" ? shippedTemplates : templatesDir)

export const templates = (config: AppConfig) =>
  Layer.unwrap(Effect.map(seedTemplates(config), (seed) => Templates.layerPostgres(seed)))
