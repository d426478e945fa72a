/** Where it began: a CMS whose workers wait for the provider themselves, and what was tried first. */
import { Effect, Fiber, Layer, Schedule, Semaphore } from "effect"
import type { AiError } from "../../domain/errors.ts"
import type { GenerationRequest, LiveGeneration } from "../../domain/Generation.ts"
import { isRetryable } from "../../domain/ladder/ErrorTable.ts"
import { AiClient } from "../../services/AiClient.ts"
import { makeAttempt, orFail } from "./attempt.ts"
import { Strategy, type StrategyEntry } from "./Strategy.ts"

type Call = (request: GenerationRequest) => Effect.Effect<LiveGeneration, AiError>

/** Requests that a CMS works on at the same time. */
const workers = 4

/** A worker that waits for the provider does not notice that its user has left. */
const onWorkers = Effect.fnUntraced(function*(call: Call) {
  const pool = yield* Semaphore.make(workers)
  const scope = yield* Effect.scope
  return (request: GenerationRequest) =>
    Effect.flatMap(Effect.forkIn(pool.withPermit(call(request)), scope), Fiber.join)
})

/** After 1 and 2 seconds, whoever else waits for the same moment. */
const threeTimes = <A, E extends AiError>(call: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.retry(call, { times: 2, schedule: Schedule.exponential("1 second"), while: isRetryable })

export const bare: StrategyEntry = {
  name: "bare",
  about: `Each click calls the provider and waits, on one of the ${workers} workers of a CMS`,
  layer: (policy) =>
    Layer.effect(
      Strategy,
      Effect.gen(function*() {
        const call = yield* onWorkers(makeAttempt(yield* AiClient, policy))
        return { generate: (request) => orFail(call(request)) }
      })
    )
}

export const retry: StrategyEntry = {
  name: "retry",
  about: "The same with a retry decorator: 3 attempts, exponential backoff, no jitter",
  layer: (policy) =>
    Layer.effect(
      Strategy,
      Effect.gen(function*() {
        const attempt = makeAttempt(yield* AiClient, policy)
        const call = yield* onWorkers((request) => threeTimes(attempt(request)))
        return { generate: (request) => orFail(call(request)) }
      })
    )
}

export const threads: StrategyEntry = {
  name: "threads",
  about: "The same with a thread for each call: nothing bounds how many run at once",
  layer: (policy) =>
    Layer.effect(
      Strategy,
      Effect.map(AiClient, (client) => {
        const attempt = makeAttempt(client, policy)
        return { generate: (request) => orFail(threeTimes(attempt(request))) }
      })
    )
}
