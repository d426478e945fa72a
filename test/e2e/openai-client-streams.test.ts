/** The OpenAI SDK against the whole service, in pieces: read to the end, given up, broken off, or a fallback. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { APIError, InternalServerError } from "openai"
import type {
  ChatCompletionChunk,
  ChatCompletionCreateParamsStreaming,
  ChatCompletionStreamParams
} from "openai/resources/chat/completions"
import {
  apiErrorOf,
  clientEnv,
  down,
  openAiClient,
  provenanceOf,
  remembering,
  whileProvider
} from "../support/clients.ts"
import { FaultServer, Mode, StreamMode } from "../support/FaultServer.ts"
import { Service } from "../support/service.ts"

const model = "understudy"
const asking = (content: string, more: object = {}): ChatCompletionCreateParamsStreaming => ({
  model,
  messages: [{ role: "user", content }],
  stream: true,
  ...more
})
const withUsage = { stream_options: { include_usage: true } }
const weather = { type: "function", function: { name: "weather", parameters: { type: "object" } } } as const

const textOf = (chunks: ReadonlyArray<ChatCompletionChunk>): string =>
  chunks.map(({ choices: [choice] }) => choice?.delta.content ?? "").join("")

layer(Service.layer("openai", clientEnv), { excludeTestServices: true, timeout: "60 seconds" })(
  "the OpenAI SDK, streaming",
  (it) => {
    /** All chunks, the headers, and what was thrown in the end. */
    const read = Effect.fnUntraced(function*(
      params: ChatCompletionCreateParamsStreaming,
      headers: Record<string, string> = {}
    ) {
      const { client } = yield* openAiClient()
      return yield* Effect.promise(async () => {
        const { data, response } = await client.chat.completions.create(params, { headers }).withResponse()
        const chunks: Array<ChatCompletionChunk> = []
        try {
          for await (const chunk of data) chunks.push(chunk)
        } catch (thrown) {
          return { chunks, headers: response.headers, thrown }
        }
        return { chunks, headers: response.headers, thrown: undefined }
      })
    })

    it.effect("gets a fallback in the same form, and 503 once when there is none", () =>
      Effect.gen(function*() {
        const { client, requests } = yield* openAiClient()
        const provider = yield* FaultServer
        const prompt = "Write a blog post about sourdough starters"
        yield* provider.respondWithEach([Mode.say("Feed it daily.")])
        const live = yield* remembering(read(asking(prompt)))
        const tools = { tools: [weather] }
        for (const mode of [down, StreamMode.errorFirst, StreamMode.resetAfter(0)]) {
          yield* whileProvider(mode)
          for (
            const [asked, source] of [[prompt, "cache"], ["Write a newsletter about e-bikes", "template"]] as const
          ) {
            const { chunks, headers, thrown } = yield* read(asking(asked, withUsage))
            assert.isUndefined(thrown)
            assert.strictEqual(provenanceOf(chunks[0]).source, source)
            assert.strictEqual(headers.get("understudy-source"), source)
            assert.deepStrictEqual(chunks.at(-1)?.usage, { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 })
            assert.strictEqual(chunks.at(-2)?.choices[0]?.finish_reason, "stop")
            if (source === "template") assert.include(textOf(chunks).toLowerCase(), "e-bikes")
            else assert.deepStrictEqual([textOf(chunks), chunks[0]?.id], ["Feed it daily.", live.chunks[0]?.id])
          }
          const before = requests()
          const error = yield* apiErrorOf(
            () => client.chat.completions.create(asking(prompt, tools)),
            InternalServerError
          )
          assert.deepStrictEqual([error.status, error.code], [503, "unavailable"])
          assert.strictEqual(requests() - before, 1)
        }
      }))

    it.effect("gets the answer piece by piece, how it ended, and its usage when asked", () =>
      Effect.gen(function*() {
        const { chunks, headers, thrown } = yield* read(asking("Write about tea", withUsage))
        assert.isUndefined(thrown)
        assert.strictEqual(textOf(chunks), "Answer to: Write about tea")
        assert.match(headers.get("content-type") ?? "", /^text\/event-stream\b/)
        assert.strictEqual(headers.get("understudy-source"), "live")
        assert.match(headers.get("x-request-id") ?? "", /^req_/)
        const [first] = chunks
        assert.strictEqual(provenanceOf(first).source, "live")
        assert.strictEqual(first?.choices[0]?.delta.role, "assistant")
        assert.match(first?.id ?? "", /^gen_/)
        for (const { created, id, model, object } of chunks) {
          assert.deepStrictEqual([id, model, object], [first?.id, "fault-model", "chat.completion.chunk"])
          assert.strictEqual(created, 1_760_000_000, "when the provider says")
        }
        const last = chunks.at(-1)
        assert.deepStrictEqual(last?.choices, [])
        assert.deepStrictEqual(last?.usage, { prompt_tokens: 7, completion_tokens: 11, total_tokens: 18 })
        assert.deepStrictEqual(
          chunks.flatMap(({ choices }) => choices.map(({ finish_reason }) => finish_reason)).filter(Boolean),
          ["stop"]
        )
        const unasked = yield* read(asking("Write about coffee"))
        assert.isTrue(unasked.chunks.every((chunk) => chunk.usage === undefined && chunk.choices.length === 1))
      }))

    it.effect("gets every character whole, however the provider cuts them, and is not disturbed by keep-alives", () =>
      Effect.gen(function*() {
        const prompt = "Schreib über Käse: 🧀 und „Öl“, 日本語"
        for (const [n, mode] of [StreamMode.byteByByte, StreamMode.crlf, StreamMode.slow(60)].entries()) {
          yield* whileProvider(mode)
          const { chunks, thrown } = yield* read(asking(`${n}. ${prompt}`))
          assert.isUndefined(thrown)
          assert.strictEqual(textOf(chunks), `Answer to: ${n}. ${prompt}`)
        }
      }))

    it.effect("has its events, its final completion and the total usage from the stream() helper", () =>
      Effect.gen(function*() {
        const { client } = yield* openAiClient()
        const params: ChatCompletionStreamParams = asking("Write about cocoa", withUsage)
        const deltas: Array<string> = []
        const snapshots: Array<string> = []
        const stream = client.chat.completions.stream(params).on("content", (delta, snapshot) => {
          deltas.push(delta)
          snapshots.push(snapshot)
        })
        const completion = yield* Effect.promise(() => stream.finalChatCompletion())
        const text = "Answer to: Write about cocoa"
        assert.strictEqual(completion.choices[0]?.message.content, text)
        assert.strictEqual(completion.choices[0]?.finish_reason, "stop")
        assert.strictEqual(yield* Effect.promise(() => stream.finalContent()), text)
        assert.strictEqual(deltas.join(""), text)
        assert.strictEqual(snapshots.at(-1), text)
        assert.strictEqual((yield* Effect.promise(() => stream.totalUsage())).total_tokens, 18)
      }))

    it.effect("ends the provider's call when it is aborted, left, or its signal fires", () =>
      Effect.gen(function*() {
        const { client } = yield* openAiClient()
        const provider = yield* FaultServer
        yield* whileProvider(StreamMode.stallAfter(2))
        const ways = {
          controller: async () => {
            const stream = await client.chat.completions.create(asking("Write about the controller"))
            const chunks: Array<ChatCompletionChunk> = []
            for await (const chunk of stream) {
              chunks.push(chunk)
              if (textOf(chunks) === "Answer to: ") stream.controller.abort()
            }
          },
          break: async () => {
            for await (const chunk of await client.chat.completions.create(asking("Write about breaks"))) {
              if (textOf([chunk]) !== "") break
            }
          },
          signal: async () => {
            const abort = new AbortController()
            const params = asking("Write about signals")
            const stream = await client.chat.completions.create(params, { signal: abort.signal })
            for await (const chunk of stream) if (textOf([chunk]) !== "") abort.abort()
          },
          helper: async () => {
            const stream = client.chat.completions.stream(asking("Write about helpers"))
            stream.on("content", () => stream.abort())
            await stream.done().catch(() => {})
          }
        }
        for (const [name, leave] of Object.entries(ways)) {
          const before = provider.counts()
          yield* Effect.promise(leave)
          yield* provider.until(({ aborted }) => aborted === before.aborted + 1)
          assert.strictEqual(provider.counts().received - before.received, 1, name)
        }
      }))

    it.effect("throws when the answer breaks off or falls silent, after all that has come", () =>
      Effect.gen(function*() {
        const { client, requests } = yield* openAiClient()
        const broken = [
          StreamMode.resetAfter(2),
          StreamMode.closeAfter(2),
          StreamMode.errorAfter(2),
          StreamMode.stallAfter(2)
        ]
        for (const [n, mode] of broken.entries()) {
          yield* whileProvider(mode)
          const { chunks, thrown } = yield* read(asking(`${n} things about breaking off`))
          assert.strictEqual(textOf(chunks), "Answer to: ")
          if (!(thrown instanceof APIError)) return assert.fail(String(thrown))
          assert.deepStrictEqual([thrown.type, thrown.code], ["server_error", "stream_broken"])
          assert.match(thrown.message, /not the whole answer/)
          assert.isTrue(chunks.every(({ choices: [choice] }) => choice?.finish_reason === null))
        }
        yield* whileProvider(StreamMode.resetAfter(2))
        const stream = client.chat.completions.stream(asking("Write about the helper's end"))
        let seen = ""
        stream.on("content", (delta) => void (seen += delta))
        yield* apiErrorOf(() => stream.finalChatCompletion(), APIError)
        assert.strictEqual(seen, "Answer to: ")
        assert.strictEqual(requests(), 1)
      }))

    it.effect("gets the calls of tools, refusals, thoughts and several choices as the provider streams them", () =>
      Effect.gen(function*() {
        const { client } = yield* openAiClient()
        const final = (mode: Mode, params: ChatCompletionStreamParams) =>
          Effect.andThen(
            whileProvider(mode),
            Effect.promise(() => client.chat.completions.stream(params).finalChatCompletion())
          )
        const called = yield* final(
          StreamMode.toolCall("weather", `{"city":"Graz"}`),
          asking("Weather in Graz?", { tools: [weather] })
        )
        assert.strictEqual(called.choices[0]?.finish_reason, "tool_calls")
        assert.deepInclude(called.choices[0]?.message.tool_calls?.[0], {
          id: "call_fault",
          type: "function"
        })
        const [call] = called.choices[0]?.message.tool_calls ?? []
        assert.deepInclude(call?.type === "function" ? call.function : undefined, {
          name: "weather",
          arguments: `{"city":"Graz"}`
        })
        const refused = yield* final(StreamMode.refusal("I would ", "rather not."), asking("Do something bad"))
        assert.strictEqual(refused.choices[0]?.message.refusal, "I would rather not.")
        const several = yield* final(StreamMode.choices(3), asking("Three ideas", { n: 3 }))
        assert.deepStrictEqual(
          several.choices.map(({ message }) => message.content),
          [0, 1, 2].map((n) => `Answer ${n} to: Three ideas`)
        )
        yield* whileProvider(StreamMode.reasoning(3))
        const { chunks } = yield* read(asking("Think about it"))
        assert.strictEqual(textOf(chunks), "Answer to: Think about it")
        const thoughts = chunks.map(({ choices: [choice] }) =>
          Reflect.get(choice?.delta ?? {}, "reasoning_content") ?? ""
        )
        assert.strictEqual(thoughts.join(""), "hm hm hm ")
      }))

    it.effect("gets the same stream again for the same Idempotency-Key", () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer
        const before = provider.counts().received
        const ask = read(asking("Write about echoes", withUsage), { "Idempotency-Key": "echo-1" })
        const first = yield* ask
        const again = yield* ask
        assert.strictEqual(provider.counts().received - before, 1)
        assert.strictEqual(again.headers.get("idempotent-replayed"), "true")
        assert.deepStrictEqual(
          [again.chunks[0]?.id, textOf(again.chunks), again.chunks.at(-1)],
          [first.chunks[0]?.id, textOf(first.chunks), first.chunks.at(-1)]
        )
      }))
  }
)
