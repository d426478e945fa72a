/** A model's stream as the ladder reads it: what can be seen goes on at once, with the parts that came before it. */
import { Result } from "effect"
import type { Response } from "effect/ai"
import type { AiDelta, AiPart } from "../../domain/Ai.ts"
import type { JsonObject } from "../../domain/Chat.ts"
import type { AiError } from "../../domain/errors.ts"
import { answerOf, hear, nothingHeard } from "./answer.ts"

type Part = Response.StreamPartEncoded

/** A piece that carries the model's own parts through the ladder. */
export class PartDelta implements AiDelta {
  readonly _tag = "Delta"
  readonly text: string
  readonly parts: ReadonlyArray<Part>
  /** More than text: to be seen even where the text is empty. */
  readonly chunk: JsonObject | undefined

  constructor(text: string, parts: ReadonlyArray<Part>, chunk: JsonObject | undefined) {
    this.text = text
    this.parts = parts
    this.chunk = chunk
  }
}

/** What a reader sees something of; the others only say that something begins, ends or was looked up. */
const isToSee = (part: Part): boolean => {
  switch (part.type) {
    case "reasoning-delta":
      return part.delta !== ""
    case "tool-params-start":
    case "tool-params-delta":
    case "tool-params-end":
    case "tool-call":
    case "tool-result":
    case "file":
      return true
    default:
      return false
  }
}

/** Nothing to see, and still not silence. */
const signOfLife: ReadonlyArray<AiPart> = [{ _tag: "Delta", text: "" }]

export const makePieces = (provider: string) => {
  const heard = nothingHeard()
  let waiting: Array<Part> = []
  let hasBegun = false

  /** Under the name by which the model is known by then. */
  const begun = (parts: ReadonlyArray<AiPart>): ReadonlyArray<AiPart> => {
    if (hasBegun) return parts
    hasBegun = true
    return [{ _tag: "Begin", model: heard.model ?? provider }, ...parts]
  }

  const piece = (text: string, last: Part, chunk?: JsonObject): ReadonlyArray<AiPart> => {
    const delta = new PartDelta(text, [...waiting, last], chunk)
    waiting = []
    return begun([delta])
  }

  return {
    take: (part: Part): ReadonlyArray<AiPart> => {
      hear(heard, part)
      if (part.type === "text-delta" && part.delta !== "") return piece(part.delta, part)
      if (isToSee(part)) return piece("", part, { type: part.type })
      if (part.type !== "finish") waiting.push(part)
      return begun(signOfLife)
    },
    end: (): Result.Result<ReadonlyArray<AiPart>, AiError> =>
      Result.map(answerOf(provider, heard), (answer) => [{ _tag: "End", answer }]),
    /** What nobody has been handed yet, and the model's own end. */
    rest: () => ({ parts: waiting, finish: heard.finish })
  }
}

export type Pieces = ReturnType<typeof makePieces>
