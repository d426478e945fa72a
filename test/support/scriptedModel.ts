/** An effect/ai LanguageModel that plays a script: one step for each call, the last one for ever. */
import { Effect, Layer, Stream } from "effect"
import { AiError, LanguageModel, type Response } from "effect/ai"

export type ModelStep =
  /** Whole, or piece by piece. */
  | { readonly parts: ReadonlyArray<Response.PartEncoded | Response.StreamPartEncoded> }
  /** Pieces, then the failure. */
  | { readonly failure: AiError.AiErrorReason; readonly after?: ReadonlyArray<Response.StreamPartEncoded> }
  | { readonly defect: unknown }
  | "hangs"

export interface ScriptedModel {
  readonly layer: Layer.Layer<LanguageModel.LanguageModel>
  /** What it was asked, call by call. */
  readonly calls: ReadonlyArray<LanguageModel.ProviderOptions>
  readonly errors: ReadonlyArray<AiError.AiError>
  /** Calls that were ended from outside. */
  readonly interrupted: () => number
}

export const text = (words: string): Response.PartEncoded => ({ type: "text", text: words })

export const finish = (
  reason: Response.FinishReason = "stop",
  metadata: Response.FinishPartEncoded["metadata"] = undefined
): Response.FinishPartEncoded => ({
  type: "finish",
  reason,
  usage: { inputTokens: { total: 10 }, outputTokens: { total: 5 } },
  metadata
})

/** A whole answer. */
export const answer = (words: string): ModelStep => ({ parts: [text(words), finish()] })

/** The same in pieces. */
export const pieces = (...words: ReadonlyArray<string>): ReadonlyArray<Response.StreamPartEncoded> => [
  { type: "text-start", id: "1" },
  ...words.map((delta) => ({ type: "text-delta", id: "1", delta }) as const),
  { type: "text-end", id: "1" }
]

export const down: ModelStep = { failure: new AiError.InternalProviderError({ description: "status 503" }) }

export const scriptedModel = (
  steps: ReadonlyArray<ModelStep>,
  codecTransformer?: LanguageModel.CodecTransformer
): ScriptedModel => {
  const calls: Array<LanguageModel.ProviderOptions> = []
  const errors: Array<AiError.AiError> = []
  let interrupted = 0
  const next = (options: LanguageModel.ProviderOptions): ModelStep => {
    calls.push(options)
    return steps[Math.min(calls.length, steps.length) - 1] ?? "hangs"
  }
  const hang = Effect.onInterrupt(Effect.never, () =>
    Effect.sync(() => {
      interrupted += 1
    }))
  const failed = (reason: AiError.AiErrorReason) => {
    const error = AiError.make({ module: "Scripted", method: "generateText", reason })
    errors.push(error)
    return error
  }
  const isWhole = (part: Response.PartEncoded | Response.StreamPartEncoded): part is Response.PartEncoded =>
    part.type === "text" || part.type === "reasoning" || part.type === "tool-call" || part.type === "file"
    || part.type === "finish" || part.type === "response-metadata" || part.type === "tool-result"
  const isPiece = (part: Response.PartEncoded | Response.StreamPartEncoded): part is Response.StreamPartEncoded =>
    part.type !== "text" && part.type !== "reasoning"

  return {
    calls,
    errors,
    interrupted: () => interrupted,
    layer: Layer.effect(
      LanguageModel.LanguageModel,
      LanguageModel.make({
        codecTransformer,
        generateText: (options) =>
          Effect.suspend(() => {
            const step = next(options)
            if (step === "hangs") return hang
            if ("defect" in step) return Effect.die(step.defect)
            return "failure" in step
              ? Effect.fail(failed(step.failure))
              : Effect.succeed(step.parts.filter(isWhole))
          }),
        streamText: (options) =>
          Stream.suspend(() => {
            const step = next(options)
            if (step === "hangs") return Stream.fromEffect(hang)
            if ("defect" in step) return Stream.die(step.defect)
            return "failure" in step
              ? Stream.concat(Stream.fromIterable(step.after ?? []), Stream.fail(failed(step.failure)))
              : Stream.rechunk(Stream.fromIterable(step.parts.filter(isPiece)), 1)
          })
      })
    )
  }
}
