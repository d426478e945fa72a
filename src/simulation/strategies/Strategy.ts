/** What a user's click runs into: one way of getting an answer out of an unreliable provider. */
import { Context, type Effect, type Layer } from "effect"
import type { AiRejected, GenerationUnavailable } from "../../domain/errors.ts"
import type { Generation, GenerationRequest } from "../../domain/Generation.ts"
import type { AiClient } from "../../services/AiClient.ts"
import type { CircuitBreaker } from "../../services/CircuitBreaker.ts"
import type { FallbackCache } from "../../services/FallbackCache.ts"
import type { Policy } from "../policy/Policy.ts"

/** What stands between a user and the provider. */
export class Strategy extends Context.Service<Strategy, {
  /** As `Generator.generate`; strategies without a fallback pass every error on as `GenerationUnavailable`. */
  readonly generate: (request: GenerationRequest) => Effect.Effect<Generation, AiRejected | GenerationUnavailable>
}>()("understudy/simulation/Strategy") {}

/** A row of a simulation. Its circuit, if it has one, is that of the provider in the `CircuitBreaker` at hand. */
export interface StrategyEntry {
  readonly name: string
  /** One sentence for the list of strategies. */
  readonly about: string
  readonly layer: (policy: Policy) => Layer.Layer<Strategy, never, AiClient | CircuitBreaker | FallbackCache>
}
