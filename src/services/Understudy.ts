/** The whole ladder in one layer, kept in memory: what a program that embeds Understudy begins with. */
import { Layer } from "effect"
import { LanguageModel } from "effect/ai"
import type { Template } from "../domain/templates/Template.ts"
import { AiClient } from "./AiClient.ts"
import { layerMemory as fallbackCacheLayerMemory } from "./cache/FallbackCacheMemory.ts"
import type { FallbackCacheOptions } from "./cache/FallbackCacheOptions.ts"
import { CircuitBreaker, type CircuitBreakerOptionsByKey } from "./CircuitBreaker.ts"
import { Embedder } from "./Embedder.ts"
import type { FallbackCache } from "./FallbackCache.ts"
import { Generator, type GeneratorOptions } from "./Generator.ts"
import { type CallOptions } from "./model/CallOptions.ts"
import { makeResilient } from "./model/resilient.ts"
import { Providers } from "./Providers.ts"
import { RateLimiter, type RateLimiterConfig } from "./RateLimiter.ts"
import { Templates } from "./Templates.ts"

export { type CallOptions, CurrentCall } from "./model/CallOptions.ts"
export { type ModelProvenance, provenance } from "./model/provenance.ts"

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

/** Everything has a default: a model needs none of it. */
export interface ResilientModelOptions extends UnderstudyOptions, CallOptions {
  /** Names the model's circuit and limits, and the model itself in logs and metrics. Default "model". */
  readonly name?: string | undefined
}

/**
 * The whole ladder around any LanguageModel. A program that uses one need not change: a text comes live, else from the
 * closest earlier answer, else from a template, and {@link provenance} says which. Tools, objects and files are passed
 * through, with retries, circuit and limits. What is left to fail is an `AiError`: the model's own where there is one.
 */
export const layerLanguageModel = <ROut, E, R>(
  inner: Layer.Layer<ROut | LanguageModel.LanguageModel, E, R>,
  options: ResilientModelOptions = {}
): Layer.Layer<ROut | LanguageModel.LanguageModel, E, R> =>
  Layer.provide(
    layerLanguageModelNoDeps(inner, options),
    layerGates({ ...options, limits: options.limits ?? unnoticed })
  )

/** A program that has had no limits goes on as it was, but for the pause after a 429. */
const unnoticed: RateLimiterConfig = { concurrency: 1_000, queue: 10_000 }

/** The same over circuit, limits, cache and templates of one's own: in PostgreSQL, or shared with other models. */
export const layerLanguageModelNoDeps = <ROut, E, R>(
  inner: Layer.Layer<ROut | LanguageModel.LanguageModel, E, R>,
  options: Omit<ResilientModelOptions, "circuit" | "limits" | "cache" | "templates"> = {}
): Layer.Layer<ROut | LanguageModel.LanguageModel, E, R | Gates> => {
  const { name = "model" } = options
  return Layer.effect(LanguageModel.LanguageModel, makeResilient(name, options)).pipe(
    Layer.provide(Generator.layer(options)),
    Layer.provide(Providers.layer),
    Layer.provide(AiClient.layerLanguageModel({ provider: name })),
    Layer.provideMerge(inner)
  )
}
