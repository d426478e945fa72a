/** A conversation in the words of OpenAI's chat completions: what of it the ladder has to know. Pure. */
import { Predicate, type Schema } from "effect"

type Json = Schema.Json
/** A part of a request or an answer that is passed on as it came. */
export type JsonObject = Schema.JsonObject

/** A conversation, for a provider that speaks the same. */
export interface Chat {
  /** The request as it came, unknown parameters included, but for `model`, `stream` and `stream_options`. */
  readonly body: JsonObject
  /** All of it as one text, for a provider that takes a prompt, and for counting its tokens. */
  readonly transcript: string
  /** `false`: it has or asks for more than one text, such as tools, images or a JSON schema, or is very long. */
  readonly isTextOnly: boolean
}

/** What a conversation is to the ladder. */
export interface ChatReading {
  /** What is asked last: the text of the last message. Empty where nothing but the very same conversation is the same. */
  readonly prompt: string
  /**
   * Everything else that shapes the answer, written in one way: instructions, earlier turns, parameters. Empty when
   * there is nothing but the prompt, so that such a conversation and a plain prompt stand in for one another.
   */
  readonly context: string
  readonly chat: Chat
}

/** A message that is known to have a role; everything else of it is passed on as it is. */
export type ChatMessage = JsonObject & { readonly role: string }

/** Reads a request's body, whose `messages` have been checked. */
export const readChat = (request: JsonObject, messages: ReadonlyArray<ChatMessage>): ChatReading => {
  const { model: _, stream: __, stream_options: ___, ...body } = request
  const hasTools = !(saysNothing(body["tools"] ?? null) && saysNothing(body["functions"] ?? null))
  const asked = Object.fromEntries(
    Object.entries(body).filter(([name, value]) =>
      value !== null && !neutral.has(name) && !asksForText(name, value) && (hasTools || !aboutTools.has(name))
    )
  )
  const names = Object.keys(asked)
  const texts = messages.map(textOf)
  const prompt = texts.at(-1) ?? ""
  const isTextOnly = messages.every(isPlain) && messages.at(-1)?.role === "user" && prompt.trim() !== ""
    && prompt.length <= maxPromptLength && !names.some((name) => beyondText.has(name))
  const isPromptAlone = isTextOnly && messages.length === 1 && names.length === 0 && !messages.some(hasName)
  return {
    // Where only the very same will do, the context has it already.
    prompt: isTextOnly ? prompt : "",
    context: isPromptAlone
      ? ""
      : canonical([isTextOnly ? messages.map((message, n) => spoken(message, n, messages.length)) : messages, asked]),
    chat: {
      body,
      isTextOnly,
      transcript: messages.length === 1
        ? prompt
        : messages.map(({ role }, n) => `${role}: ${texts[n] ?? ""}`).join("\n\n")
    }
  }
}

/** Longer ones are compared with nothing but themselves. */
const maxPromptLength = 200_000

/** What of a message shapes the answer; of the last one the prompt takes the place of its text. */
const spoken = (message: ChatMessage, n: number, count: number): Json => [
  message.role,
  message["name"] ?? null,
  n === count - 1 ? null : textOf(message)
]

const hasName = ({ name }: ChatMessage): boolean => name !== undefined && name !== null

/** When a request bounds its answer in no way, this is what the limits count it as. */
export const usualMaxTokens = 1_024

/** Upper bound of the answer, in the provider's tokens. */
export const maxTokensOf = (request: JsonObject): number => {
  for (const bound of [request["max_completion_tokens"], request["max_tokens"]]) {
    if (typeof bound === "number" && Number.isInteger(bound) && bound > 0) return Math.min(bound, 1_000_000)
  }
  return usualMaxTokens
}

/** Nothing but text, from one of those who only speak. */
const isPlain = (message: ChatMessage): boolean =>
  speakers.has(message.role) && isText(message["content"])
  && Object.entries(message).every(([field, value]) => spokenFields.has(field) || saysNothing(value))

/** What an answer has where it has nothing to say, and comes back as when it is an earlier turn. */
const saysNothing = (value: Json): boolean =>
  value === null || value === "" || (Array.isArray(value) && value.length === 0)

const isText = (content: Json | undefined): boolean =>
  typeof content === "string" || (Array.isArray(content) && content.every(isTextPart))

const spokenFields = new Set(["role", "content", "name"])
const speakers = new Set(["system", "developer", "user", "assistant"])

const isJsonObject = (value: Json): value is JsonObject => Predicate.isObject(value)

const isTextPart = (part: Json): part is JsonObject & { readonly text: string } =>
  Predicate.isObject(part) && part["type"] === "text" && typeof part["text"] === "string"

/** The text of a message; what is no text is left out. */
const textOf = ({ content }: ChatMessage): string => {
  if (typeof content === "string") return content
  return Array.isArray(content) ? content.filter(isTextPart).map(({ text }) => text).join("\n") : ""
}

/** JSON with the keys of every object in order: equal values are equal texts. */
const canonical = (value: Json): string => JSON.stringify(inOrder(value))

const byName = ([a]: readonly [string, Json], [b]: readonly [string, Json]): number => a < b ? -1 : 1

const inOrder = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(inOrder)
  return isJsonObject(value)
    ? Object.fromEntries(Object.entries(value).sort(byName).map(([key, inner]) => [key, inOrder(inner)]))
    : value
}

/** These say how to write or to whom the answer goes, and not what to write: a fallback need not have the same. */
const neutral = new Set([
  "model",
  "stream",
  "stream_options",
  "messages",
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "seed",
  "frequency_penalty",
  "presence_penalty",
  "repetition_penalty",
  "logit_bias",
  "user",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "metadata",
  "store",
  "service_tier",
  "reasoning_effort",
  "verbosity"
])

/** What these ask for by themselves, a plain text already is. */
const asksForText = (name: string, value: Json): boolean => {
  switch (name) {
    case "n":
      return value === 1
    case "response_format":
      return Predicate.isObject(value) && value["type"] === "text"
    case "modalities":
      return Array.isArray(value) && value.length === 1 && value[0] === "text"
    case "tools":
    case "functions":
      return Array.isArray(value) && value.length === 0
    case "logprobs":
      return value === false
    case "tool_choice":
    case "function_call":
      return value === "none"
    default:
      return false
  }
}

/** Without tools they say nothing. */
const aboutTools = new Set(["tool_choice", "function_call", "parallel_tool_calls"])

/** With one of these an answer is more than one text, or stands on more than text. */
const beyondText = new Set([
  "n",
  "response_format",
  "modalities",
  "audio",
  "tools",
  "functions",
  "tool_choice",
  "function_call",
  "logprobs",
  "top_logprobs",
  "prediction",
  "web_search_options"
])
