/** An embedder as a network makes it: the local one's vectors, late or not at all. */
import { Clock, Effect, Layer } from "effect"
import { EmbeddingFailed } from "../../domain/errors.ts"
import type { CircuitBreaker } from "../../services/CircuitBreaker.ts"
import { Embedder } from "../../services/Embedder.ts"
import { latencyOf } from "../provider/ModelScript.ts"
import type { Draw } from "../random/Draws.ts"
import type { EmbedderModel } from "../Scenario.ts"

/**
 * Behind the deadline and the circuit that every embedder over a network has. What is asked before the simulation begins
 * (to warm a cache) is answered at once.
 */
export const layerSlowEmbedder = (
  model: EmbedderModel,
  draw: Draw,
  beginMillis: number
): Layer.Layer<Embedder, never, CircuitBreaker> => {
  const late = makeLate(model, draw, beginMillis)
  return Embedder.layerResilient().pipe(
    Layer.provide(
      Layer.effect(
        Embedder,
        Effect.map(Embedder, (local) => ({
          name: "simulated",
          dimensions: local.dimensions,
          embed: (text) => late(local.embed(text)),
          embedMany: (texts) => late(local.embedMany(texts))
        }))
      )
    ),
    Layer.provide(Embedder.layerLocal)
  )
}

const makeLate =
  ({ failures, latency }: EmbedderModel, draw: Draw, beginMillis: number) =>
  <A>(vectors: Effect.Effect<A, EmbeddingFailed>): Effect.Effect<A, EmbeddingFailed> =>
    Clock.clockWith((clock) => {
      if (clock.currentTimeMillisUnsafe() <= beginMillis) return vectors
      const isFailing = draw() < failures
      const failed = new EmbeddingFailed({ embedder: "simulated", reason: "unavailable", cause: "simulated" })
      return Effect.delay(isFailing ? Effect.fail(failed) : vectors, latencyOf(latency, draw))
    })
