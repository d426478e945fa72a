/** What a program that embeds Understudy sees of it: what each step needs, gives, and can still fail with. */
import { it } from "@effect/vitest"
import type { Effect, Layer, Stream } from "effect"
import type { AiError as ModelError, LanguageModel, Response } from "effect/ai"
import type { HttpClient } from "effect/http"
import type { SqlClient } from "effect/sql"
import type {
  AiClient,
  Embedder,
  fallbackCacheLayerMemory,
  fallbackCacheLayerPostgres,
  Generator,
  Providers,
  Templates
} from "understudy"
import {
  type AiError,
  type AiRejected,
  CircuitBreaker,
  type CircuitOpen,
  type DeadlineExceeded,
  defaultNamespace,
  FallbackCache,
  type FallbackGeneration,
  type Generation,
  type GenerationUnavailable,
  type LimitExceeded,
  type LiveError,
  type LiveGeneration,
  RateLimiter,
  type Recoverable,
  type StoreUnavailable,
  Understudy
} from "understudy"
import type { EventsBroken, UnderstudyClient } from "understudy/http"
import { expectTypeOf } from "vitest"

type Failure<F> = F extends (...args: infer _) => Effect.Effect<infer _A, infer E, infer _R> ? E : never
type Success<F> = F extends (...args: infer _) => Effect.Effect<infer A, infer _E, infer _R> ? A : never
type Needs<L> = L extends Layer.Layer<infer _A, infer _E, infer R> ? R : never
type Gives<L> = L extends Layer.Layer<infer A, infer _E, infer _R> ? A : never
type Fails<L> = L extends Layer.Layer<infer _A, infer E, infer _R> ? E : never
type ServiceOf<Tag> = Tag extends { readonly Service: infer S } ? S : never

class OwnError {
  readonly _tag = "OwnError"
}
class OwnService {
  readonly _tag = "OwnService"
}
type Own = Effect.Effect<number, OwnError, OwnService>

it("the ladder in one layer needs providers and nothing else, and cannot fail to start", () => {
  type Layers = ReturnType<typeof Understudy.layer>
  expectTypeOf<Needs<Layers>>().toEqualTypeOf<Providers>()
  expectTypeOf<Gives<Layers>>()
    .toEqualTypeOf<Generator | CircuitBreaker | RateLimiter | FallbackCache | Templates>()
  expectTypeOf<Fails<Layers>>().toEqualTypeOf<never>()
})

it("each step alone needs no more than it says", () => {
  expectTypeOf<Needs<ReturnType<typeof CircuitBreaker.layerMemory>>>().toEqualTypeOf<never>()
  expectTypeOf<Needs<ReturnType<typeof CircuitBreaker.layerPostgres>>>().toEqualTypeOf<SqlClient.SqlClient>()
  expectTypeOf<Needs<ReturnType<typeof RateLimiter.layer>>>().toEqualTypeOf<never>()
  expectTypeOf<Needs<ReturnType<typeof RateLimiter.layerPostgres>>>().toEqualTypeOf<SqlClient.SqlClient>()
  expectTypeOf<Needs<ReturnType<typeof fallbackCacheLayerMemory>>>().toEqualTypeOf<Embedder>()
  expectTypeOf<Needs<ReturnType<typeof fallbackCacheLayerPostgres>>>()
    .toEqualTypeOf<Embedder | SqlClient.SqlClient>()
  expectTypeOf<Needs<typeof Embedder.layerLocal>>().toEqualTypeOf<never>()
  expectTypeOf<Needs<typeof Templates.layerNone>>().toEqualTypeOf<never>()
  expectTypeOf<Needs<ReturnType<typeof AiClient.layerOpenAi>>>().toEqualTypeOf<HttpClient.HttpClient>()
  expectTypeOf<Needs<ReturnType<typeof AiClient.layerLanguageModel>>>().toEqualTypeOf<LanguageModel.LanguageModel>()
})

it("a circuit around an effect adds its rejection to what that fails with, and itself to what it needs", () => {
  const guarded = (own: Own) => CircuitBreaker.protect<OwnError>("key")(own)
  expectTypeOf<ReturnType<typeof guarded>>().toEqualTypeOf<
    Effect.Effect<number, OwnError | CircuitOpen, OwnService | CircuitBreaker>
  >()
})

it("a limit adds its refusal, and the cache around a generator takes no error away that it has no answer for", () => {
  const limited = (own: Own) => RateLimiter.limit("key")(own)
  expectTypeOf<ReturnType<typeof limited>>().toEqualTypeOf<
    Effect.Effect<number, OwnError | LimitExceeded, OwnService | RateLimiter>
  >()

  type Draft = { readonly text: string; readonly model: string; readonly tone: string }
  type Drafting = Effect.Effect<Draft, OwnError, OwnService>
  const remembered = (drafting: Drafting) =>
    FallbackCache.around<OwnError>({ namespace: defaultNamespace, prompt: "x" })(drafting)
  type Around = ReturnType<typeof remembered>
  type Given = Around extends Effect.Effect<infer A, infer _E, infer _R> ? A : never
  expectTypeOf<Around extends Effect.Effect<infer _A, infer E, infer _R> ? E : never>().toEqualTypeOf<OwnError>()
  expectTypeOf<Around extends Effect.Effect<infer _A, infer _E, infer R> ? R : never>()
    .toEqualTypeOf<OwnService | FallbackCache>()
  // What is live has all of the generator's own; what is not says what it stands in for.
  expectTypeOf<Extract<Given, { source: "live" }>["tone"]>().toEqualTypeOf<string>()
  expectTypeOf<Extract<Given, { source: "cache" }>["error"]>().toEqualTypeOf<OwnError>()

  expectTypeOf<Failure<ServiceOf<typeof Templates>["render"]>>().toEqualTypeOf<never>()
})

it("over HTTP the same: a refusal, nothing to show, and what only a network can do", () => {
  type Client = ServiceOf<typeof UnderstudyClient>
  type Problem = Extract<Failure<Client["generate"]>, { readonly status: number }>
  expectTypeOf<Problem["status"]>().toEqualTypeOf<400 | 401 | 409 | 413 | 415 | 422 | 429 | 500 | 503>()
  type StreamFailure = ReturnType<Client["stream"]> extends Stream.Stream<infer _A, infer E, infer _R> ? E : never
  expectTypeOf<Extract<StreamFailure, { readonly status: number }>>().toEqualTypeOf<Problem>()
  expectTypeOf<Extract<StreamFailure, EventsBroken>>().toEqualTypeOf<EventsBroken>()
  expectTypeOf<Needs<ReturnType<typeof UnderstudyClient.layer>>>().toEqualTypeOf<HttpClient.HttpClient>()
})

it("the steps of the ladder: live, then fallback, then what nobody can take away", () => {
  type Steps = ServiceOf<typeof Generator>
  expectTypeOf<Failure<Steps["live"]>>().toEqualTypeOf<AiError | CircuitOpen | LimitExceeded | DeadlineExceeded>()
  expectTypeOf<Failure<Steps["live"]>>().toEqualTypeOf<LiveError>()
  expectTypeOf<Success<Steps["live"]>>().toEqualTypeOf<LiveGeneration>()
  expectTypeOf<Parameters<Steps["fallback"]>[1]>().toEqualTypeOf<Recoverable>()
  expectTypeOf<Recoverable>().toEqualTypeOf<Exclude<LiveError, AiRejected>>()
  expectTypeOf<Success<Steps["fallback"]>>().toEqualTypeOf<FallbackGeneration>()
  expectTypeOf<Failure<Steps["fallback"]>>().toEqualTypeOf<GenerationUnavailable>()
  expectTypeOf<Success<Steps["generate"]>>().toEqualTypeOf<Generation>()
  expectTypeOf<Failure<Steps["generate"]>>().toEqualTypeOf<AiRejected | GenerationUnavailable>()
  expectTypeOf<Failure<ServiceOf<typeof FallbackCache>["find"]>>().toEqualTypeOf<StoreUnavailable>()
})

it("a resilient model is a model: it needs what the inner one needs, and fails with AiError alone", () => {
  type Inner = Layer.Layer<LanguageModel.LanguageModel | OwnService, OwnError, HttpClient.HttpClient>
  const around = (inner: Inner) => Understudy.layerLanguageModel(inner)
  expectTypeOf<ReturnType<typeof around>>().toEqualTypeOf<Inner>()

  const overOwn = (inner: Inner) => Understudy.layerLanguageModelNoDeps(inner)
  expectTypeOf<Needs<ReturnType<typeof overOwn>>>().toEqualTypeOf<
    HttpClient.HttpClient | CircuitBreaker | RateLimiter | FallbackCache | Templates
  >()

  const text = (model: LanguageModel.LanguageModel) => model.generateText({ prompt: "x" })
  expectTypeOf<Failure<typeof text>>().toEqualTypeOf<ModelError.AiError>()
  const stream = (model: LanguageModel.LanguageModel) => model.streamText({ prompt: "x" })
  expectTypeOf<ReturnType<typeof stream>>().toEqualTypeOf<
    Stream.Stream<Response.StreamPart<{}>, ModelError.AiError>
  >()
})
