/** An `AiClient` that does what a script says, when the clock at hand says so: virtual or real. */
import { Clock, Duration, Effect, Layer } from "effect"
import { type AiAnswer, type AiRequest, estimateTokens } from "../../domain/Ai.ts"
import {
  type AiError,
  AiMalformed,
  AiRateLimited,
  AiRejected,
  AiUnauthorized,
  AiUnavailable
} from "../../domain/errors.ts"
import { inOnePiece } from "../../services/ai/inOnePiece.ts"
import { AiClient } from "../../services/AiClient.ts"
import type { CallOutcome, ProviderScript } from "./ProviderModel.ts"

/** What it plays, and under which name. */
export interface ScriptedProviderOptions {
  readonly script: ProviderScript
  /** As in `AiProviderOptions`. Default "scripted". */
  readonly provider?: string | undefined
  /** The text of an answer. Default: one that repeats the prompt. */
  readonly answer?: ((request: AiRequest) => string) | undefined
  /** Told of each call when it comes in. */
  readonly onCall?: ((outcome: CallOutcome) => void) | undefined
}

/** The script's time begins when the layer is built. A stream comes in one piece, at its end. */
export const layerScripted = (options: ScriptedProviderOptions): Layer.Layer<AiClient> =>
  Layer.effect(AiClient, Effect.map(Clock.currentTimeMillis, (begin) => makeScripted(options, begin)))

const makeScripted = (
  { answer = defaultAnswer, onCall, provider = "scripted", script }: ScriptedProviderOptions,
  begin: number
): AiClient["Service"] => {
  const generate = (request: AiRequest): Effect.Effect<AiAnswer, AiError> =>
    Clock.clockWith((clock) => {
      const outcome = script.next(clock.currentTimeMillisUnsafe() - begin)
      onCall?.(outcome)
      if (!Number.isFinite(outcome.afterMillis)) return Effect.never
      const end = Effect.suspend(() => endOf(provider, outcome, () => answered(request, answer(request))))
      return Effect.delay(end, outcome.afterMillis)
    })
  return { provider, generate, stream: inOnePiece(generate) }
}

const defaultAnswer = ({ prompt }: AiRequest): string => `A scripted answer to: ${prompt}`

const answered = (request: AiRequest, text: string): AiAnswer => ({
  text,
  isComplete: true,
  model: request.model ?? "scripted",
  usage: { inputTokens: estimateTokens(request.prompt), outputTokens: estimateTokens(text) }
})

const endOf = (
  provider: string,
  { outcome, retryAfterMillis }: CallOutcome,
  answer: () => AiAnswer
): Effect.Effect<AiAnswer, AiError> => {
  const retryAfter = retryAfterMillis === undefined ? {} : { retryAfter: Duration.millis(retryAfterMillis) }
  switch (outcome) {
    case "answer":
      return Effect.succeed(answer())
    case "timeout":
      return Effect.never
    case "rate_limited":
      return Effect.fail(new AiRateLimited({ provider, ...retryAfter }))
    case "unavailable":
      return Effect.fail(new AiUnavailable({ provider, status: 503, detail: "scripted (status 503)", ...retryAfter }))
    case "malformed":
      return Effect.fail(new AiMalformed({ provider, detail: "scripted" }))
    case "unauthorized":
      return Effect.fail(new AiUnauthorized({ provider, status: 401 }))
    case "rejected":
      return Effect.fail(new AiRejected({ provider, status: 422, message: "scripted: this request is refused" }))
  }
}
