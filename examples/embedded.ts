/** Understudy inside a program of your own: no HTTP, no database, nothing to configure. Run: node examples/embedded.ts */
import { Console, Effect, Layer } from "effect"
import { AiClient, defaultNamespace, Generator, Providers, Understudy } from "understudy"

/** Stands for `AiClient.layerOpenAi({ provider, baseUrl, model, apiKey })` over any Effect `HttpClient`. */
const Provider = Layer.provide(Providers.layer, AiClient.layerSimulated())

const Ladder = Understudy.layer({
  totalTimeout: "20 seconds",
  circuit: { failures: 3, openFor: "30 seconds" },
  limits: { concurrency: 4 }
}).pipe(Layer.provide(Provider))

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

await Effect.runPromise(Effect.provide(program, Ladder))
