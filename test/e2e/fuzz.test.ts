/** Whatever is sent to the endpoints that generate: a text, or an error in the words of its path. Never a 500. */
import { assert, layer } from "@effect/vitest"
import { Arbitrary, Duration, Effect, Schema } from "effect"
import { connect } from "node:net"
import { ChatCompletionRequest } from "../../src/http/api/Chat.ts"
import { GenerateRequest } from "../../src/http/api/Generate.ts"
import { chatErrorOf, completionOf, held } from "../support/answers.ts"
import { damaged, HeaderValue, JsonText, objectText } from "../support/hostile.ts"
import { send } from "../support/http.ts"
import { Service } from "../support/service.ts"

type Headers = Readonly<Record<string, string>>
const chat = "/v1/chat/completions"
const json = { "content-type": "application/json", "cache-control": "no-store" }
const events = { ...json, accept: "text/event-stream" }
const tea = { messages: [{ role: "user", content: "Tea" }] }

/** Of the parameters of a chat those that are read, and some that are passed on. */
const parameters: ReadonlyArray<string> = [
  "messages",
  "model",
  "stream",
  "stream_options",
  "max_tokens",
  "max_completion_tokens",
  "n",
  "tools",
  "tool_choice",
  "response_format",
  "modalities",
  "logprobs",
  "metadata",
  "stop",
  "house_style"
]

const names: ReadonlyArray<string> = [
  "idempotency-key",
  "cache-control",
  "accept",
  "understudy-content-type",
  "understudy-locale",
  "x-request-id",
  "authorization",
  "traceparent",
  "accept-encoding",
  "content-encoding",
  "x-forwarded-for"
]

const sent = Effect.fnUntraced(function*(path: string, body: string | Uint8Array, headers: Headers = json) {
  const { url } = yield* Service
  const reply = held(path, yield* send(`${url}${path}`, { method: "POST", headers, body }))
  assert.include([200, 400, 413, 415], reply.status, reply.text)
  return reply
})

const options = { excludeTestServices: true, timeout: "60 seconds" } as const
const env = { BREAKER_FAILURES: "1000000", MAX_ATTEMPTS: "1", LIMIT_CONCURRENCY: "64" }

layer(Service.layer("openai", env), options)("any request", (it) => {
  const streams = Schema.NullOr(Schema.Boolean)
  const runs = (count: number) => ({ arbitrary: { runs: count } })

  it.effect.prop(
    "that the schema of a chat allows is answered, whole and in pieces",
    [ChatCompletionRequest, streams],
    ([request, stream]) =>
      Effect.gen(function*() {
        const reply = yield* sent(chat, JSON.stringify({ ...request, callback_url: null, stream }))
        assert.strictEqual(reply.status, 200, reply.text)
        assert.strictEqual(/event-stream/.test(String(reply.headers["content-type"])), stream === true)
      }),
    runs(150)
  )

  it.effect.prop(
    "that the schema of POST /generate allows is answered in pieces",
    [GenerateRequest],
    ([request]) =>
      Effect.gen(function*() {
        const reply = yield* sent("/generate", JSON.stringify({ ...request, callback_url: null }), events)
        assert.strictEqual(reply.status, 200, reply.text)
        assert.match(String(reply.headers["content-type"]), /^text\/event-stream/)
      }),
    runs(60)
  )

  it.effect.prop(
    "with any JSON in the fields of a chat, known or not, some of them twice",
    [objectText(parameters), objectText(["role", "content", "name", "tool_calls", "tool_call_id", "refusal"]), streams],
    ([parameters, message, stream]) => {
      const messages = `[{"role":"system","content":"Be brief"},${message},{"role":"user","content":"Tea"}]`
      const last = `"messages":${messages},"stream":${stream ?? null}}`
      return sent(chat, parameters === "{}" ? `{${last}` : `${parameters.slice(0, -1)},${last}`)
    },
    runs(300)
  )

  it.effect.prop(
    "with any JSON for its messages, for one of them, or for its body",
    [JsonText, JsonText, Schema.Boolean],
    ([one, other, stream]) =>
      Effect.gen(function*() {
        yield* sent(chat, `{"stream":${stream},"messages":${one}}`)
        yield* sent(chat, `{"messages":[{"role":"user","content":${one}}],"tools":${other},"stream":${stream}}`)
        yield* sent(chat, `{"messages":[${one},${other}],"stream_options":${other}}`)
        yield* sent(chat, one)
        yield* sent("/generate", `{"prompt":${one},"max_tokens":${other}}`, events)
      }),
    runs(60)
  )

  it.effect.prop(
    "whose bytes are damaged, or no text at all, under any content type",
    [
      damaged(JSON.stringify({ ...tea, stream: true, tools: [{ type: "function", function: { name: "é😀" } }] })),
      Schema.Uint8Array,
      Schema.Literals([
        "application/json",
        "application/json; charset=utf-16",
        "text/event-stream",
        "",
        "a/b+json",
        "\t"
      ])
    ],
    ([bytes, noise, type]) =>
      Effect.gen(function*() {
        for (const path of [chat, "/generate"]) {
          yield* sent(path, bytes, events)
          yield* sent(path, noise, { ...events, "content-type": type })
          yield* sent(path, bytes, { "content-type": type, "transfer-encoding": "chunked" })
        }
      }),
    runs(60)
  )

  it.effect.prop(
    "whatever its headers say",
    [Arbitrary.all(names.map((name) => Arbitrary.map(HeaderValue, (value) => [name, value] as const)))],
    ([headers]) =>
      Effect.gen(function*() {
        const { url } = yield* Service
        for (
          const [path, body] of [[chat, { ...tea, stream: true }], [chat, tea], ["/generate", {
            prompt: "Tea"
          }]] as const
        ) {
          // Each of them alone too, for most of them together are one 400.
          for (const some of [headers, headers.slice(0, 1), headers.slice(1, 2), headers.slice(2)]) {
            const reply = yield* send(`${url}${path}`, {
              method: "POST",
              headers: { "content-type": "application/json", ...Object.fromEntries(some) },
              body: JSON.stringify(body)
            })
            held(path, reply)
            // With an Idempotency-Key that has been drawn before it is another request's.
            assert.include([200, 400, 422], reply.status, reply.text)
          }
        }
      }),
    runs(60)
  )

  it.effect.prop("below /v1/, with any path and method, has errors of OpenAI's shape", [
    Schema.String,
    Schema.Literals(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY"])
  ], ([text, method]) =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const path = text.replaceAll(/[^!-~]/g, "")
      for (const under of [`/v1/${path}`, "/v1/%zz", "/v1/models/", "/v1//chat/completions", `${chat}/${path}?a`]) {
        const reply = yield* send(`${url}${under}`, { method })
        if (reply.status !== 200) chatErrorOf(reply, reply.status)
        assert.include([200, 400, 404, 405], reply.status, `${method} ${under}`)
      }
    }), runs(40))

  it.effect("has them too where the router is lenient: with more slashes, or in capitals", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      for (const path of ["//v1/chat/completions", "/V1/chat/completions", "///v1/chat//completions"]) {
        const post = (body: object) =>
          send(`${url}${path}`, { method: "POST", headers: json, body: JSON.stringify(body) })
        assert.strictEqual(chatErrorOf(yield* post({ messages: [] }), 400).param, "messages")
        completionOf(yield* post(tea))
      }
    }))

  it.effect("of 20 MiB is refused or answered while others are served", () =>
    Effect.gen(function*() {
      const most = 20 * 1024 * 1024
      const filled = (unit: string, length = most - 1_000) =>
        `[${`${unit},`.repeat(Math.floor(length / (unit.length + 1)))}${unit}]`
      const start = `{"messages":[{"role":"user","content":"Tea"}],"x":`
      const bodies: ReadonlyArray<readonly [status: number, body: string]> = [
        [400, "[".repeat(most)],
        [400, "{\"a\":".repeat(most / 5)],
        [400, `${start}${"[".repeat(most / 2 - 100)}${"]".repeat(most / 2 - 100)}}`],
        [400, `${start}${filled("{}")}}`],
        [400, `{"messages":${filled("{}")}}`],
        [400, `{"messages":${filled("{\"role\":\"user\",\"content\":\"Tea\"}")}}`],
        [400, `{${"\"a\":1,".repeat(most / 6 - 100)}"b":1}`],
        [200, `${start}"${"\\ud800".repeat(most / 6 - 20)}"}`],
        [413, `${start}"${"x".repeat(most)}"}`]
      ]
      const { url } = yield* Service
      // From the middle of the body on.
      const health = Effect.timed(Effect.delay(send(`${url}/health/live`), "50 millis"))
      for (const [status, body] of bodies) {
        const [reply, [waited]] = yield* Effect.all([sent(chat, body), health], { concurrency: 2 })
        assert.isBelow(Duration.toMillis(waited), 5_000, body.slice(0, 80))
        assert.strictEqual(reply.status, status, `${body.slice(0, 80)}: ${reply.text.slice(0, 200)}`)
        assert.isBelow(reply.text.length, 20_000)
      }
      for (const prompt of ["[".repeat(900_000), filled("{}", 900_000)]) {
        assert.strictEqual((yield* sent("/generate", `{"prompt":${prompt}}`)).status, 400)
      }
    }), 60_000)

  it.effect("as 100,000 bytes of wrong values names some of them", () =>
    Effect.gen(function*() {
      const wrong = (count: number) => `{"messages":[${Array.from({ length: count }, () => "{}").join()}]}`
      for (const count of [20_000, 45_000]) {
        const reply = yield* sent(chat, wrong(count))
        assert.strictEqual(chatErrorOf(reply, 400).param, "messages.0.role")
        assert.isBelow(reply.text.length, 20_000)
      }
    }))

  it.effect("that lies about its length, or goes in broken chunks, gets a response all the same", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const body = JSON.stringify(tea)
      const raw = (head: string, rest: string) =>
        answerTo(url, `POST ${chat} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n${head}\r\n\r\n${rest}`)
      const chunked = "transfer-encoding: chunked"
      assert.match(yield* raw(`content-length: ${body.length}`, body), /^HTTP\/1\.1 200 /)
      assert.match(yield* raw(`content-length: ${body.length - 3}`, body), /^HTTP\/1\.1 400 /)
      assert.match(yield* raw(`content-length: -1`, body), /^HTTP\/1\.1 400 /)
      assert.match(yield* raw(`content-length: 5\r\ncontent-length: 6`, body), /^HTTP\/1\.1 400 /)
      assert.match(yield* raw(`content-length: ${body.length}\r\n${chunked}`, body), /^HTTP\/1\.1 400 /)
      assert.match(yield* raw("", ""), /^HTTP\/1\.1 400 [\s\S]*"error"/)
      const inChunks = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
      const pieces = [...body].map(inChunks).join("")
      assert.match(yield* raw(chunked, `${pieces}0\r\n\r\n`), /^HTTP\/1\.1 200 /)
      assert.match(yield* raw(chunked, `${inChunks(body.slice(0, 9))}zz\r\n`), /^HTTP\/1\.1 400 /)
      assert.match(yield* raw(`expect: 100-continue\r\ncontent-length: ${body.length}`, body), / 200 OK/)
    }))

  it.effect("has left no bug in the log", () =>
    Effect.gen(function*() {
      const { logs } = yield* Service
      assert.deepStrictEqual(logs().filter((line) => /level=(?:ERROR|FATAL)/.test(line)), [])
    }))
})

/** Everything that comes until the other side closes, or is silent for a second. */
const answerTo = (url: string, request: string) =>
  Effect.callback<string>((resume) => {
    const { hostname, port } = new URL(url)
    let seen = ""
    const done = () => {
      socket.destroy()
      resume(Effect.succeed(seen))
    }
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(request))
    socket.setTimeout(1_000, done)
    socket.on("data", (chunk) => (seen += chunk.toString("latin1")))
    socket.on("error", done)
    socket.on("close", done)
    return Effect.sync(() => socket.destroy())
  })
