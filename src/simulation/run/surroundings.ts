/** What every strategy finds: a circuit breaker by the policy, and a cache with the answers of before. */
import { Effect, Layer } from "effect"
import { layerMemory } from "../../services/cache/FallbackCacheMemory.ts"
import { CircuitBreaker } from "../../services/CircuitBreaker.ts"
import { Embedder } from "../../services/Embedder.ts"
import { FallbackCache } from "../../services/FallbackCache.ts"
import type { Draw } from "../random/Draws.ts"
import type { Scenario } from "../Scenario.ts"
import { layerSlowEmbedder } from "../services/slowEmbedder.ts"
import { layerTroubled } from "../services/troubledCache.ts"
import type { Subjects } from "./subjects.ts"

export const surroundings = (
  { database, embedder, policy: { breaker, fallback } }: Scenario,
  subjects: Subjects,
  embedderDraw: Draw,
  beginMillis: number
): Layer.Layer<CircuitBreaker | FallbackCache> => {
  const cache = layerMemory({
    minSimilarity: fallback.minSimilarity,
    maxAgeMillis: fallback.maxAgeMillis,
    maxEntries: fallback.maxEntries,
    // The local one is there at once, and that over a network has its own deadline.
    embedTimeout: Infinity
  }).pipe(
    Layer.provide(
      embedder === undefined ? Embedder.layerLocal : layerSlowEmbedder(embedder, embedderDraw, beginMillis)
    )
  )
  const warmed = Layer.effect(
    FallbackCache,
    Effect.tap(FallbackCache, (cache) => Effect.orDie(cache.rememberAll(subjects.warm)))
  ).pipe(Layer.provide(cache))
  return (database === undefined ? warmed : Layer.provide(layerTroubled(database, beginMillis), warmed)).pipe(
    Layer.provideMerge(CircuitBreaker.layerMemory({
      failures: breaker.failures,
      window: breaker.windowMillis,
      openFor: breaker.cooldownMillis,
      probes: breaker.probes,
      successes: breaker.successes
    }))
  )
}
