/** A program of somebody who has installed `understudy` and `effect` and nothing else. */
import { Effect, Layer } from "effect"
import * as Understudied from "understudy"
import { AiClient, CircuitBreaker, defaultNamespace, Generator, Providers, Understudy } from "understudy"
import { Api } from "understudy/http"
import { runScenario, scenarios, story } from "understudy/simulation"

/** Nothing here has an annotation: whatever the compiler finds, it must be able to write down. */
export const ladder = Understudy.layer({ circuit: { failures: 2 } }).pipe(
  Layer.provide(Providers.layer),
  Layer.provide(AiClient.layerSimulated())
)

export const answer = Effect.flatMap(
  Generator,
  (generator) => generator.generate({ namespace: defaultNamespace, prompt: "tea", maxTokens: 50, remember: true })
)

export const generator = Effect.map(Generator, (service) => ({ ...service }))
export const breaker = Effect.map(CircuitBreaker, (service) => ({ ...service }))
export const limiter = Effect.map(Understudied.RateLimiter, (service) => ({ ...service }))
export const embedder = Effect.map(Understudied.Embedder, (service) => ({ ...service }))
export const cache = Effect.map(Understudied.FallbackCache, (service) => ({ ...service }))
export const idempotency = Effect.map(Understudied.Idempotency, (service) => ({ ...service }))
export const jobs = Effect.map(Understudied.Jobs, (service) => ({ ...service }))
export const queues = Effect.map(Understudied.JobQueues, (service) => ({ ...service }))
export const providers = Effect.map(Providers, (service) => ({ ...service }))
export const templates = Effect.map(Understudied.Templates, (service) => ({ ...service }))
export const client = Effect.map(AiClient, (service) => ({ ...service }))
export const sender = Effect.map(Understudied.CallbackSender, (service) => ({ ...service }))
export const { groups } = Api
export const play = runScenario

export const said = Effect.runPromise(Effect.provide(answer, ladder)).then(({ source }) => ({
  source,
  api: Api.identifier,
  scenarios: scenarios.map(({ name }) => name).includes(story.name)
}))
