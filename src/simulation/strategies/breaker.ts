/** A circuit breaker and nothing else: whoever comes while it is open gets an error at once. */
import { Effect, Layer } from "effect"
import type { AiError, LiveError } from "../../domain/errors.ts"
import type { GenerationRequest, LiveGeneration } from "../../domain/Generation.ts"
import { outcomeOf } from "../../domain/ladder/ErrorTable.ts"
import { AiClient } from "../../services/AiClient.ts"
import { CircuitBreaker } from "../../services/CircuitBreaker.ts"
import { makeAttempt, orFail } from "./attempt.ts"
import { Strategy, type StrategyEntry } from "./Strategy.ts"

export const breaker: StrategyEntry = {
  name: "breaker",
  about: "An async client, one attempt, behind a circuit breaker",
  layer: (policy) =>
    Layer.effect(
      Strategy,
      Effect.gen(function*() {
        const client = yield* AiClient
        const attempt = behindCircuit(makeAttempt(client, policy), yield* CircuitBreaker, client.provider)
        return { generate: (request) => orFail(attempt(request)) }
      })
    )
}

export const behindCircuit = (
  attempt: (request: GenerationRequest) => Effect.Effect<LiveGeneration, AiError>,
  breaker: CircuitBreaker["Service"],
  key: string
) =>
(request: GenerationRequest): Effect.Effect<LiveGeneration, LiveError> =>
  Effect.provideService(CircuitBreaker.protect(key, outcomeOf)(attempt(request)), CircuitBreaker, breaker)
