/** `Idempotency-Key` for OpenAI's clients: whole answers and streams again, and errors in their shape. */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { askChat, chatErrorOf, chatOf, chatStreamOf, completionOf, generateStreamOf } from "../support/answers.ts"
import { FaultServer, Mode, StreamMode } from "../support/FaultServer.ts"
import { gate } from "../support/gates.ts"
import { ask, eventually, problemOf, type Reply } from "../support/http.ts"
import { Service } from "../support/service.ts"

const env = { MAX_ATTEMPTS: "1", BREAKER_FAILURES: "100000", TEMPLATES_DIR: "none" }
const options = { excludeTestServices: true, timeout: "60 seconds" } as const

let count = 0
const freshKey = (): string => `chat-${count++}`
const story = "Write a story about sourdough"
const streamed = chatOf(story, { stream: true, stream_options: { include_usage: true } })

const keyed = Effect.fnUntraced(function*(
  key: string,
  request: string | object = story,
  headers: Readonly<Record<string, string>> = {}
) {
  const { url } = yield* Service
  return yield* askChat(url, request, { "idempotency-key": key, "cache-control": "no-store", ...headers })
})

/** How often the provider is asked while this runs. */
const calls = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const provider = yield* FaultServer
    const before = provider.counts().received
    yield* effect
    return provider.counts().received - before
  })

const isReplay = ({ headers }: Reply) => headers["idempotent-replayed"] === "true"

layer(Service.layer("openai", env), options)("a chat with an Idempotency-Key", (it) => {
  it.effect("gets the same completion again, and says so", () =>
    Effect.gen(function*() {
      const key = freshKey()
      const asked = yield* calls(Effect.gen(function*() {
        const first = yield* keyed(key)
        assert.isFalse(isReplay(first))
        const again = yield* keyed(key)
        assert.isTrue(isReplay(again))
        assert.deepStrictEqual(completionOf(again), completionOf(first))
        assert.strictEqual(again.headers["understudy-source"], first.headers["understudy-source"])
        assert.strictEqual(again.headers["cache-status"], first.headers["cache-status"])
      }))
      assert.strictEqual(asked, 1)
    }))

  it.effect("of tools gets the same calls of them again", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const tool_calls = [{ id: "call_1", type: "function", function: { name: "bake", arguments: "{\"g\":500}" } }]
      const message = { role: "assistant", content: null, tool_calls }
      const answer: Mode = (call) =>
        call.json(200, {
          id: "chatcmpl-1",
          object: "chat.completion",
          created: 1_760_000_000,
          model: "fault-model",
          choices: [{ index: 0, message, finish_reason: "tool_calls" }],
          service_tier: "default"
        })
      yield* provider.respondWithEach([answer])
      const key = freshKey()
      const request = chatOf(story, { tools: [{ type: "function", function: { name: "bake" } }] })
      const first = completionOf(yield* keyed(key, request))
      assert.deepInclude(first.choices[0], { message, finish_reason: "tool_calls" })
      const again = yield* keyed(key, request)
      assert.isTrue(isReplay(again))
      assert.deepStrictEqual(completionOf(again), first)
    }))

  it.effect("gets the same stream again: id, text, usage and end", () =>
    Effect.gen(function*() {
      const key = freshKey()
      const asked = yield* calls(Effect.gen(function*() {
        const first = yield* keyed(key, streamed)
        const again = yield* keyed(key, streamed)
        assert.deepStrictEqual([isReplay(first), isReplay(again)], [false, true])
        const [one, other] = [chatStreamOf(first), chatStreamOf(again)]
        assert.match(one.text, /sourdough/)
        assert.deepStrictEqual([other.id, other.text], [one.id, one.text])
        assert.strictEqual(other.chunks[0]?.created, one.chunks[0]?.created)
        assert.deepStrictEqual(other.chunks[0]?.understudy, one.chunks[0]?.understudy)
        const last = one.chunks.at(-1)?.usage
        assert.strictEqual(last?.total_tokens, 18)
        assert.deepStrictEqual(other.chunks.at(-1)?.usage, last)
        assert.strictEqual(again.headers["understudy-source"], first.headers["understudy-source"])
      }))
      assert.strictEqual(asked, 1)
    }))

  it.effect("is 422 with another body, and when the same is asked for as a stream", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const key = freshKey()
      const { id } = completionOf(yield* keyed(key))
      const asked = yield* calls(Effect.gen(function*() {
        const others = [
          yield* keyed(key, "Write about rye"),
          yield* keyed(key, streamed),
          yield* keyed(key, chatOf(story, { temperature: 0 })),
          yield* keyed(key, story, { "understudy-locale": "de" }),
          yield* keyed(key, story, { "cache-control": "stale-if-error=0" })
        ]
        for (const reply of others) {
          const error = chatErrorOf(reply, 422)
          assert.strictEqual(error.code, "idempotency_mismatch")
          assert.notInclude(error.message, key)
        }
        // The key is the caller's, whichever endpoint it asks.
        const sent = { headers: { "idempotency-key": key, "cache-control": "no-store" } }
        problemOf(yield* ask(url, story, sent), 422)
      }))
      assert.strictEqual(asked, 0)
      assert.strictEqual(completionOf(yield* keyed(key)).id, id)
    }))

  for (const [what, request] of [["a completion", story], ["a stream that has begun", streamed]] as const) {
    it.effect(`is 409 in OpenAI's shape while the first is under way: ${what}`, () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer
        const { mode, open } = gate(story)
        yield* provider.respondWithEach([mode])
        const before = provider.counts().received
        const key = freshKey()
        const first = yield* Effect.forkChild(keyed(key, request))
        yield* provider.until(({ received }) => received > before)
        const reply = yield* keyed(key, request)
        assert.strictEqual(chatErrorOf(reply, 409).code, "idempotency_conflict")
        assert.strictEqual(reply.headers["retry-after"], "1")
        assert.strictEqual(chatErrorOf(yield* keyed(key, "Write about rye"), 422).code, "idempotency_mismatch")
        open()
        const answered = yield* Fiber.join(first)
        const again = yield* keyed(key, request)
        assert.isTrue(isReplay(again))
        const idOf = (reply: Reply) => request === story ? completionOf(reply).id : chatStreamOf(reply).id
        assert.strictEqual(idOf(again), idOf(answered))
        assert.strictEqual(provider.counts().received, before + 1)
      }))
  }

  it.effect("may be sent again after a stream that was refused, unavailable, broken off or left", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const key = freshKey()
      yield* provider.respondWithEach([Mode.status(400), Mode.status(500), StreamMode.endAfter(2), gate().mode])
      assert.strictEqual(chatErrorOf(yield* keyed(key, streamed), 400).code, "request_refused")
      assert.strictEqual(chatErrorOf(yield* keyed(key, streamed), 503).code, "unavailable")
      const broken = yield* keyed(key, streamed)
      assert.match(broken.text, /"code":"stream_broken"\}\}\n\n$/)
      const before = provider.counts()
      const left = yield* Effect.forkChild(keyed(key, streamed))
      yield* provider.until(({ received }) => received > before.received)
      yield* Fiber.interrupt(left)
      yield* provider.until(({ aborted }) => aborted > before.aborted)
      const reply = yield* eventually(keyed(key, streamed), ({ status }) => status === 200, "the key is free")
      assert.isFalse(isReplay(reply))
      assert.strictEqual(chatStreamOf(reply).text, `Answer to: ${story}`)
    }))

  it.effect("needs a key that is one, and takes none when it is wrong otherwise", () =>
    Effect.gen(function*() {
      assert.strictEqual(chatErrorOf(yield* keyed("two words"), 400).param, "header.idempotency-key")
      const key = freshKey()
      chatErrorOf(yield* keyed(key, { messages: [] }), 400)
      assert.isFalse(isReplay(yield* keyed(key)))
    }))

  it.effect("goes for POST /generate as a stream alike", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const headers = { "idempotency-key": freshKey(), accept: "text/event-stream" }
      const [first, again] = [yield* ask(url, story, { headers }), yield* ask(url, story, { headers })]
      assert.deepStrictEqual([isReplay(first), isReplay(again)], [false, true])
      assert.deepStrictEqual(generateStreamOf(again), generateStreamOf(first))
    }))
})
