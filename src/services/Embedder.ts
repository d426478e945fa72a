/** Turns a text into a unit vector, so that prompts can be compared. */
import { Context, type Effect } from "effect"
import type { EmbeddingFailed } from "../domain/errors.ts"

export class Embedder extends Context.Service<Embedder, {
  /**
   * Names the vector space: implementation, version and model. Vectors of different names are never compared,
   * so a change of the algorithm is a change of the name.
   */
  readonly name: string
  readonly dimensions: number
  /** A vector of `dimensions` numbers and length 1. Slow embedders are bounded by the caller. */
  readonly embed: (text: string) => Effect.Effect<Float32Array, EmbeddingFailed>
}>()("understudy/services/Embedder") {}
