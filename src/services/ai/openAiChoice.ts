/** What stands in a chunk of a streamed chat completion, and in its choices. Pure. */
import type { JsonObject } from "../../domain/Chat.ts"
import { isArray, isObject, isSomething, type Json } from "./json.ts"
import { besideText, beyondText } from "./openAiVerdict.ts"

export interface Choice {
  readonly index: number
  readonly text: string
  readonly refusal: string
  readonly finish: string
  /** Nothing but text, or nothing at all. */
  readonly isPlain: boolean
  readonly hasMore: boolean
  readonly hasBeside: boolean
}

/** The choice, or what is wrong with it. */
export const readChoice = (json: Json): Choice | string => {
  if (!isObject(json)) return "a choice is no object"
  const delta = json["delta"] ?? {}
  if (!isObject(delta)) return "a choice's delta is no object"
  const text = delta["content"] ?? ""
  if (typeof text !== "string") return "a choice's content is no text"
  const finish = json["finish_reason"] ?? ""
  if (typeof finish !== "string") return "a finish_reason is no text"
  const index = json["index"] ?? 0
  if (typeof index !== "number") return "a choice's index is no number"
  let isPlain = true
  let hasMore = false
  let hasBeside = false
  for (const name in json) {
    if (choiceFields.has(name) || !isSaid(json[name])) continue
    isPlain = false
    if (besideText.has(name)) hasBeside = true
  }
  for (const name in delta) {
    if (deltaFields.has(name) || !isSaid(delta[name])) continue
    isPlain = false
    if (beyondText.has(name)) hasMore = true
    if (besideText.has(name)) hasBeside = true
  }
  const refusal = delta["refusal"]
  return { index, text, finish, isPlain, hasMore, hasBeside, refusal: typeof refusal === "string" ? refusal : "" }
}

/** What a provider says in every chunk beside its choices, and when it has begun: one time for the whole stream. */
export const frameOf = (chunk: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(chunk).filter(([name, value]) =>
      name === "created" ? typeof value === "number" : !ownFields.has(name)
    )
  )

/** There is something in the chunk itself that was not in the first one. */
export const hasNews = (chunk: JsonObject, frame: JsonObject): boolean => {
  for (const name in chunk) if (!ownFields.has(name) && !(name in frame) && isSaid(chunk[name])) return true
  return false
}

/** Without what the end tells by itself: the usage, and how the choice that counts has finished. */
export const withoutEnd = (chunk: JsonObject): JsonObject => {
  const { choices, understudy: _, usage: __, ...rest } = chunk
  return {
    ...rest,
    choices: isArray(choices) ? choices.map((choice) => isObject(choice) ? unfinished(choice) : choice) : []
  }
}

/** A whole completion as one chunk of a stream. */
export const asChunk = ({ choices, ...completion }: JsonObject): JsonObject => ({
  ...completion,
  object: "chat.completion.chunk",
  choices: isArray(choices) ? choices.map((choice, n) => isObject(choice) ? asDelta(choice, n) : choice) : []
})

const asDelta = ({ message, ...choice }: JsonObject, index: number): JsonObject => {
  const calls = isObject(message) ? message["tool_calls"] : undefined
  const delta = isObject(message) && isArray(calls)
    // Only a stream numbers them.
    ? { ...message, tool_calls: calls.map((call, n) => isObject(call) ? { index: n, ...call } : call) }
    : message ?? {}
  return { index, ...choice, delta }
}

const unfinished = (choice: JsonObject): JsonObject =>
  isSaid(choice["finish_reason"]) && (choice["index"] ?? 0) === 0 ? { ...choice, finish_reason: null } : choice

/** White space counts: it can be a piece of a longer text. */
const isSaid = (json: Json | undefined): boolean => json !== "" && (typeof json === "string" || isSomething(json))

/**
 * `obfuscation` is only there to hide the length of a chunk on the wire, and another Understudy's word on where its
 * answer comes from is not ours.
 */
const ownFields = new Set(["id", "object", "created", "model", "choices", "usage", "obfuscation", "understudy"])
const choiceFields = new Set(["index", "delta", "finish_reason"])
const deltaFields = new Set(["role", "content"])
