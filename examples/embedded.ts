/** Understudy inside a program of your own: no HTTP, no database, nothing to configure. Run: node examples/embedded.ts */
import { Console, Effect, Layer } from "effect"
import {
  AiClient,
  CircuitBreaker,
  defaultNamespace,
  Embedder,
  fallbackCacheLayerMemory,
  Generator,
  Providers,
  RateLimiter,
  Templates
} from "understudy"

const Understudy = Generator.layer({ attemptTimeout: "10 seconds", totalTimeout: "20 seconds" }).pipe(
  Layer.provide([
    Layer.provide(Providers.layer, AiClient.layerSimulated()),
    CircuitBreaker.layerMemory({ failures: 3, openFor: "30 seconds" }),
    RateLimiter.layer({ concurrency: 4 }),
    Layer.provide(fallbackCacheLayerMemory(), Embedder.layerLocal),
    Templates.layerNone
  ])
)

const program = Effect.gen(function*() {
  const generator = yield* Generator
  const { source, text } = yield* generator.generate({
    namespace: defaultNamespace,
    prompt: "Write a blog post about sourdough starters",
    maxTokens: 200,
    remember: true
  })
  yield* Console.log(`${source}: ${text}`)
}).pipe(
  Effect.catchTags({
    AiRejected: (error) => Console.log(`The provider refuses this prompt: ${error.message}`),
    GenerationUnavailable: (error) => Console.log(`Nothing to show yet: ${error.message}`)
  })
)

await Effect.runPromise(Effect.provide(program, Understudy))
