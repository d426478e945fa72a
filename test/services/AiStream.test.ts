import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Redacted, Ref, Stream } from "effect"
import type { HttpClient } from "effect/http"
import type { AiPart, AiRequest } from "../../src/domain/Ai.ts"
import type { Chat, JsonObject } from "../../src/domain/Chat.ts"
import type { AiError } from "../../src/domain/errors.ts"
import * as UndiciHttpClient from "../../src/layers/UndiciHttpClient.ts"
import { AiClient } from "../../src/services/AiClient.ts"
import { FaultServer, Mode, StreamMode } from "../support/FaultServer.ts"

type Client = Layer.Layer<AiClient, never, HttpClient.HttpClient>

/** A client of the fault server, over the real network. */
const network = (client: (server: FaultServer["Service"]) => Client, options?: UndiciHttpClient.Options) =>
  Layer.unwrap(FaultServer.useSync(client)).pipe(
    Layer.provideMerge(Layer.merge(UndiciHttpClient.layer(options), FaultServer.layer))
  )

/** `it.live`: the remote side works in real time. */
const withProvider = <A, E>(
  test: Effect.Effect<A, E, AiClient | FaultServer>,
  options?: UndiciHttpClient.Options
) =>
  test.pipe(
    Effect.provide(network(
      ({ openAiUrl }) =>
        AiClient.layerOpenAi({ provider: "p", baseUrl: openAiUrl, model: "m", apiKey: Redacted.make("sk-secret") }),
      options
    )),
    Effect.timeout("10 seconds")
  )

const chat = (more: JsonObject = {}, isTextOnly = true): Chat => ({
  body: { messages: [{ role: "system", content: "Be brief" }, { role: "user", content: "green tea" }], ...more },
  transcript: "system: Be brief\n\nuser: green tea",
  isTextOnly
})

const aRequest: AiRequest = { prompt: "green tea", maxTokens: 10 }

interface Heard {
  readonly parts: ReadonlyArray<AiPart>
  readonly error: AiError | undefined
}

/** Everything that comes, and what it ends with. */
const listen = Effect.fnUntraced(function*(mode: Mode, request: AiRequest = aRequest) {
  const server = yield* FaultServer
  yield* server.respondWith(mode)
  const parts: Array<AiPart> = []
  const { stream } = yield* AiClient
  const error = yield* stream(request).pipe(
    Stream.runForEach((part) => Effect.sync(() => void parts.push(part))),
    Effect.matchEffect({
      onFailure: (error) => Effect.succeed(error),
      onSuccess: () => Effect.undefined
    })
  )
  return { parts, error } satisfies Heard
})

const textOf = (parts: ReadonlyArray<AiPart>): string =>
  parts.map((part) => part._tag === "Delta" ? part.text : "").join("")

const answerOf = (parts: ReadonlyArray<AiPart>) => {
  const last = parts.at(-1)
  return last?._tag === "End" ? last.answer : undefined
}

const chunksOf = (parts: ReadonlyArray<AiPart>) =>
  parts.flatMap((part) => part._tag === "Delta" && part.chunk !== undefined ? [part.chunk] : [])

describe("AiClient.stream", () => {
  it.live("asks for a stream with its usage, and gives the text as it comes", () =>
    withProvider(Effect.gen(function*() {
      const { error, parts } = yield* listen(Mode.answer)
      assert.isUndefined(error)
      assert.deepStrictEqual(parts, [
        { _tag: "Begin", model: "m" },
        { _tag: "Delta", text: "Answer " },
        { _tag: "Delta", text: "to: " },
        { _tag: "Delta", text: "green " },
        { _tag: "Delta", text: "tea" },
        {
          _tag: "End",
          answer: {
            text: "Answer to: green tea",
            model: "m",
            usage: { inputTokens: 7, outputTokens: 11 },
            isComplete: true,
            finishReason: "stop"
          }
        }
      ])
      const [call] = (yield* FaultServer).calls()
      assert.deepStrictEqual(call?.body, {
        model: "m",
        max_tokens: 10,
        messages: [{ role: "user", content: "green tea" }],
        stream: true,
        stream_options: { include_usage: true }
      })
      assert.strictEqual(call?.headers.accept, "text/event-stream")
      assert.strictEqual(call?.headers.authorization, "Bearer sk-secret")
    })))

  it.live("sends a conversation as it came, with parameters that nobody here knows", () =>
    withProvider(Effect.gen(function*() {
      const asked = chat({ temperature: 0.2, top_secret: { deep: [1, null] } })
      const { parts } = yield* listen(Mode.answer, { ...aRequest, model: "other", chat: asked })
      const expected = { ...asked.body, model: "other", stream: true, stream_options: { include_usage: true } }
      assert.deepStrictEqual((yield* FaultServer).calls()[0]?.body, expected)
      const frame = { created: 1_760_000_000, system_fingerprint: "fp_fault" }
      assert.deepStrictEqual(parts[0], { _tag: "Begin", model: "other", frame })
      assert.deepStrictEqual(answerOf(parts)?.native, {
        usage: { prompt_tokens: 7, completion_tokens: 11, total_tokens: 18 }
      })
      assert.isEmpty(chunksOf(parts))
    })))

  describe("a good answer", () => {
    for (
      const [name, mode] of Object.entries({
        "that comes byte by byte": StreamMode.byteByByte,
        "with CRLF": StreamMode.crlf,
        "with comments, ids and retries between": StreamMode.withComments,
        "with its data on several lines": StreamMode.multiLine,
        "that comes slowly": StreamMode.slow(5),
        "with more after [DONE]": StreamMode.openAfterDone,
        "that is no stream": StreamMode.jsonInstead
      })
    ) {
      it.live(`${name} is one`, () =>
        withProvider(Effect.gen(function*() {
          const { error, parts } = yield* listen(mode, { ...aRequest, prompt: "Grüße 🌍" })
          assert.isUndefined(error)
          assert.strictEqual(textOf(parts), "Answer to: Grüße 🌍")
          assert.deepInclude(answerOf(parts), {
            text: "Answer to: Grüße 🌍",
            usage: { inputTokens: 7, outputTokens: 11 },
            isComplete: true
          })
        })))
    }

    it.live("is shown and not complete without [DONE], or where its length was cut", () =>
      withProvider(Effect.gen(function*() {
        for (const mode of [StreamMode.withoutDone, Mode.finish("length")]) {
          const { error, parts } = yield* listen(mode)
          assert.isUndefined(error)
          assert.deepInclude(answerOf(parts), { text: "Answer to: green tea", isComplete: false })
        }
      })))

    it.live("has the limits that its headers tell", () =>
      withProvider(Effect.gen(function*() {
        const { parts } = yield* listen((call) => {
          call.events({ "x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "9" })
          for (const chunk of call.format.stream?.answer("tea") ?? []) call.event(chunk)
          call.event("[DONE]")
          call.end()
        })
        assert.deepInclude(answerOf(parts)?.limits?.requests, { limit: 10, remaining: 9 })
      })))

    it.live("may be large, and then it is told in a few reads of many parts", () =>
      withProvider(Effect.gen(function*() {
        const server = yield* FaultServer
        yield* server.respondWith(StreamMode.large(2000, 100))
        const { stream } = yield* AiClient
        const sizes = yield* Stream.runCollect(Stream.chunks(stream(aRequest)))
        const parts = sizes.flat()
        assert.lengthOf(parts, 1 + 2000 + 1)
        assert.isBelow(sizes.length, 500)
        assert.lengthOf(answerOf(parts)?.text ?? "", 200_000)
      })))
  })

  describe("what breaks after its first words gives them, and then a malformed answer", () => {
    const cases: ReadonlyArray<readonly [name: string, mode: Mode, detail: RegExp]> = [
      ["a FIN", StreamMode.closeAfter(2), /broke off/],
      ["a reset", StreamMode.resetAfter(2), /broke off/],
      ["a cut in a chunk", StreamMode.cutChunkAfter(2), /broke off/],
      ["an end without a finish", StreamMode.endAfter(2), /without a finish_reason/],
      ["an error", StreamMode.errorAfter(2), /unusable: it sent an error$/],
      ["something that is no JSON", StreamMode.garbageAfter(2), /no JSON/],
      ["wrong types", StreamMode.wrongTypesAfter(2), /no text/],
      ["something that is not UTF-8", StreamMode.invalidUtf8After(2), /not UTF-8/]
    ]
    for (const [name, mode, detail] of cases) {
      it.live(name, () =>
        withProvider(Effect.gen(function*() {
          for (const request of [aRequest, { ...aRequest, chat: chat() }]) {
            const { error, parts } = yield* listen(mode, request)
            assert.strictEqual(textOf(parts), "Answer to: ")
            assert.strictEqual(parts[0]?._tag, "Begin")
            assert.strictEqual(error?._tag, "AiMalformed")
            assert.match(error?.message ?? "", detail)
          }
        })))
    }
  })

  describe("what never was an answer fails as in one piece", () => {
    const cases: ReadonlyArray<readonly [name: string, mode: Mode, tag: AiError["_tag"]]> = [
      ["an error first", StreamMode.errorFirst, "AiMalformed"],
      ["no finish", StreamMode.withoutFinish, "AiMalformed"],
      ["an event without an end", StreamMode.endlessEvent, "AiMalformed"],
      ["a blank text", Mode.blankText, "AiMalformed"],
      ["no text", Mode.nullText, "AiMalformed"],
      ["wrong types", Mode.wrongTypes, "AiMalformed"],
      ["no choices", Mode.emptyChoices, "AiMalformed"],
      ["an empty body", Mode.empty, "AiMalformed"],
      ["no content", Mode.noContent, "AiMalformed"],
      ["a web page", Mode.html, "AiMalformed"],
      ["garbage", Mode.garbage, "AiMalformed"],
      ["an error object", Mode.errorObject, "AiMalformed"],
      ["an endless body", Mode.endlessBody, "AiMalformed"],
      ["an invalid chunk of the transfer", Mode.invalidChunk, "AiMalformed"],
      ["a refusal", StreamMode.refusal("I ", "won't"), "AiRejected"],
      ["a content filter", Mode.finish("content_filter"), "AiRejected"],
      ["400", Mode.status(400), "AiRejected"],
      ["401", Mode.status(401), "AiUnauthorized"],
      ["429", Mode.rateLimited("2"), "AiRateLimited"],
      ["503", Mode.status(503), "AiUnavailable"],
      ["a reset", Mode.resetBeforeHeaders, "AiUnavailable"]
    ]
    for (const [name, mode, tag] of cases) {
      it.live(name, () =>
        withProvider(Effect.gen(function*() {
          const { error, parts } = yield* listen(mode)
          assert.strictEqual(error?._tag, tag)
          assert.isUndefined(answerOf(parts))
        })))
    }
  })

  describe("to a conversation", () => {
    const asked = { ...aRequest, chat: chat({ tools: [] }, false) }

    it.live("the call of a tool comes in the provider's own chunks", () =>
      withProvider(Effect.gen(function*() {
        const { error, parts } = yield* listen(StreamMode.toolCall("weather", "{\"city\":\"Wien\"}"), asked)
        assert.isUndefined(error)
        assert.lengthOf(chunksOf(parts), 3)
        assert.include(JSON.stringify(chunksOf(parts)), "call_fault")
        assert.deepInclude(answerOf(parts), { text: "", isComplete: false, finishReason: "tool_calls" })
      })))

    it.live("a refusal and several choices are answers", () =>
      withProvider(Effect.gen(function*() {
        const refused = yield* listen(StreamMode.refusal("I ", "won't"), asked)
        assert.lengthOf(chunksOf(refused.parts), 2)
        assert.deepInclude(answerOf(refused.parts), { isComplete: false, finishReason: "stop" })
        const three = yield* listen(StreamMode.choices(3), asked)
        assert.deepInclude(answerOf(three.parts), { text: "Answer 0 to: green tea", isComplete: false })
        assert.include(JSON.stringify(chunksOf(three.parts)), "Answer 2 to: green tea")
      })))

    it.live("thinking is passed on and is no part of the text", () =>
      withProvider(Effect.gen(function*() {
        const { parts } = yield* listen(StreamMode.reasoning(3), asked)
        assert.lengthOf(chunksOf(parts), 3)
        assert.deepInclude(answerOf(parts), { text: "Answer to: green tea", isComplete: true })
      })))

    it.live("a whole completion with a tool's call looks like one chunk of a stream", () =>
      withProvider(Effect.gen(function*() {
        const toolCall = { id: "call_1", type: "function", function: { name: "weather", arguments: "{}" } }
        const { parts } = yield* listen((call) =>
          call.json(200, {
            id: "chatcmpl-1",
            object: "chat.completion",
            model: "m",
            choices: [{
              index: 0,
              message: { role: "assistant", content: null, tool_calls: [toolCall] },
              finish_reason: "tool_calls"
            }],
            usage: { prompt_tokens: 1, completion_tokens: 2 }
          }), asked)
        assert.deepStrictEqual(chunksOf(parts), [{
          id: "chatcmpl-1",
          object: "chat.completion.chunk",
          model: "m",
          choices: [{
            index: 0,
            delta: { role: "assistant", content: null, tool_calls: [{ index: 0, ...toolCall }] },
            finish_reason: null
          }]
        }])
        assert.deepStrictEqual(answerOf(parts), {
          text: "",
          model: "m",
          usage: { inputTokens: 1, outputTokens: 2 },
          isComplete: false,
          finishReason: "tool_calls",
          native: { usage: { prompt_tokens: 1, completion_tokens: 2 } }
        })
      })))
  })

  describe("connections", () => {
    it.live("come back after a stream, also when its end is a little late", () =>
      withProvider(
        Effect.gen(function*() {
          const server = yield* FaultServer
          for (const mode of [Mode.answer, StreamMode.endLateAfterDone(50), StreamMode.crlf, Mode.answer]) {
            assert.isUndefined((yield* listen(mode)).error)
          }
          assert.strictEqual(server.counts().sockets, 1)
          assert.strictEqual(server.counts().aborted, 0)
        }),
        { connections: 1 }
      ))

    it.live("are given up when a provider does not end after [DONE], and nobody waits for that", () =>
      withProvider(Effect.gen(function*() {
        const server = yield* FaultServer
        // What is slow the first time is not what is measured.
        yield* listen(Mode.answer)
        const { parts } = yield* listen(StreamMode.openAfterDone).pipe(Effect.timeout("400 millis"))
        assert.isTrue(answerOf(parts)?.isComplete)
        yield* server.until((counts) => counts.aborted === 1 && counts.openSockets === 0)
      })))

    it.live("end at once when the reader leaves, wherever the stream is", () =>
      withProvider(Effect.gen(function*() {
        const server = yield* FaultServer
        const modes = [
          Mode.hangBeforeHeaders,
          StreamMode.stallBeforeFirstToken,
          StreamMode.onlyComments(5),
          StreamMode.stallAfter(2),
          StreamMode.slow(1000),
          StreamMode.endless()
        ]
        for (const [n, mode] of modes.entries()) {
          const fiber = yield* Effect.forkChild(listen(mode))
          yield* server.until((counts) => counts.inFlight === 1)
          yield* Effect.sleep("30 millis")
          assert.isUndefined(fiber.pollUnsafe())
          yield* Fiber.interrupt(fiber)
          yield* server.until((counts) => counts.aborted === n + 1 && counts.inFlight === 0)
        }
      })))

    it.live("end when the reader has enough", () =>
      withProvider(Effect.gen(function*() {
        const server = yield* FaultServer
        yield* server.respondWith(StreamMode.stallAfter(2))
        const { stream } = yield* AiClient
        yield* Stream.runDrain(Stream.take(stream(aRequest), 2))
        yield* server.until((counts) => counts.aborted === 1)
      })))

    it.live("are paused for a reader that does not read", () =>
      withProvider(Effect.gen(function*() {
        const server = yield* FaultServer
        yield* server.respondWith(StreamMode.endless())
        const { stream } = yield* AiClient
        const fiber = yield* Effect.forkChild(Stream.runForEachArray(stream(aRequest), () => Effect.never))
        yield* Effect.sleep("300 millis")
        const before = server.counts().bytesSent
        yield* Effect.sleep("100 millis")
        assert.strictEqual(server.counts().bytesSent, before)
        assert.isBelow(before, 16 * 1024 * 1024)
        yield* Fiber.interrupt(fiber)
        yield* server.until((counts) => counts.aborted === 1)
      })))

    it.live("end when a stream is larger than any answer", () =>
      withProvider(
        Effect.gen(function*() {
          const { error, parts } = yield* listen(StreamMode.endless())
          assert.strictEqual(error?._tag, "AiMalformed")
          assert.match(error?.message ?? "", /larger than 1000000 bytes/)
          assert.isAbove(textOf(parts).length, 500_000)
          yield* (yield* FaultServer).until((counts) => counts.aborted === 1)
        }),
        { maxStreamSize: 1_000_000 }
      ))

    it.live("carry hundreds of streams at once", () =>
      withProvider(Effect.gen(function*() {
        const server = yield* FaultServer
        yield* server.respondWith(StreamMode.slow(10))
        const { stream } = yield* AiClient
        const done = yield* Ref.make(0)
        const exits = yield* Effect.forEach(
          Array.from({ length: 300 }, (_, n) => n),
          (n) =>
            Stream.runCollect(stream({ ...aRequest, prompt: `number ${n}` })).pipe(
              Effect.tap((parts) => Effect.sync(() => assert.strictEqual(textOf(parts), `Answer to: number ${n}`))),
              Effect.ensuring(Ref.update(done, (count) => count + 1)),
              Effect.exit
            ),
          { concurrency: "unbounded" }
        )
        assert.isTrue(exits.every(Exit.isSuccess))
        assert.strictEqual(yield* Ref.get(done), 300)
      })))
  })
})

describe("a plain provider", () => {
  it.live("streams in one piece, is told the whole conversation, and takes text only", () =>
    Effect.gen(function*() {
      const server = yield* FaultServer
      const { generate, stream } = yield* AiClient
      const parts = yield* Stream.runCollect(stream({ ...aRequest, chat: chat() }))
      assert.strictEqual(textOf(parts), "Answer to: system: Be brief\n\nuser: green tea")
      assert.deepStrictEqual(server.calls()[0]?.body, {
        prompt: "system: Be brief\n\nuser: green tea",
        max_tokens: 10
      })
      const beyond = { ...aRequest, chat: chat({ tools: [{}] }, false) }
      for (const error of [yield* Effect.flip(generate(beyond)), yield* Effect.flip(Stream.runDrain(stream(beyond)))]) {
        assert.deepInclude(error, { _tag: "AiRejected", status: 400 })
        assert.match(error.message, /takes text only/)
      }
      assert.lengthOf(server.calls(), 1)
    }).pipe(
      Effect.provide(network(({ plainUrl }) => AiClient.layerPlain({ provider: "p", url: plainUrl, model: "m" }))),
      Effect.timeout("10 seconds")
    ))
})
