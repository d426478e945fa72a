/** The histograms of the conventions. Series are bounded: a model is a label, and a client may name any. */
import { Effect, Metric } from "effect"
import type { AiAnswer } from "../../domain/Ai.ts"

type Labels = Readonly<Record<string, string>>

// The units are attributes because that is where Effect's exporters look for them. Each series is a metric of its own:
// `Metric.withAttributes` works its key out again at every update, which takes ten times as long as the update.
const durationOf = (attributes: Labels) =>
  Metric.histogram("gen_ai.client.operation.duration", {
    description: "Attempts at a provider, from their start to the end of the answer",
    boundaries: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
    attributes: { unit: "s", ...attributes }
  })
const tokensOf = (attributes: Labels) =>
  Metric.histogram("gen_ai.client.token.usage", {
    description: "Tokens of an answer, as the provider counts them",
    boundaries: [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864],
    attributes: { unit: "{token}", ...attributes }
  })

/** Combinations of models and errors that one provider has series for; what comes later is counted under `_OTHER`. */
const maxSeries = 100

export interface Came {
  /** The model that was asked for, if the request or the configuration names one. */
  readonly model: string | undefined
  readonly answer: AiAnswer | undefined
  readonly errorType: string | undefined
  readonly millis: number
}

export const makeGenAiMetrics = (provider: string, ownModel: string | undefined) => {
  const series = new Map<string, ReturnType<typeof makeSeries>>()

  const makeSeries = (requestModel: string | undefined, responseModel: string | undefined, error?: string) => {
    const attributes = {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": provider,
      ...requestModel !== undefined && { "gen_ai.request.model": requestModel },
      ...responseModel !== undefined && { "gen_ai.response.model": responseModel }
    }
    return {
      duration: durationOf(error === undefined ? attributes : { ...attributes, "error.type": error }),
      input: tokensOf({ ...attributes, "gen_ai.token.type": "input" }),
      output: tokensOf({ ...attributes, "gen_ai.token.type": "output" })
    }
  }

  const seriesOf = (
    requestModel: string | undefined,
    responseModel: string | undefined,
    error: string | undefined
  ): ReturnType<typeof makeSeries> => {
    const key = `${requestModel}\n${responseModel}\n${error}`
    const known = series.get(key)
    if (known !== undefined) return known
    const isFull = series.size >= maxSeries && responseModel !== undefined && responseModel !== other
    if (isFull) return seriesOf(other, other, error)
    const made = makeSeries(requestModel, responseModel, error)
    series.set(key, made)
    return made
  }

  return ({ answer, errorType, millis, model }: Came): Effect.Effect<void> => {
    // What a client names may be anything, and is nobody else's to read.
    const isOwn = model === ownModel
    const { duration, input, output } = seriesOf(
      isOwn ? model : other,
      isOwn || answer === undefined ? answer?.model : other,
      errorType
    )
    const usage = answer?.usage
    return Effect.withFiber(({ context }) => {
      duration.updateUnsafe(millis / 1_000, context)
      if (usage !== undefined) {
        input.updateUnsafe(usage.inputTokens, context)
        output.updateUnsafe(usage.outputTokens, context)
      }
      return Effect.void
    })
  }
}

const other = "_OTHER"
