/** Answers of the endpoints that generate, in every form that they have, held to the contract. */
import { assert } from "@effect/vitest"
import { Schema } from "effect"
import { ChatCompletion, ChatError, GenerateResponse, Provenance } from "../../src/http/api/Answers.ts"
import { generationOf, problemOf, type Reply, send } from "./http.ts"

const json = <A, I>(schema: Schema.Codec<A, I>, onExcessProperty: "error" | "ignore" = "error") =>
  Schema.decodeUnknownSync(Schema.fromJsonString(schema), { onExcessProperty })

const decodeError = json(ChatError)
const decodeCompletion = json(ChatCompletion)

/** The body of an error below `/v1/`, held to OpenAI's shape. */
export const chatErrorOf = (reply: Reply, status: number): ChatError["error"] => {
  assert.strictEqual(reply.status, status, reply.text)
  assert.match(reply.headers["content-type"] ?? "", /^application\/json\b/)
  assert.match(String(reply.headers["x-request-id"]), /^[\w.:-]{1,128}$/)
  assert.notMatch(reply.text, /node_modules|\.ts:\d|\bat \w+ \(/, "no stack")
  const { error } = decodeError(reply.text)
  assert.match(error.message, /\S/)
  assert.strictEqual(
    error.type,
    status === 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error"
  )
  return error
}

/** The body of a 200 of `POST /v1/chat/completions` without `stream`. */
export const completionOf = (reply: Reply): typeof ChatCompletion.Type => {
  assert.strictEqual(reply.status, 200, reply.text)
  assert.match(reply.headers["content-type"] ?? "", /^application\/json\b/)
  const completion = decodeCompletion(reply.text)
  assert.isAtLeast(completion.choices.length, 1)
  assert.strictEqual(reply.headers["understudy-source"], completion.understudy.source)
  return completion
}

const Chunk = Schema.Struct({
  id: Schema.String,
  object: Schema.Literal("chat.completion.chunk"),
  created: Schema.Int,
  model: Schema.String,
  choices: Schema.Array(Schema.Struct({
    index: Schema.Int,
    delta: Schema.Struct({ content: Schema.optionalKey(Schema.NullOr(Schema.String)) }),
    finish_reason: Schema.NullOr(Schema.String)
  })),
  usage: Schema.optionalKey(Schema.NullOr(Schema.Struct({ total_tokens: Schema.Int }))),
  understudy: Schema.optionalKey(Provenance)
})
const decodeChunk = json(Chunk, "ignore")

export interface ChatStream {
  readonly id: string
  readonly text: string
  readonly chunks: ReadonlyArray<typeof Chunk.Type>
}

/** The body of a streamed 200: chunks of one answer, its provenance in the first, its end before `[DONE]`. */
export const chatStreamOf = (reply: Reply): ChatStream => {
  const events = eventsOf(reply)
  assert.strictEqual(events.at(-1)?.data, "[DONE]", reply.text.slice(-500))
  assert.isTrue(events.every(({ name }) => name === "message"))
  const chunks = events.slice(0, -1).map(({ data }) => decodeChunk(data))
  const [first] = chunks
  assert.strictEqual(first?.understudy?.source, reply.headers["understudy-source"])
  assert.isTrue(chunks.slice(1).every(({ understudy }) => understudy === undefined))
  assert.strictEqual(new Set(chunks.map(({ id }) => id)).size, 1, "one answer")
  const choices = chunks.flatMap((chunk) => chunk.choices)
  assert.strictEqual(choices.filter((choice) => choice.finish_reason !== null).length, 1, "it ends once")
  return { id: first?.id ?? "", text: choices.map(({ delta }) => delta.content ?? "").join(""), chunks }
}

const decodeStart = json(Schema.Struct({ text: Schema.optionalKey(Schema.Never), id: Schema.String }), "ignore")
const decodeDelta = json(Schema.Struct({ text: Schema.String }))
const decodeDone = json(GenerateResponse)

/** The body of a `POST /generate` as events: `start`, its text in pieces, and `done` with all of it. */
export const generateStreamOf = (reply: Reply): GenerateResponse => {
  const events = eventsOf(reply)
  const [start, ...rest] = events
  const done = rest.pop()
  assert.deepStrictEqual([start?.name, done?.name], ["start", "done"], reply.text.slice(-500))
  assert.isTrue(rest.every(({ name }) => name === "delta"))
  const generation = decodeDone(done?.data)
  assert.strictEqual(decodeStart(start?.data).id, generation.id)
  assert.strictEqual(rest.map(({ data }) => decodeDelta(data).text).join(""), generation.text)
  assert.strictEqual(reply.headers["understudy-source"], generation.source)
  return generation
}

/** What a request of any kind may come to: a text in the form that was asked for, or an error in that of its path. */
export const held = (path: string, reply: Reply): Reply => {
  const isStream = /^text\/event-stream\b/.test(reply.headers["content-type"] ?? "")
  if (path.startsWith("/v1/")) {
    if (reply.status !== 200) chatErrorOf(reply, reply.status)
    else if (isStream) chatStreamOf(reply)
    else completionOf(reply)
    return reply
  }
  if (reply.status !== 200) problemOf(reply, reply.status)
  else if (isStream) generateStreamOf(reply)
  else generationOf(reply)
  return reply
}

interface ServerSentEvent {
  readonly name: string
  readonly data: string
}

/** Strict: nothing but whole events of `event` and `data` lines, and comments. */
const eventsOf = (reply: Reply): ReadonlyArray<ServerSentEvent> => {
  assert.strictEqual(reply.status, 200, reply.text)
  assert.match(reply.headers["content-type"] ?? "", /^text\/event-stream\b/)
  assert.match(reply.text, /\n\n$/, "the last event is whole")
  const found: Array<ServerSentEvent> = []
  for (const block of reply.text.slice(0, -2).split("\n\n")) {
    if (block.startsWith(":")) continue
    const [, name = "message", data] = /^(?:event: (\w+)\n)?data: ([^\r\n]+)$/.exec(block) ?? []
    if (data === undefined) return assert.fail(`no event: ${block}`)
    found.push({ name, data })
  }
  return found
}

/** `POST /v1/chat/completions`; a text is a request with nothing but one message. */
export const askChat = (url: string, request: string | object, headers: Readonly<Record<string, string>> = {}) =>
  send(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(typeof request === "string" ? chatOf(request) : request)
  })

/** A chat of one message. */
export const chatOf = (content: string, more: object = {}): object => ({
  messages: [{ role: "user", content }],
  ...more
})
