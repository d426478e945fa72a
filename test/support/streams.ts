/** A client of streamed answers, in both forms: reads events as they come, and can stop reading or leave. */
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http"
import { ChatError, GenerateResponse, Provenance } from "../../src/http/api/Answers.ts"
import type { Reply } from "./http.ts"

/** An answer as its reader has seen it, whichever form it came in. */
export interface Streamed {
  /** Exactly the pieces, one after the other. */
  readonly text: string
  /** In what comes first. */
  readonly provenance: Provenance
  /** What was said instead of the rest. */
  readonly broken: string | undefined
  /** The proper end was there: `[DONE]`, or `done`. */
  readonly isDone: boolean
}

/** One of the endpoints that stream. */
export interface StreamForm {
  readonly name: string
  /** The path, the headers and the body of a request for a stream. */
  readonly asking: (prompt: string) => readonly [path: string, headers: OutgoingHttpHeaders, body: object]
  /** The body of a 200, held to the form. */
  readonly read: (reply: Reply) => Streamed
}

const openRequest = (url: string, form: StreamForm, prompt: string, headers: OutgoingHttpHeaders): ClientRequest => {
  const [path, own, body] = form.asking(prompt)
  const client = request(`${url}${path}`, {
    method: "POST",
    agent: false,
    headers: { "content-type": "application/json", ...own, ...headers }
  })
  client.end(JSON.stringify(body))
  return client
}

/** Reads to the end. Interrupting it closes the connection. */
export const askStream = (url: string, form: StreamForm, prompt: string, headers: OutgoingHttpHeaders = {}) =>
  Effect.callback<Reply, Error>((resume) => {
    const client = openRequest(url, form, prompt, headers)
    client.on("error", (error) => resume(Effect.fail(error)))
    client.on("response", (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk) => chunks.push(chunk))
      response.on("error", (error) => resume(Effect.fail(error)))
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8")
        resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, text }))
      })
    })
    return Effect.sync(() => client.destroy())
  })

export interface Reader {
  readonly response: IncomingMessage
  /** Closes the connection. */
  readonly leave: () => void
  /** The connection is gone, by whomever. */
  readonly isClosed: () => boolean
}

/** Has the head of the response, and takes nothing more than what the sockets take by themselves. */
export const openStream = (url: string, form: StreamForm, prompt: string, headers: OutgoingHttpHeaders = {}) =>
  Effect.acquireRelease(
    Effect.callback<Reader, Error>((resume) => {
      const client = openRequest(url, form, prompt, headers)
      let isClosed = false
      client.on("error", (error) => resume(Effect.fail(error)))
      client.on("response", (response) => {
        response.on("error", () => {})
        client.on("close", () => {
          isClosed = true
        })
        resume(Effect.succeed({ response, leave: () => client.destroy(), isClosed: () => isClosed }))
      })
      return Effect.sync(() => client.destroy())
    }),
    ({ leave }) => Effect.sync(leave)
  )

interface Event {
  readonly name: string | undefined
  readonly data: string
}

/** Comments are left out. Ours have one line of data each. */
const eventsOf = (reply: Reply): ReadonlyArray<Event> => {
  assert.strictEqual(reply.status, 200, reply.text)
  assert.match(reply.headers["content-type"] ?? "", /^text\/event-stream\b/)
  assert.isTrue(reply.text.endsWith("\n\n"), "it ends with a whole event")
  return reply.text.slice(0, -2).split("\n\n").filter((event) => !event.startsWith(":")).map((event) => {
    const [, name, data = ""] = /^(?:event: (\w+)\n)?data: ([^\n]*)$/.exec(event) ?? assert.fail(`no event: ${event}`)
    return { name, data }
  })
}

const parsed = <S extends Schema.ConstraintDecoder<unknown>>(schema: S) =>
  Schema.decodeUnknownSync(Schema.fromJsonString(schema))

const Chunk = parsed(Schema.Struct({
  object: Schema.Literal("chat.completion.chunk"),
  choices: Schema.Array(Schema.Struct({
    index: Schema.Int,
    delta: Schema.Struct({ content: Schema.optionalKey(Schema.NullOr(Schema.String)) }),
    finish_reason: Schema.NullOr(Schema.String)
  })),
  understudy: Schema.optionalKey(Provenance)
}))
const chatError = parsed(ChatError)

const readChat = (reply: Reply): Streamed => {
  const events = eventsOf(reply)
  const isDone = events.at(-1)?.data === "[DONE]"
  const last = isDone ? undefined : chatError(events.at(-1)?.data).error
  assert.strictEqual(last?.code, isDone ? undefined : "stream_broken")
  const [first, ...rest] = events.slice(0, -1).map(({ data }) => Chunk(data))
  const provenance = first?.understudy ?? assert.fail(`no provenance in ${events[0]?.data}`)
  assert.strictEqual(provenance.source, reply.headers["understudy-source"])
  assert.isTrue(rest.every(({ understudy }) => understudy === undefined))
  const choices = rest.flatMap(({ choices }) => choices)
  assert.strictEqual(choices.some(({ finish_reason }) => finish_reason !== null), isDone, "whoever finishes says why")
  return {
    text: choices.map(({ delta }) => delta.content ?? "").join(""),
    provenance,
    broken: last?.message,
    isDone
  }
}

const Start = parsed(Provenance)
const Delta = parsed(Schema.Struct({ text: Schema.String }))
const Done = parsed(GenerateResponse)
const StreamProblem = parsed(Schema.Struct({
  type: Schema.Literal("urn:understudy:problem:stream-broken"),
  detail: Schema.String
}))

const readGenerate = (reply: Reply): Streamed => {
  const [start, ...rest] = eventsOf(reply)
  const last = rest.at(-1) ?? assert.fail(`no end in ${reply.text}`)
  const deltas = rest.slice(0, -1)
  assert.strictEqual(start?.name, "start")
  assert.isTrue(deltas.every(({ name }) => name === "delta"), "nothing but deltas between start and end")
  const text = deltas.map(({ data }) => Delta(data).text).join("")
  const isDone = last.name === "done"
  if (!isDone) assert.strictEqual(last.name, "problem")
  if (isDone) assert.strictEqual(Done(last.data).text, text)
  const provenance = Start(start?.data)
  assert.strictEqual(provenance.source, reply.headers["understudy-source"])
  return {
    text,
    provenance,
    broken: isDone ? undefined : StreamProblem(last.data).detail,
    isDone
  }
}

export const chatForm: StreamForm = {
  name: "POST /v1/chat/completions",
  asking: (prompt) => ["/v1/chat/completions", {}, { stream: true, messages: [{ role: "user", content: prompt }] }],
  read: readChat
}

export const generateForm: StreamForm = {
  name: "POST /generate",
  asking: (prompt) => ["/generate", { accept: "text/event-stream" }, { prompt }],
  read: readGenerate
}
