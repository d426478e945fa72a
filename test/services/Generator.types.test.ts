/** What can still go wrong after each step of the ladder, held by the compiler. */
import { it } from "@effect/vitest"
import type { Effect, Layer, Stream } from "effect"
import { expectTypeOf } from "vitest"
import type { AiPart } from "../../src/domain/Ai.ts"
import type {
  AiError,
  AiRejected,
  CircuitOpen,
  DeadlineExceeded,
  GenerationUnavailable,
  LimitExceeded,
  StoreUnavailable,
  StreamBroken
} from "../../src/domain/errors.ts"
import type { FallbackGeneration, Generation, LiveGeneration, StreamPart } from "../../src/domain/Generation.ts"
import type { AiClient } from "../../src/services/AiClient.ts"
import type { CircuitBreaker } from "../../src/services/CircuitBreaker.ts"
import type { FallbackCache } from "../../src/services/FallbackCache.ts"
import type { Generator } from "../../src/services/Generator.ts"
import type { makeFallback } from "../../src/services/ladder/Fallback.ts"
import type { Providers } from "../../src/services/Providers.ts"
import type { RateLimiter } from "../../src/services/RateLimiter.ts"
import type { Templates } from "../../src/services/Templates.ts"

type Failure<F> = F extends (...args: infer _) => Effect.Effect<infer _A, infer E, infer _R> ? E : never
type Success<F> = F extends (...args: infer _) => Effect.Effect<infer A, infer _E, infer _R> ? A : never

it("an attempt fails with what one provider can do wrong", () => {
  expectTypeOf<Failure<AiClient["Service"]["generate"]>>().toEqualTypeOf<AiError>()
})

it("the circuit adds its rejection, and nothing else", () => {
  expectTypeOf<Failure<CircuitBreaker["Service"]["admit"]>>().toEqualTypeOf<CircuitOpen>()
  expectTypeOf<Failure<CircuitBreaker["Service"]["settle"]>>().toEqualTypeOf<never>()
})

it("the live step fails with all that an attempt, the circuit, the limits and the deadline can", () => {
  type Live = Generator["Service"]["live"]
  expectTypeOf<Failure<Live>>().toEqualTypeOf<AiError | CircuitOpen | LimitExceeded | DeadlineExceeded>()
  expectTypeOf<Success<Live>>().toEqualTypeOf<LiveGeneration>()
})

it("a cache lookup can fail, and handing an answer over cannot", () => {
  expectTypeOf<Failure<FallbackCache["Service"]["find"]>>().toEqualTypeOf<StoreUnavailable>()
  expectTypeOf<Failure<FallbackCache["Service"]["remember"]>>().toEqualTypeOf<never>()
})

it("the fallback step takes everything away but having nothing to show", () => {
  type Fallback = ReturnType<typeof makeFallback>
  expectTypeOf<Failure<Fallback>>().toEqualTypeOf<GenerationUnavailable>()
  expectTypeOf<Success<Fallback>>().toEqualTypeOf<FallbackGeneration>()
})

it("what is left of the whole ladder is a refusal of the request, or nothing to show", () => {
  type Generate = Generator["Service"]["generate"]
  expectTypeOf<Failure<Generate>>().toEqualTypeOf<AiRejected | GenerationUnavailable>()
  expectTypeOf<Success<Generate>>().toEqualTypeOf<Generation>()
})

it("a stream fails as any answer before it begins, and only by breaking off after it", () => {
  type Begun = Generator["Service"]["stream"]
  expectTypeOf<Failure<Begun>>().toEqualTypeOf<AiRejected | GenerationUnavailable>()
  expectTypeOf<Success<Begun>["parts"]>().toEqualTypeOf<Stream.Stream<StreamPart, StreamBroken>>()
  expectTypeOf<ReturnType<AiClient["Service"]["stream"]>>().toEqualTypeOf<Stream.Stream<AiPart, AiError>>()
})

it("the ladder needs its services, and none of them leaks into its methods", () => {
  expectTypeOf<typeof Generator.layer>().returns.toEqualTypeOf<
    Layer.Layer<Generator, never, Providers | CircuitBreaker | RateLimiter | FallbackCache | Templates>
  >()
})
