/** Collects an answer from the chunks of a streamed chat completion. Pure. */
import { Result } from "effect"
import type { AiAnswer, AiPart } from "../../domain/Ai.ts"
import type { JsonObject } from "../../domain/Chat.ts"
import { isArray, isObject, type Json } from "./json.ts"
import { asChunk, type Choice, frameOf, hasNews, readChoice, withoutEnd } from "./openAiChoice.ts"
import { malformed, usageOf, verdict } from "./openAiVerdict.ts"
import type { NoAnswer } from "./protocol.ts"

/** Characters. Beyond them a text is passed on and no longer kept. */
export const maxTextKept = 4_000_000

export class OpenAiChunks {
  /** To be taken out by whoever feeds this. */
  parts: Array<AiPart> = []
  private readonly asked: string
  private readonly isChat: boolean
  private model: string | undefined = undefined
  /** What stands in every chunk. */
  private frame: JsonObject = {}
  private text = ""
  private refusal = ""
  private finish: string | undefined = undefined
  private usage: JsonObject | undefined = undefined
  private hasMore = false
  private hasBeside = false
  private isOneOfMany = false
  private hasOthers = false
  private isTooLong = false

  /** `asked`: the model's name, for a provider that does not tell it. */
  constructor(asked: string, isChat: boolean) {
    this.asked = asked
    this.isChat = isChat
  }

  /** What is wrong with the chunk; nothing of such a one is taken. */
  add(chunk: Json): string | undefined {
    if (!isObject(chunk)) return "a chunk is no object"
    const list = chunk["choices"] ?? []
    if (!isArray(list)) return "a chunk's choices are no list"
    const choices: Array<Choice> = []
    for (const json of list) {
      const choice = readChoice(json)
      if (typeof choice === "string") return choice
      choices.push(choice)
    }
    if (isObject(chunk["usage"])) this.usage = chunk["usage"]
    if (choices.length > 0 && this.model === undefined) this.begin(chunk)
    if (this.model !== undefined) this.tell(chunk, choices)
    return undefined
  }

  /** `isWhole`: the provider has said that this is the end. */
  answer(isWhole: boolean): Result.Result<AiAnswer, NoAnswer> {
    const { finish, model, text, usage } = this
    if (model === undefined) return malformed("the stream ended before its first chunk")
    if (finish === undefined) return malformed("the stream ended without a finish_reason: the answer is not complete")
    return Result.map(verdict(this.said(), this.isChat), ({ isComplete }): AiAnswer => ({
      text,
      model,
      usage: usageOf(usage),
      isComplete: isComplete && isWhole && !this.isTooLong,
      finishReason: finish,
      ...(this.isChat && usage !== undefined && { native: { usage } })
    }))
  }

  private begin(chunk: JsonObject): void {
    const { model } = chunk
    this.model = typeof model === "string" && model !== "" ? model : this.asked
    const begin = { _tag: "Begin", model: this.model } as const
    this.frame = frameOf(chunk)
    this.parts.push(this.isChat && Object.keys(this.frame).length > 0 ? { ...begin, frame: this.frame } : begin)
  }

  private tell(chunk: JsonObject, choices: ReadonlyArray<Choice>): void {
    let text = ""
    let isPlain = true
    for (const choice of choices) {
      if (!choice.isPlain || choice.index !== 0) isPlain = false
      if (choice.index === 0) {
        text += choice.text
        this.take(choice)
      } else {
        this.isOneOfMany = true
        this.hasOthers ||= choice.hasMore || choice.text.trim() !== ""
      }
    }
    if (this.isChat && (!isPlain || choices.length > 1 || hasNews(chunk, this.frame))) {
      this.parts.push({ _tag: "Delta", text, chunk: withoutEnd(chunk) })
    } else if (text !== "" || !isPlain) this.parts.push({ _tag: "Delta", text })
  }

  /** Of the choice that counts. */
  private take(choice: Choice): void {
    if (choice.finish !== "") this.finish = choice.finish
    this.hasMore ||= choice.hasMore
    this.hasBeside ||= choice.hasBeside
    if (this.text.length + choice.text.length > maxTextKept) this.isTooLong = true
    if (!this.isTooLong) this.text += choice.text
    if (this.refusal.length < maxTextKept) this.refusal += choice.refusal
  }

  private said() {
    const { finish, hasBeside, hasMore, hasOthers, isOneOfMany, refusal, text } = this
    return { finish, hasBeside, hasMore, hasOthers, isOneOfMany, refusal, text }
  }
}

/**
 * The parts of a whole completion: as a stream would have had them in one chunk. The answer is what was decoded from it.
 */
export const piecesOf = (completion: Json, answer: AiAnswer, isChat: boolean): ReadonlyArray<AiPart> => {
  const chunks = new OpenAiChunks(answer.model, isChat)
  if (isObject(completion)) chunks.add(asChunk(completion))
  const { native, ...rest } = answer
  const end = native?.usage === undefined ? rest : { ...rest, native: { usage: native.usage } }
  return [...chunks.parts, { _tag: "End", answer: end }]
}
