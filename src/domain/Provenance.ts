/** Where an answer that is not live comes from, as callers are told. Pure. */
import type { FallbackGeneration } from "./Generation.ts"

/** Null is what does not apply. `similarity` has three digits. */
export const fallbackInfoOf = (generation: FallbackGeneration) =>
  generation.source === "cache"
    ? {
      reason: generation.reason,
      match: generation.match,
      similarity: Math.round(generation.similarity * 1_000) / 1_000,
      age_seconds: wholeSeconds(generation.ageMillis),
      template: null
    }
    : { reason: generation.reason, match: null, similarity: null, age_seconds: null, template: generation.template }

export const wholeSeconds = (millis: number): number => Math.max(0, Math.floor(millis / 1_000))
