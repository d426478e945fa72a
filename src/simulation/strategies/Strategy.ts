/** What a user's click runs into: one way of getting an answer out of an unreliable provider. */
import { Context, type Effect } from "effect"
import type { AiRejected, GenerationUnavailable } from "../../domain/errors.ts"
import type { Generation, GenerationRequest } from "../../domain/Generation.ts"

export class Strategy extends Context.Service<Strategy, {
  /** As `Generator.generate`; the strategies without a fallback pass every error on as `GenerationUnavailable`. */
  readonly generate: (request: GenerationRequest) => Effect.Effect<Generation, AiRejected | GenerationUnavailable>
}>()("understudy/simulation/Strategy") {}
