/** Stands in for a provider when none is configured: says what it is, and fails as often as it is told to. */
import { type Duration, Effect, Random } from "effect"
import { type AiAnswer, type AiRequest, estimateTokens } from "../../domain/Ai.ts"
import { AiUnavailable } from "../../domain/errors.ts"
import { inOnePiece } from "./inOnePiece.ts"

const provider = "simulated"

export const makeSimulated = (latency: Duration.Input, failures: number) => {
  const generate = (request: AiRequest): Effect.Effect<AiAnswer, AiUnavailable> =>
    Effect.flatMap(Effect.delay(Random.next, latency), (random) => {
      if (random < failures) {
        return Effect.fail(new AiUnavailable({ provider, status: 503, detail: "a simulated failure (status 503)" }))
      }
      const whole = draft(request.prompt)
      // As a provider would: the bound is in tokens, of about four characters.
      const text = whole.slice(0, Math.max(1, request.maxTokens) * 4).toWellFormed()
      return Effect.succeed({
        text,
        isComplete: text.length === whole.length,
        model: request.model ?? provider,
        usage: { inputTokens: estimateTokens(request.prompt), outputTokens: estimateTokens(text) }
      })
    })
  return { provider, generate, stream: inOnePiece(generate) }
}

const draft = (prompt: string): string =>
  `This is a simulated draft: no AI provider is configured (set AI_BASE_URL).\n\nYou asked for: ${prompt.trim()}`
