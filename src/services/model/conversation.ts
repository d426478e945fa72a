/** An effect/ai prompt as the ladder sees it: what is asked last, and what else shapes the answer. Pure. */
import { Option, Schema } from "effect"
import type { Prompt } from "effect/ai"
import type { AiRequest } from "../../domain/Ai.ts"
import { type ChatMessage, type ChatReading, type JsonObject, readChat } from "../../domain/Chat.ts"

/**
 * As a conversation over HTTP is read, so that an answer to one stands in for the other. Options of a provider are no
 * part of it, nor is what a model has thought before it spoke.
 */
export const readPrompt = ({ content }: Prompt.Prompt): ChatReading => {
  const messages = content.map(messageOf)
  return readChat({ messages }, messages)
}

const messageOf = (message: Prompt.Message): ChatMessage => {
  if (message.role === "system") return { role: "system", content: message.content }
  const parts = message.content.filter(({ type }) => type !== "reasoning").map(partOf)
  const [only, ...others] = parts
  // The usual way to write one text.
  const text = others.length === 0 ? only?.text : undefined
  return { role: message.role, content: text ?? parts }
}

type Part = Exclude<Prompt.Message, Prompt.SystemMessage>["content"][number]

interface ReadPart extends JsonObject {
  readonly type: string
  readonly text?: string
}

const partOf = (part: Part): ReadPart =>
  part.type === "text" ? { type: part.type, text: part.text } : { type: part.type }

const Turns = Schema.decodeUnknownOption(Schema.Array(Schema.Struct({
  role: Schema.Literals(["system", "developer", "user", "assistant"]),
  content: Schema.Union([
    Schema.String,
    Schema.Array(Schema.Struct({ type: Schema.Literal("text"), text: Schema.String }))
  ])
})))

/** The other way round: the prompt of a request, or its conversation of texts, for a model. */
export const promptOf = ({ chat, prompt }: Pick<AiRequest, "chat" | "prompt">): Prompt.RawInput => {
  if (chat === undefined) return prompt
  return Option.match(Turns(chat.body["messages"]), {
    onNone: () => chat.transcript,
    onSome: (turns) =>
      turns.map(({ content, role }): Prompt.MessageEncoded => {
        const text = typeof content === "string" ? content : content.map((part) => part.text).join("\n")
        return { role: role === "developer" ? "system" : role, content: text }
      })
  })
}
