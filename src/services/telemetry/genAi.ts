/**
 * Attempts at a provider as OpenTelemetry's conventions for generative AI have them, version 1.41: a client span and two
 * histograms for each.
 */
import { Cause, Clock, Effect, Exit, Predicate } from "effect"
import type { AiAnswer, AiRequest } from "../../domain/Ai.ts"
import type { AiError } from "../../domain/errors.ts"
import type { Provider } from "../Providers.ts"
import { errorTypeOfExit } from "./failures.ts"
import { makeGenAiMetrics } from "./genAiMetrics.ts"
import { type Attributes, spanned } from "./spans.ts"

export interface ChatAttempt {
  /** When it was let go, in milliseconds since the epoch. */
  readonly startedAt: number
  readonly request: AiRequest
  /** Which attempt of the call it is, over all providers, from 1. */
  readonly attempt: number
  /** It is what a circuit that was open looks at to close again. */
  readonly isProbe: boolean
  readonly isStream: boolean
  /** When the first piece of a stream came, in milliseconds since the epoch. */
  readonly firstPieceAt: () => number | undefined
}

/** Shows attempts in spans, where spans are read, and counts them in any case. */
export const makeChatTelemetry = ({ client: { provider }, model: ownModel, server }: Provider) => {
  const record = makeGenAiMetrics(provider, ownModel)

  return {
    /** For where an attempt's end is looked at anyway. `startedAt` in milliseconds since the epoch. */
    count: (
      { model = ownModel }: AiRequest,
      startedAt: number,
      exit: Exit.Exit<AiAnswer, AiError>
    ): Effect.Effect<void> =>
      Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? Effect.void : Clock.clockWith((clock) =>
        record({
          model,
          answer: Exit.isSuccess(exit) ? exit.value : undefined,
          errorType: errorTypeOfExit(exit),
          millis: clock.currentTimeMillisUnsafe() - startedAt
        })
      ),
    span: (
      { attempt, firstPieceAt, isProbe, isStream, request, startedAt }: ChatAttempt,
      asked: Effect.Effect<AiAnswer, AiError>
    ): Effect.Effect<AiAnswer, AiError> =>
      spanned(asked, () => {
        const model = request.model ?? ownModel
        return {
          name: model === undefined ? "chat" : `chat ${model}`,
          kind: "client",
          attributes: {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
            "gen_ai.request.max_tokens": request.maxTokens,
            "gen_ai.request.stream": isStream ? true : undefined,
            "server.address": server?.address,
            "server.port": server?.port,
            "understudy.attempt": attempt,
            "understudy.circuit.probe": isProbe ? true : undefined
          },
          ended: (exit) => {
            const first = firstPieceAt()
            return {
              "gen_ai.response.time_to_first_chunk": first === undefined ? undefined : (first - startedAt) / 1_000,
              ...Exit.isSuccess(exit) && answered(exit.value)
            }
          }
        }
      })
  }
}

const answered = ({ finishReason, isComplete, model, native, usage }: AiAnswer): Attributes => {
  const id = native?.completion?.["id"]
  return {
    "gen_ai.response.model": model,
    "gen_ai.response.id": Predicate.isString(id) ? id : undefined,
    "gen_ai.response.finish_reasons": [finishReason ?? (isComplete ? "stop" : "length")],
    "gen_ai.usage.input_tokens": usage?.inputTokens,
    "gen_ai.usage.output_tokens": usage?.outputTokens
  }
}

/** A request to an embedder. */
export const embeddingsSpan = <A, E, R>(
  { count, dimensions, model, server }: {
    readonly model: string
    readonly dimensions: number
    /** Texts in it. */
    readonly count: number
    readonly server: Provider["server"]
  },
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  spanned(self, () => ({
    name: `embeddings ${model}`,
    kind: "client",
    attributes: {
      "gen_ai.operation.name": "embeddings",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": model,
      "gen_ai.embeddings.dimension.count": dimensions,
      "server.address": server?.address,
      "server.port": server?.port,
      "understudy.embedder.texts": count
    }
  }))
