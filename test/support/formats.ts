/** How each protocol words its answers and errors. */
import { textVector } from "../../src/domain/similarity/TextVector.ts"

export interface Format {
  readonly prompt: (body: unknown) => string
  /** `text` is anything, so that wrong types can be sent; `finish` is left out when `undefined` is given. */
  readonly answer: (text: unknown, ...finish: [reason?: string | undefined]) => unknown
  readonly emptyChoices: unknown
  readonly error: (status: number) => unknown
  /** Absent: it has no streams. */
  readonly stream?: StreamFormat
}

/** The events' data of a streamed answer. */
export interface StreamFormat {
  /** The request asks for a stream. */
  readonly isAsked: boolean
  /** One chunk; `delta` is anything. `index`: of the choice, 0 when left out. */
  readonly chunk: (delta: unknown, finish?: string, index?: number) => object
  /** The last chunk, with the usage and no choices. `undefined`: the request has not asked for it. */
  readonly usage: object | undefined
  /** A whole answer, but for `[DONE]`: a role chunk, the text word by word, the finish, the usage. */
  readonly answer: (text: unknown, ...finish: [reason?: string | undefined]) => ReadonlyArray<object>
}

const at = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined

/** `String` fails on what is called like a method of an object. */
const textIn = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value ?? "")

/** Chat completions. The prompt is the content of the last message. */
export const openAi = (request: unknown): Format & { readonly stream: StreamFormat } => {
  const model = String(at(request, "model") ?? "fault-model")
  const head = { id: "chatcmpl-fault", object: "chat.completion", created: 1_760_000_000, model }
  const usage = { prompt_tokens: 7, completion_tokens: 11, total_tokens: 18 }
  return {
    stream: openAiStream(request, model, usage),
    prompt: (body) => {
      const messages = at(body, "messages")
      const content = Array.isArray(messages) ? at(messages.at(-1), "content") : undefined
      return Array.isArray(content)
        ? content.map((part) => textIn(at(part, "text"))).join("")
        : textIn(content)
    },
    answer: (content, ...finish) => {
      const reason = finish.length === 0 ? "stop" : finish[0]
      const choice = { index: 0, message: { role: "assistant", content, refusal: null }, logprobs: null }
      return { ...head, choices: [reason === undefined ? choice : { ...choice, finish_reason: reason }], usage }
    },
    emptyChoices: { ...head, choices: [], usage },
    error: (status) => ({
      error: { message: messageOf(status), type: typeOf(status), param: null, code: codes[status] ?? null }
    })
  }
}

const openAiStream = (request: unknown, model: string, usage: object): StreamFormat => {
  const head = { id: "chatcmpl-fault", object: "chat.completion.chunk", created: 1_760_000_000, model }
  const wantsUsage = at(at(request, "stream_options"), "include_usage") === true
  const always = { system_fingerprint: "fp_fault", ...(wantsUsage && { usage: null }) }
  const chunk: StreamFormat["chunk"] = (delta, finish, index = 0) => ({
    ...head,
    choices: [{ index, delta, logprobs: null, finish_reason: finish ?? null }],
    ...always
  })
  const last = wantsUsage ? { ...head, choices: [], ...always, usage } : undefined
  return {
    isAsked: at(request, "stream") === true,
    chunk,
    usage: last,
    answer: (text, ...finish) => {
      const reason = finish.length === 0 ? "stop" : finish[0]
      const pieces = typeof text === "string" ? text.match(/\s*\S+\s*/g) ?? [text] : [text]
      return [
        chunk({ role: "assistant", content: "", refusal: null }),
        ...pieces.map((content) => chunk({ content })),
        ...(reason === undefined ? [] : [chunk({}, reason)]),
        ...(last === undefined ? [] : [last])
      ]
    }
  }
}

/** `/v1/embeddings`: the local embedder's vectors, so that what is alike comes out alike. The prompt is the last input. */
export const embeddings = (request: unknown): Format => {
  const input = at(request, "input")
  const texts = (Array.isArray(input) ? input : [input]).map(String)
  const model = String(at(request, "model") ?? "fault-model")
  const list = (data: ReadonlyArray<unknown>) => ({ object: "list", data, model, usage: { prompt_tokens: 7 } })
  return {
    prompt: () => texts.at(-1) ?? "",
    answer: () => list(texts.map((text, index) => ({ object: "embedding", index, embedding: [...textVector(text)] }))),
    emptyChoices: list([]),
    error: openAi(request).error
  }
}

/** `{prompt, max_tokens}` -> `{text}`. */
export const plain: Format = {
  prompt: (body) => String(at(body, "prompt") ?? ""),
  answer: (text) => ({ text }),
  emptyChoices: { text: "" },
  error: (status) => ({ error: messageOf(status) })
}

const messageOf = (status: number) => `the fault server answers ${status}`

const codes: Record<number, string> = {
  400: "invalid_value",
  401: "invalid_api_key",
  404: "model_not_found",
  413: "string_above_max_length",
  429: "rate_limit_exceeded"
}

const typeOf = (status: number) =>
  status === 429
    ? "requests"
    : status === 529
    ? "overloaded_error"
    : status >= 500
    ? "server_error"
    : "invalid_request_error"
