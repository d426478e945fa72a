import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { request } from "node:http"
import { FaultServer, Mode } from "./FaultServer.ts"

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
      response.on("end", () =>
        resume(Effect.succeed({ status: response.statusCode, text, retryAfter: response.headers["retry-after"] })))
    })
    client.on("error", (error: NodeJS.ErrnoException) =>
      resume(Effect.fail(error.code)))
    client.end(JSON.stringify(body))
  })
