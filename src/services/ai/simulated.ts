/** Stands in for a provider when none is configured: says what it is, and fails as often as it is told to. */
import { type Duration, Effect, Random, Stream } from "effect"
import { type AiAnswer, type AiPart, type AiRequest, estimateTokens } from "../../domain/Ai.ts"
import { type AiRejected, AiUnavailable } from "../../domain/errors.ts"
import { beyondText, isBeyondText } from "../../domain/TextOnly.ts"

const provider = "simulated"

export const makeSimulated = (latency: Duration.Input, failures: number) => {
  const generate = (request: AiRequest): Effect.Effect<AiAnswer, AiUnavailable | AiRejected> => {
    if (isBeyondText(request)) return Effect.fail(beyondText(provider))
    return Effect.flatMap(Effect.delay(Random.next, latency), (random) => {
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
  }

  /** A few words at a time, as if somebody wrote them. */
  const stream = (request: AiRequest): Stream.Stream<AiPart, AiUnavailable | AiRejected> =>
    Stream.unwrap(
      Effect.map(generate(request), (answer) =>
        Stream.make<[AiPart]>({ _tag: "Begin", model: answer.model }).pipe(
          Stream.concat(
            Stream.fromIterable(fewWords(answer.text)).pipe(
              Stream.rechunk(1),
              Stream.mapEffect((text): Effect.Effect<AiPart> =>
                Effect.delay(Effect.succeed({ _tag: "Delta", text }), "20 millis")
              )
            )
          ),
          Stream.concat(Stream.make<[AiPart]>({ _tag: "End", answer }))
        ))
    )

  return { provider, takesTextOnly: true, generate, stream }
}

const draft = (prompt: string): string =>
  `This is a simulated draft: no AI provider is configured (set AI_BASE_URL).\n\nYou asked for: ${prompt.trim()}`

const fewWords = (text: string): ReadonlyArray<string> => text.match(/\s*(?:\S+\s*){1,3}/g) ?? [text]
