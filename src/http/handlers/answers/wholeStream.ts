/** An answer that is there as a whole, for whoever has asked for it in pieces. */
import { Stream } from "effect"
import type { Generation, LiveGeneration, StreamPart } from "../../../domain/Generation.ts"
import { piecesOf } from "../../../services/ai/openAiChunks.ts"
import type { GenerationStream } from "../../../services/Generator.ts"

export const wholeStream = (generation: Generation): GenerationStream =>
  generation.source === "live" ? liveStream(generation) : {
    start: generation,
    parts: Stream.fromIterable<StreamPart>([{ _tag: "Delta", text: generation.text }, { _tag: "End", generation }])
  }

/** A completion in the provider's own words becomes what a stream would have had of it, such as the call of a tool. */
const liveStream = (generation: LiveGeneration): GenerationStream => {
  const { attempts, id, model, native, provider, source, text, usage } = generation
  const pieces = native?.completion === undefined
    ? []
    : piecesOf(native.completion, { text, model, usage, isComplete: true }, true)
  const begin = pieces.find((piece) => piece._tag === "Begin")
  const deltas = pieces.filter((piece) => piece._tag === "Delta")
  const said: ReadonlyArray<StreamPart> = deltas.length === 0 ? [{ _tag: "Delta", text }] : deltas
  return {
    start: { source, id, attempts, provider, model, frame: begin?.frame },
    parts: Stream.fromIterable([...said, { _tag: "End", generation }])
  }
}
