/** Answers as OpenAI's chat completions, whole and in chunks. */
import type { JsonObject } from "../../../domain/Chat.ts"
import type { Generation, StreamPart, StreamStart, Usage } from "../../../domain/Generation.ts"
import type { ChatError } from "../../api/Answers.ts"
import { event, type EventWriter } from "./eventStream.ts"
import { provenanceOf } from "./provenance.ts"

/** `created` is in seconds since the epoch. A completion that came from a provider keeps all that it said. */
export const completionOf = (generation: Generation, created: number): object => {
  const native = generation.source === "live" ? generation.native?.completion : undefined
  const understudy = provenanceOf(generation)
  if (native !== undefined) return { ...native, id: generation.id, understudy }
  const usage = usageOf(generation)
  return {
    id: generation.id,
    object: "chat.completion",
    created,
    model: modelOf(generation),
    choices: [{
      index: 0,
      message: { role: "assistant", content: generation.text, refusal: null },
      logprobs: null,
      finish_reason: finishOf(generation)
    }],
    ...usage !== undefined && { usage },
    understudy
  }
}

export interface ChunkOptions {
  /** In seconds since the epoch. */
  readonly created: number
  readonly includeUsage: boolean
}

/** Where the answer comes from stands in the first chunk. */
export const chatEvents = (start: StreamStart, { created, includeUsage }: ChunkOptions): EventWriter => {
  const head = {
    id: start.id,
    object: "chat.completion.chunk",
    created,
    model: modelOf(start),
    ...start.source === "live" && start.frame
  }
  const noUsage = includeUsage ? { usage: null } : {}
  const chunk = (delta: object, finishReason: string | null, more: object = noUsage): string =>
    event({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }], ...more })
  // What most events are: only the text differs. It stands last of all texts, whatever the model is called.
  const empty = chunk({ content: "" }, null)
  const place = empty.lastIndexOf("\"\"")
  const [before, after] = [empty.slice(0, place), empty.slice(place + 2)]
  const textChunk = (text: string): string => text === "" ? "" : before + JSON.stringify(text) + after

  /** What ends the first choice, and the usage, come at the end. */
  const nativeChunk = (chunk: JsonObject): string => event({ ...chunk, id: start.id, ...noUsage })

  const end = (generation: Generation): string => {
    const usage = includeUsage ? usageOf(generation) : undefined
    return chunk({}, finishOf(generation)) + (usage === undefined ? "" : event({ ...head, choices: [], usage })) +
      "data: [DONE]\n\n"
  }

  return {
    start: chunk({ role: "assistant", content: "" }, null, { ...noUsage, understudy: provenanceOf(start) }),
    parts: (parts) => {
      let text = ""
      let written = ""
      for (const part of parts) {
        if (part._tag === "Delta" && part.chunk === undefined) {
          text += part.text
          continue
        }
        written += textChunk(text) + writePart(part, nativeChunk, end)
        text = ""
      }
      return written + textChunk(text)
    },
    broken: ({ message }) =>
      event(chatError({
        message: `${message}. What has arrived is not the whole answer`,
        type: "server_error",
        code: "stream_broken"
      }))
  }
}

const writePart = (
  part: StreamPart,
  nativeChunk: (chunk: JsonObject) => string,
  end: (generation: Generation) => string
): string => part._tag === "End" ? end(part.generation) : part.chunk === undefined ? "" : nativeChunk(part.chunk)

export const chatError = (
  { code, message, param, type }: {
    readonly message: string
    readonly type: string
    readonly code: string
    readonly param?: string | undefined
  }
): ChatError => ({ error: { message, type, param: param ?? null, code } })

const modelOf = (answer: Generation | StreamStart): string => answer.source === "template" ? "understudy" : answer.model

const finishOf = (generation: Generation): string => generation.source === "live" ? generation.finishReason : "stop"

/** A fallback has used nothing of anybody. Of a live answer only what the provider says. */
const usageOf = (generation: Generation): object | undefined => {
  if (generation.source !== "live") return openAiUsage({ inputTokens: 0, outputTokens: 0 })
  if (generation.native?.usage !== undefined) return generation.native.usage
  return generation.usage === undefined ? undefined : openAiUsage(generation.usage)
}

const openAiUsage = ({ inputTokens, outputTokens }: Usage) => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens
})
