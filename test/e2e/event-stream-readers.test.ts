/** `fetch` and a reader of server-sent events, by hand and by a library: for clients that have no SDK. */
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { GenerateResponse } from "../../src/http/api/Answers.ts"
import { clientEnv, down, provenanceOf, whileProvider } from "../support/clients.ts"
import { byEffect, byHand, readEvents, type ServerSentEvent } from "../support/eventStreams.ts"
import { FaultServer, StreamMode } from "../support/FaultServer.ts"
import { Service } from "../support/service.ts"

const parsers = { "by hand": byHand, "by Effect": byEffect }

const post = Effect.fnUntraced(function*(path: string, body: object, headers: Record<string, string> = {}) {
  const { url } = yield* Service
  return yield* Effect.promise(() =>
    fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
      body: JSON.stringify(body)
    })
  )
})
const generate = (prompt: string, accept = "text/event-stream") => post("/generate", { prompt }, { accept })
const chat = (content: string, more: object = {}) =>
  post("/v1/chat/completions", { messages: [{ role: "user", content }], stream: true, ...more })

const parseJson = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Unknown))
const field = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce((inner: unknown, key) => Reflect.get(Object(inner), key), value)
const namesOf = (events: ReadonlyArray<ServerSentEvent>) => events.map(({ event }) => event)
const deltasOf = (events: ReadonlyArray<ServerSentEvent>) =>
  events.filter(({ event }) => event === "delta").map(({ data }) => String(field(parseJson(data), "text"))).join("")
const contentsOf = (events: ReadonlyArray<ServerSentEvent>) =>
  events.filter(({ data }) => data !== "[DONE]")
    .map(({ data }) => field(parseJson(data), "choices", "0", "delta", "content") ?? "").join("")
const decodeDone = Schema.decodeUnknownSync(Schema.fromJsonString(GenerateResponse), { onExcessProperty: "error" })

const prompt = "Schreib über Käse: 🧀 und „Öl“"

layer(Service.layer("openai", clientEnv), { excludeTestServices: true, timeout: "60 seconds" })("fetch", (it) => {
  for (const [how, parser] of Object.entries(parsers)) {
    it.effect(`reads POST /generate in pieces ${how}: start, delta, done, and comments in the silence`, () =>
      Effect.gen(function*() {
        yield* whileProvider(StreamMode.slow(60))
        const response = yield* generate(prompt)
        assert.strictEqual(response.status, 200)
        assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream\b/)
        assert.strictEqual(response.headers.get("cache-control"), "no-cache")
        assert.strictEqual(response.headers.get("x-accel-buffering"), "no")
        assert.strictEqual(response.headers.get("understudy-source"), "live")
        const { events, text } = yield* Effect.promise(() => readEvents(response, parser()))
        assert.match(text, /^: keep-alive$/m)
        const [start, ...rest] = events
        assert.strictEqual(start?.event, "start")
        assert.strictEqual(rest.at(-1)?.event, "done")
        assert.isTrue(rest.slice(0, -1).every(({ event }) => event === "delta"))
        assert.isAbove(rest.length, 3, "in pieces")
        const done = decodeDone(rest.at(-1)?.data)
        assert.strictEqual(done.text, `Answer to: ${prompt}`)
        assert.strictEqual(deltasOf(events), done.text)
        assert.deepInclude(parseJson(start?.data), { id: done.id, source: "live", model: "fault-model" })
      }))

    it.effect(`reads POST /v1/chat/completions in pieces ${how}: chunks to [DONE], and comments in the silence`, () =>
      Effect.gen(function*() {
        yield* whileProvider(StreamMode.slow(60))
        const response = yield* chat(prompt, { stream_options: { include_usage: true } })
        assert.strictEqual(response.status, 200)
        assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream\b/)
        assert.strictEqual(response.headers.get("understudy-source"), "live")
        assert.match(response.headers.get("x-request-id") ?? "", /^req_/)
        const { events, text } = yield* Effect.promise(() => readEvents(response, parser()))
        assert.match(text, /^: keep-alive$/m)
        assert.isTrue(events.every(({ event }) => event === "message"))
        assert.strictEqual(events.at(-1)?.data, "[DONE]")
        assert.strictEqual(contentsOf(events), `Answer to: ${prompt}`)
        assert.strictEqual(field(parseJson(events.at(-2)?.data), "usage", "total_tokens"), 18)
        assert.strictEqual(field(parseJson(events.at(-3)?.data), "choices", "0", "finish_reason"), "stop")
        assert.strictEqual(provenanceOf(parseJson(events[0]?.data)).source, "live")
      }))

    it.effect(`is told in the stream that the answer broke off, without a proper end (${how})`, () =>
      Effect.gen(function*() {
        for (const mode of [StreamMode.resetAfter(2), StreamMode.errorAfter(2), StreamMode.stallAfter(2)]) {
          yield* whileProvider(mode)
          const [pieces, chunks] = yield* Effect.all([
            Effect.flatMap(generate(prompt), (response) => Effect.promise(() => readEvents(response, parser()))),
            Effect.flatMap(chat(prompt), (response) => Effect.promise(() => readEvents(response, parser())))
          ], { concurrency: 2 })
          assert.strictEqual(deltasOf(pieces.events), "Answer to: ")
          assert.strictEqual(namesOf(pieces.events).at(-1), "problem")
          assert.notInclude(namesOf(pieces.events), "done")
          assert.strictEqual(
            field(parseJson(pieces.events.at(-1)?.data), "type"),
            "urn:understudy:problem:stream-broken"
          )
          assert.strictEqual(contentsOf(chunks.events.slice(0, -1)), "Answer to: ")
          assert.strictEqual(field(parseJson(chunks.events.at(-1)?.data), "error", "code"), "stream_broken")
          assert.notInclude(chunks.text, "[DONE]")
        }
      }))

    it.effect(`reads a fallback in the same form ${how}`, () =>
      Effect.gen(function*() {
        yield* whileProvider(down)
        const response = yield* generate("Write a blog post about sourdough starters")
        assert.strictEqual(response.headers.get("understudy-source"), "template")
        const { events } = yield* Effect.promise(() => readEvents(response, parser()))
        assert.deepStrictEqual(namesOf(events), ["start", "delta", "done"])
        const done = decodeDone(events.at(-1)?.data)
        assert.deepStrictEqual([done.source, done.fallback?.reason], ["template", "unavailable"])
        assert.strictEqual(deltasOf(events), done.text)

        const other = yield* chat("Write a blog post about sourdough starters")
        assert.strictEqual(other.headers.get("understudy-source"), "template")
        const chunks = yield* Effect.promise(() => readEvents(other, parser()))
        assert.strictEqual(contentsOf(chunks.events), done.text)
        assert.strictEqual(chunks.events.at(-1)?.data, "[DONE]")
      }))

    it.effect(`finds the same events ${how}, wherever the network cuts the bytes`, () =>
      Effect.gen(function*() {
        for (const response of [yield* generate(prompt), yield* chat(prompt)]) {
          const whole = new Uint8Array(yield* Effect.promise(() => response.arrayBuffer()))
          const read = (pieceLength: number) => {
            const decoder = new TextDecoder()
            const parse = parser()
            return Array.from({ length: Math.ceil(whole.length / pieceLength) }, (_, n) =>
              parse(decoder.decode(whole.subarray(n * pieceLength, (n + 1) * pieceLength), { stream: true }))).flat()
          }
          const events = read(whole.length)
          assert.isAtLeast(events.length, 3)
          for (const pieceLength of [1, 2, 3, 7, 64]) {
            assert.deepStrictEqual(read(pieceLength), events)
          }
        }
      }))
  }

  it.effect("gets errors before the first piece with their status, and not as a stream", () =>
    Effect.gen(function*() {
      const tools = [{ type: "function", function: { name: "weather" } }]
      const seen = [yield* generate(""), yield* chat("Tea", { messages: [] })]
      yield* whileProvider(down)
      seen.push(yield* chat("Tea", { tools }))
      const [problem, ...errors] = seen
      assert.deepStrictEqual(seen.map(({ status }) => status), [400, 400, 503])
      assert.match(problem?.headers.get("content-type") ?? "", /^application\/problem\+json\b/)
      for (const error of errors) {
        assert.match(error.headers.get("content-type") ?? "", /^application\/json\b/)
        assert.isString(field(yield* Effect.promise(() => error.json()), "error", "code"))
      }
    }))

  it.effect("gets events from /generate only when it accepts them", () =>
    Effect.gen(function*() {
      const isStream = (accept: string) =>
        Effect.map(
          generate("Tea", accept),
          ({ headers }) => headers.get("content-type")?.startsWith("text/event-stream")
        )
      for (const accept of ["text/event-stream", "application/json, text/event-stream", "Text/Event-Stream; q=0.5"]) {
        assert.isTrue(yield* isStream(accept), accept)
      }
      for (
        const accept of [
          "*/*",
          "application/json",
          "text/event-stream;q=0, application/json",
          "application/json, text/event-stream;q=0.1",
          "text/event-streams"
        ]
      ) {
        assert.isFalse(yield* isStream(accept), accept)
      }
    }))

  it.effect("ends the provider's call when it stops reading", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      yield* whileProvider(StreamMode.stallAfter(2))
      for (const ask of [generate, chat]) {
        const before = provider.counts()
        const response = yield* ask("Write about leaving")
        yield* Effect.promise(async () => {
          const reader = response.body?.getReader()
          await reader?.read()
          await reader?.cancel()
        })
        yield* provider.until(({ aborted }) => aborted === before.aborted + 1)
        assert.strictEqual(provider.counts().received, before.received + 1)
      }
    }))
})
