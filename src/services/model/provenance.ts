/** Where an answer of a resilient model comes from, for whoever looks. */
import { Option, Schema } from "effect"
import type { Response } from "effect/ai"
import { FallbackReason, type Generation } from "../../domain/Generation.ts"
import { fallbackInfoOf } from "../../domain/Provenance.ts"

/** As the HTTP service says it. */
export const ModelProvenance = Schema.Struct({
  /** Of the text: one that comes from the cache keeps the id it was generated under. */
  id: Schema.String,
  source: Schema.Literals(["live", "cache", "template"]),
  /** That reached the model for this call. */
  attempts: Schema.Int,
  /** Why it is not live, and what stands in; null for a live answer. */
  fallback: Schema.NullOr(Schema.Struct({
    reason: FallbackReason,
    match: Schema.NullOr(Schema.Literals(["exact", "similar"])),
    /** Cosine of the two prompts' vectors. */
    similarity: Schema.NullOr(Schema.Finite),
    age_seconds: Schema.NullOr(Schema.Int),
    /** The template's name. */
    template: Schema.NullOr(Schema.String)
  }))
})
export type ModelProvenance = typeof ModelProvenance.Type

const decode = Schema.decodeUnknownOption(ModelProvenance)

/**
 * Where a response comes from: `response.content` of `generateText`, or the parts of `streamText`, whose last one says
 * it. None for a response that no resilient model has given, and for objects.
 */
export const provenance = (
  parts: Iterable<{ readonly type: string; readonly metadata?: unknown }>
): Option.Option<ModelProvenance> => {
  for (const { metadata, type } of parts) {
    if (type !== "finish" || typeof metadata !== "object" || metadata === null || !("understudy" in metadata)) continue
    return decode(metadata.understudy)
  }
  return Option.none()
}

const provenanceOf = (generation: Generation): ModelProvenance => {
  const { attempts, id, source } = generation
  return { id, source, attempts, fallback: generation.source === "live" ? null : fallbackInfoOf(generation) }
}

/** The end of what stands in: nothing was used for it. */
export const fallbackFinish = (generation: Generation): Response.FinishPartEncoded => ({
  type: "finish",
  reason: "stop",
  usage: { inputTokens: { total: 0 }, outputTokens: { total: 0 } },
  metadata: { understudy: provenanceOf(generation) }
})

/** A model's own end, which says where the answer comes from too. One is made up where the model has given none. */
export const liveFinish = (
  generation: Generation,
  finish: Response.FinishPartEncoded | undefined
): Response.FinishPartEncoded => ({
  ...finish ?? { type: "finish", reason: "unknown", usage: { inputTokens: {}, outputTokens: {} } },
  metadata: { ...finish?.metadata, understudy: provenanceOf(generation) }
})
