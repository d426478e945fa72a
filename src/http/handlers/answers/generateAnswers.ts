/** An answer in the words of the contract. */
import type { Generation } from "../../../domain/Generation.ts"
import type { GenerateResponse } from "../../api/Answers.ts"
import { provenanceOf } from "./provenance.ts"

export const toResponse = (generation: Generation): GenerateResponse => {
  const { attempts, fallback, provider, source, upgrade } = provenanceOf(generation)
  const { id, text } = generation
  const isTemplate = generation.source === "template"
  const usage = isTemplate ? undefined : generation.usage
  return {
    id,
    text,
    source,
    model: isTemplate ? null : generation.model,
    provider,
    attempts,
    usage: usage === undefined ? null : { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens },
    fallback,
    upgrade
  }
}
