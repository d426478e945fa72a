/** The whole ladder in one layer, kept in memory: what a program that embeds Understudy begins with. */
import { Layer } from "effect"
import type { Template } from "../domain/templates/Template.ts"
import { layerMemory as fallbackCacheLayerMemory } from "./cache/FallbackCacheMemory.ts"
import type { FallbackCacheOptions } from "./cache/FallbackCacheOptions.ts"
import { CircuitBreaker, type CircuitBreakerOptionsByKey } from "./CircuitBreaker.ts"
import { Embedder } from "./Embedder.ts"
import type { FallbackCache } from "./FallbackCache.ts"
import { Generator, type GeneratorOptions } from "./Generator.ts"
import type { Providers } from "./Providers.ts"
import { RateLimiter, type RateLimiterConfig } from "./RateLimiter.ts"
import { Templates } from "./Templates.ts"

/** The options of every part; each has a default that suits a button that somebody waits for. */
export interface UnderstudyOptions extends GeneratorOptions {
  /** By default 3 failures within a minute open it for 30 seconds. */
  readonly circuit?: CircuitBreakerOptionsByKey | undefined
  readonly limits?: RateLimiterConfig | undefined
  readonly cache?: FallbackCacheOptions | undefined
  /** The last rung. Default none: without an earlier answer there is nothing to show. */
  readonly templates?: ReadonlyArray<Template> | undefined
}

/** What the ladder stands on, each of it a service to be used alone. */
export type Gates = CircuitBreaker | RateLimiter | FallbackCache | Templates

/** Circuit, limits, cache and templates of this process: nothing of them outlives it. */
export const layerGates = (options: UnderstudyOptions = {}): Layer.Layer<Gates> =>
  Layer.mergeAll(
    CircuitBreaker.layerMemory(options.circuit),
    RateLimiter.layer(options.limits),
    Layer.provide(fallbackCacheLayerMemory(options.cache), Embedder.layerLocal),
    Templates.layerList(options.templates ?? [])
  )

/** The ladder over the providers at hand, and all that it stands on. */
export const layer = (options: UnderstudyOptions = {}): Layer.Layer<Generator | Gates, never, Providers> =>
  Layer.provideMerge(Generator.layer(options), layerGates(options))
