/** Turns a text into a unit vector, so that prompts can be compared. */
import { Context, Effect, Layer } from "effect"
import { EmbeddingModel } from "effect/ai"
import { HttpClient } from "effect/http"
import { dimensions, textVector } from "../domain/similarity/TextVector.ts"
import { CircuitBreaker } from "./CircuitBreaker.ts"
import { type EmbedderApi, makeFromModel } from "./embedder/EmbedderApi.ts"
import { askModel, type ModelEmbeddings } from "./embedder/embeddingModel.ts"
import { askOpenAi, type OpenAiEmbeddings } from "./embedder/openAi.ts"
import { type EmbedderCircuitApi, makeResilient, type ResilientOptions } from "./embedder/resilient.ts"

export type { EmbedderApi } from "./embedder/EmbedderApi.ts"
export type { ModelEmbeddings } from "./embedder/embeddingModel.ts"
export type { OpenAiEmbeddings } from "./embedder/openAi.ts"
export type { ResilientOptions } from "./embedder/resilient.ts"

/** Present when the embedder has a circuit: which one, and how it does. For readiness and operators. */
export class EmbedderCircuit extends Context.Service<EmbedderCircuit, EmbedderCircuitApi>()(
  "understudy/services/EmbedderCircuit"
) {}

/** Text to unit vector. Vectors of embedders with different names are never compared. */
export class Embedder extends Context.Service<Embedder, EmbedderApi>()("understudy/services/Embedder") {
  /** No network and no weights: hashed words, see `domain/similarity/TextVector.ts`. Never fails; well below 1 ms for a prompt. */
  static readonly layerLocal: Layer.Layer<Embedder> = Layer.sync(Embedder, () =>
    Embedder.of({
      name: "local-2",
      dimensions,
      isInstant: true,
      embed: (text) => Effect.sync(() => textVector(text)),
      embedMany: (texts) => Effect.sync(() => texts.map((text) => textVector(text)))
    }))

  /**
   * `POST {baseUrl}/embeddings`, several texts in one request, decoded strictly and brought to length 1. Everything that
   * goes wrong, defects of the client included, is an `EmbeddingFailed` that holds neither the key nor a text nor the
   * response. No timeout: see `layerResilient`.
   */
  static readonly layerOpenAi = (
    options: OpenAiEmbeddings
  ): Layer.Layer<Embedder, never, HttpClient.HttpClient> =>
    Layer.effect(
      Embedder,
      Effect.map(HttpClient.HttpClient, (client) => {
        const name = `openai:${options.model}`
        return makeFromModel({ ...options, name }, askOpenAi(name, options, client))
      })
    )

  /**
   * The `EmbeddingModel` of `effect/ai` at hand, as strictly: other dimensions, the zero vector and a wrong number of
   * embeddings are refused. No timeout: see `layerResilient`.
   */
  static readonly layerEmbeddingModel = (
    options: ModelEmbeddings
  ): Layer.Layer<Embedder, never, EmbeddingModel.EmbeddingModel> =>
    Layer.effect(
      Embedder,
      Effect.map(EmbeddingModel.EmbeddingModel, (model) => makeFromModel(options, askModel(options.name, model)))
    )

  /**
   * Puts a deadline and a circuit (`embedder:<name>`) around the embedder at hand, and joins lookups that come at the
   * same time into one request. For embedders over a network. A request goes on when its callers have left, for others
   * may wait for it, but never beyond its deadline; `embedMany` ends with its caller.
   */
  static readonly layerResilient = (
    options: ResilientOptions = {}
  ): Layer.Layer<Embedder | EmbedderCircuit, never, Embedder | CircuitBreaker> =>
    Layer.effectContext(Effect.gen(function*() {
      const { circuit, embedder } = makeResilient(yield* Embedder, yield* CircuitBreaker, options)
      return Context.make(Embedder, Embedder.of(embedder)).pipe(Context.add(EmbedderCircuit, circuit))
    }))
}
