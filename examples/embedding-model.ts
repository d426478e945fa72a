/** Any `effect/ai` EmbeddingModel as Understudy's embedder, with a deadline and a circuit. Run: node examples/embedding-model.ts */
import { Console, Effect, Layer } from "effect"
import { EmbeddingModel } from "effect/ai"
import { CircuitBreaker, Embedder } from "understudy"

/** Stands for the layer of a provider's package, `OpenAiEmbeddingModel.layer(…)` for example. */
const Model = Layer.effect(
  EmbeddingModel.EmbeddingModel,
  EmbeddingModel.make({
    embedMany: ({ inputs }) =>
      Effect.as(Console.log(`one request for ${inputs.length} texts`), {
        results: inputs.map((text) => [text.length, 1, 0]),
        usage: { inputTokens: undefined }
      })
  })
)

const Embeddings = Embedder.layerResilient({ timeout: "250 millis" }).pipe(
  Layer.provide(Embedder.layerEmbeddingModel({ name: "acme:small-1", dimensions: 3 })),
  Layer.provide(Model),
  Layer.provide(CircuitBreaker.layerMemory({ failures: 3, openFor: "30 seconds" }))
)

const program = Effect.gen(function*() {
  const embedder = yield* Embedder
  // Lookups at the same time go in one request.
  const vectors = yield* Effect.forEach(["tea", "coffee"], embedder.embed, { concurrency: "unbounded" })
  yield* Console.log(`${embedder.name}: ${vectors.length} vectors of length 1`)
}).pipe(Effect.catchTag("EmbeddingFailed", ({ message }) => Console.log(message)))

await Effect.runPromise(Effect.provide(program, Embeddings))
