/** The first ideas of caching: identical prompts in front of the provider, and any answer at all behind it. */
import { Effect, Layer, Option } from "effect"
import type { GenerationRequest } from "../../domain/Generation.ts"
import { isRecoverable } from "../../domain/ladder/ErrorTable.ts"
import { AiClient } from "../../services/AiClient.ts"
import { CircuitBreaker } from "../../services/CircuitBreaker.ts"
import { type CacheMatch, FallbackCache } from "../../services/FallbackCache.ts"
import { cached, makeAttempt, nothingToShow, orFail, remember } from "./attempt.ts"
import { behindCircuit } from "./breaker.ts"
import { Strategy, type StrategyEntry } from "./Strategy.ts"

export const exactCache: StrategyEntry = {
  name: "exact-cache",
  about: "An async client, one attempt, and in front of it a cache of identical prompts",
  layer: (policy) =>
    Layer.effect(
      Strategy,
      Effect.gen(function*() {
        const attempt = makeAttempt(yield* AiClient, policy)
        const cache = yield* FallbackCache
        const known = (request: GenerationRequest) =>
          // A cache that is away is one that knows nothing.
          Effect.orElseSucceed(cache.find({ ...request, isExactOnly: true }), () => Option.none<CacheMatch>())
        return {
          generate: (request) =>
            Effect.flatMap(known(request), (match): ReturnType<Strategy["Service"]["generate"]> =>
              Option.isSome(match)
                ? Effect.succeed({ source: "cache", attempts: 0, reason: "overloaded", ...match.value })
                : Effect.tap(orFail(attempt(request)), (answer) => remember(cache, request, answer)))
        }
      })
    )
}

export const breakerAny: StrategyEntry = {
  name: "breaker-any",
  about: "The breaker, and when there is no answer the last one of all, whatever it is about",
  layer: (policy) =>
    Layer.effect(
      Strategy,
      Effect.gen(function*() {
        const client = yield* AiClient
        const attempt = behindCircuit(makeAttempt(client, policy), yield* CircuitBreaker, client.provider)
        let last: CacheMatch | undefined
        return {
          generate: (request) =>
            attempt(request).pipe(
              Effect.tap(({ id, model, text, usage }) =>
                Effect.sync(() => {
                  last = { id, model, text, usage, match: "similar", similarity: 0, ageMillis: 0 }
                })
              ),
              Effect.catchIf(
                isRecoverable,
                (error) => last === undefined ? Effect.fail(nothingToShow(error)) : Effect.succeed(cached(last, error))
              )
            )
        }
      })
    )
}
