/** Strategies against hand-made scripts: what each request comes to, and when the provider was called. */
import { Clock, Effect, Layer, type Result, type Scope } from "effect"
import type { AiRejected, GenerationUnavailable } from "../../../src/domain/errors.ts"
import { defaultNamespace, type Generation, type GenerationRequest } from "../../../src/domain/Generation.ts"
import { layerMemory } from "../../../src/services/cache/FallbackCacheMemory.ts"
import { CircuitBreaker } from "../../../src/services/CircuitBreaker.ts"
import { Embedder } from "../../../src/services/Embedder.ts"
import { defaultPolicy } from "../../../src/simulation/policy/defaultPolicy.ts"
import type { Policy } from "../../../src/simulation/policy/Policy.ts"
import type { CallOutcome } from "../../../src/simulation/provider/ProviderModel.ts"
import { layerScripted } from "../../../src/simulation/provider/ScriptedProvider.ts"
import { Strategy, type StrategyEntry } from "../../../src/simulation/strategies/index.ts"
import { onVirtualTime } from "../../../src/simulation/time/VirtualTime.ts"

export interface Played {
  /** When it begins, and for what. */
  readonly ask: (prompt: string) => Effect.Effect<Asked>
  /** When the provider was called. */
  readonly calls: ReadonlyArray<number>
}

export interface Asked {
  readonly result: Result.Result<Generation, AiRejected | GenerationUnavailable>
  readonly waitedMillis: number
}

export const answer = (afterMillis: number): CallOutcome => ({ outcome: "answer", afterMillis })
export const down: CallOutcome = { outcome: "unavailable", afterMillis: 0 }
export const hangs: CallOutcome = { outcome: "timeout", afterMillis: Infinity }

/** The calls come to these, one after the other; the last one for ever. */
export const play = <A, E>(
  strategy: StrategyEntry,
  outcomes: ReadonlyArray<CallOutcome>,
  use: (played: Played) => Effect.Effect<A, E, Scope.Scope>,
  policy: Policy = defaultPolicy
): Effect.Effect<A, E> => {
  const calls: Array<number> = []
  const script = {
    next: (atMillis: number): CallOutcome => outcomes[calls.push(atMillis) - 1] ?? outcomes.at(-1) ?? answer(0)
  }
  const services = strategy.layer(policy).pipe(
    Layer.provide([
      layerScripted({ script, provider: "p" }),
      CircuitBreaker.layerMemory({
        failures: policy.breaker.failures,
        window: policy.breaker.windowMillis,
        openFor: policy.breaker.cooldownMillis
      }),
      Layer.provide(layerMemory(), Embedder.layerLocal)
    ])
  )
  const program = Effect.gen(function*() {
    const { generate } = yield* Strategy
    const ask = Effect.fnUntraced(function*(prompt: string): Effect.fn.Return<Asked> {
      const begin = yield* Clock.currentTimeMillis
      const result = yield* Effect.result(generate(requestFor(prompt)))
      return { result, waitedMillis: (yield* Clock.currentTimeMillis) - begin }
    })
    return yield* use({ ask, calls })
  })
  return Effect.scoped(Effect.provide(program, services)).pipe(onVirtualTime())
}

const requestFor = (prompt: string): GenerationRequest => ({
  namespace: defaultNamespace,
  prompt,
  maxTokens: 100,
  remember: true
})

/** "live", "cache", "template", "AiRejected", or the cause for which there was nothing to show. */
export const cameTo = ({ result }: Asked): string => {
  if (result._tag === "Success") return result.success.source
  return result.failure._tag === "AiRejected" ? result.failure._tag : result.failure.cause._tag
}
