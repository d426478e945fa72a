/** Stands in for a provider when none is configured: says what it is, and answers always. */
import { type Duration, Effect } from "effect"
import { type AiAnswer, type AiRequest, estimateTokens } from "../../domain/Ai.ts"

export const makeSimulated = (latency: Duration.Input) => ({
  provider: "simulated",
  generate: (request: AiRequest): Effect.Effect<AiAnswer> =>
    Effect.map(Effect.sleep(latency), () => {
      const text = draft(request)
      return {
        text,
        model: request.model ?? "simulated",
        usage: { inputTokens: estimateTokens(request.prompt), outputTokens: estimateTokens(text) }
      }
    })
})

const draft = ({ maxTokens, prompt }: AiRequest): string => {
  const text = `This is a simulated draft: no AI provider is configured (set AI_BASE_URL).\n\n` +
    `You asked for: ${prompt.trim()}`
  // As a provider would: the bound is in tokens, of about four characters.
  return text.slice(0, Math.max(1, maxTokens) * 4).toWellFormed()
}
