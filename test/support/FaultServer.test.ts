import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { request } from "node:http"
import { FaultServer, Mode, StreamMode } from "./FaultServer.ts"

it.layer(FaultServer.layer)("FaultServer", (it) => {
  it.effect("echoes the prompt in both protocols", () =>
    Effect.gen(function*() {
      const server = yield* FaultServer
      const openAi = yield* post(`${server.openAiUrl}/chat/completions`, {
        model: "m1",
        messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Tea" }]
      })
      assert.strictEqual(openAi.status, 200)
      const answer = JSON.parse(openAi.text)
      assert.strictEqual(answer.choices[0].message.content, "Answer to: Tea")
      assert.strictEqual(answer.choices[0].finish_reason, "stop")
      assert.strictEqual(answer.model, "m1")
      assert.deepStrictEqual(answer.usage, { prompt_tokens: 7, completion_tokens: 11, total_tokens: 18 })
      const plain = yield* post(server.plainUrl, { prompt: "Tea", max_tokens: 5 })
      assert.deepStrictEqual(JSON.parse(plain.text), { text: "Answer to: Tea" })
    }))

  it.effect("streams to whoever asks for it, with the usage only when that is asked for too", () =>
    Effect.gen(function*() {
      const server = yield* FaultServer
      const url = `${server.openAiUrl}/chat/completions`
      const body = { model: "m1", messages: [{ role: "user", content: "Green tea" }], stream: true }
      const contents = (text: string) =>
        text.split("\n\n").filter((event) => event.startsWith("data: {")).map((event) => JSON.parse(event.slice(6)))
          .map(({ choices: [choice], usage }) => choice?.delta.content ?? choice?.finish_reason ?? usage?.total_tokens)
      const without = yield* post(url, body)
      assert.deepStrictEqual(contents(without.text), ["", "Answer ", "to: ", "Green ", "tea", "stop"])
      assert.isTrue(without.text.endsWith("data: [DONE]\n\n"))
      const usage = yield* post(url, { ...body, stream_options: { include_usage: true } })
      assert.deepStrictEqual(contents(usage.text), ["", "Answer ", "to: ", "Green ", "tea", "stop", 18])
      yield* server.respondWithEach([
        Mode.say("Two words"),
        Mode.finish("length"),
        Mode.missingFinish,
        Mode.status(503)
      ])
      assert.include(contents((yield* post(url, body)).text), "Two ")
      assert.include(contents((yield* post(url, body)).text), "length")
      assert.notInclude((yield* post(url, body)).text, "\"stop\"")
      assert.strictEqual((yield* post(url, body)).status, 503)
    }))

  it.effect("breaks a stream after as many words as it is told", () =>
    Effect.gen(function*() {
      const server = yield* FaultServer
      const url = `${server.openAiUrl}/chat/completions`
      const body = { messages: [{ role: "user", content: "Green tea" }], stream: true }
      yield* server.respondWithEach([StreamMode.endAfter(2), StreamMode.errorAfter(1), StreamMode.closeAfter(1)])
      const cut = yield* post(url, body)
      assert.include(cut.text, "to: ")
      assert.notInclude(cut.text, "Green")
      const failed = yield* post(url, body)
      assert.match(failed.text, /"Answer "[^]*"error"[^]*answers 500/)
      assert.strictEqual(yield* Effect.flip(post(url, body)), "ECONNRESET")
    }))

  it.effect("takes the queue first, then the standing mode, and a mode may look at the prompt", () =>
    Effect.gen(function*() {
      const server = yield* FaultServer
      yield* server.respondWith((call) => (call.prompt === "bad" ? Mode.status(400) : Mode.answer)(call))
      yield* server.respondWithEach([Mode.rateLimited("2"), Mode.wait(10)])
      const before = server.counts().received
      const first = yield* post(server.plainUrl, { prompt: "one" })
      assert.strictEqual(first.status, 429)
      assert.strictEqual(first.retryAfter, "2")
      assert.strictEqual((yield* post(server.plainUrl, { prompt: "two" })).status, 200)
      assert.strictEqual((yield* post(server.plainUrl, { prompt: "bad" })).status, 400)
      assert.strictEqual((yield* post(server.plainUrl, { prompt: "good" })).status, 200)
      assert.strictEqual(server.counts().received - before, 4)
      assert.strictEqual(server.counts().aborted, 0)
    }))

  it.effect("counts a client that goes away as aborted, and a connection that it broke itself not", () =>
    Effect.gen(function*() {
      const server = yield* FaultServer
      yield* server.respondWithEach([Mode.hangBeforeHeaders, Mode.resetBeforeHeaders])
      const client = request(server.plainUrl, { method: "POST" })
      client.on("error", () => {})
      client.end("{}")
      yield* server.until((counts) => counts.inFlight === 1)
      client.destroy()
      yield* server.until((counts) => counts.aborted === 1 && counts.inFlight === 0)
      assert.strictEqual(yield* Effect.flip(post(server.plainUrl, { prompt: "x" })), "ECONNRESET")
      yield* server.until((counts) => counts.inFlight === 0 && counts.openSockets === 0)
      assert.strictEqual(server.counts().aborted, 1)
    }))
})

interface Answer {
  readonly status: number | undefined
  readonly text: string
  readonly retryAfter: string | undefined
}

const post = (url: string, body: unknown) =>
  Effect.callback<Answer, string | undefined>((resume) => {
    const client = request(url, { method: "POST", agent: false }, (response) => {
      let text = ""
      response.on("data", (chunk) => (text += chunk))
      response.on("error", (error: NodeJS.ErrnoException) => resume(Effect.fail(error.code)))
      response.on("end", () =>
        resume(Effect.succeed({ status: response.statusCode, text, retryAfter: response.headers["retry-after"] })))
    })
    client.on("error", (error: NodeJS.ErrnoException) =>
      resume(Effect.fail(error.code)))
    client.end(JSON.stringify(body))
  })
