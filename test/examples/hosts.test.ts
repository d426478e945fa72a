/** The examples for hosts without Effect, as processes over real sockets, with a provider that misbehaves. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { runExample, startExample } from "../support/examples.ts"
import { FaultServer, Mode, StreamMode } from "../support/FaultServer.ts"

const started = Effect.fnUntraced(function*(name: string) {
  const provider = yield* FaultServer
  const { openAiUrl } = provider
  const host = yield* startExample(name, { AI_BASE_URL: openAiUrl, AI_API_KEY: "key-0123456789", AI_MODEL: "m" })
  const post = (body: object, init: RequestInit & { readonly path?: string } = {}) =>
    fetch(`${host.url}${init.path ?? "/draft"}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      ...init
    })
  return { ...host, post }
})

const statusOf = (response: Response) => ({
  status: response.status,
  source: response.headers.get("understudy-source")
})

/** Leaves once the provider has been asked, and waits until the provider has seen its own caller leave. */
const leaving = Effect.fnUntraced(function*(ask: (signal: AbortSignal) => Promise<unknown>) {
  const provider = yield* FaultServer
  const { aborted, received } = provider.counts()
  const client = yield* Effect.forkChild(Effect.tryPromise(ask))
  yield* provider.until((counts) => counts.received > received)
  yield* Fiber.interrupt(client)
  yield* provider.until((counts) => counts.aborted === aborted + 1)
})

for (const name of ["express.ts", "fastify.ts"]) {
  describe(`examples/${name}`, { timeout: 90_000 }, () => {
    it.live("answers with the source, maps what is left to fail, and ends the call of a client that leaves", () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer
        const { output, post, stop } = yield* started(name)
        const prompt = "Write a blog post about tea"
        const live = yield* Effect.promise(() => post({ prompt }))
        assert.deepStrictEqual(statusOf(live), { status: 200, source: "live" })
        const body = yield* Effect.promise(() => live.json())
        assert.deepStrictEqual(body, { source: "live", text: `Answer to: ${prompt}` })
        assert.strictEqual((yield* Effect.promise(() => post({}))).status, 400)

        yield* provider.respondWith(Mode.wait(60_000))
        yield* leaving((signal) => post({ prompt: "Write about one who leaves" }, { signal }))

        yield* provider.respondWith(Mode.status(422))
        assert.strictEqual((yield* Effect.promise(() => post({ prompt: "Write about engines" }))).status, 422)
        yield* provider.respondWith(Mode.status(500))
        const cached = yield* Effect.promise(() => post({ prompt }))
        assert.deepStrictEqual(statusOf(cached), { status: 200, source: "cache" })
        const none = yield* Effect.promise(() => post({ prompt: "Explain gluons to a dentist" }))
        assert.strictEqual(none.status, 503)
        assert.isAtLeast(Number(none.headers.get("retry-after")), 1)

        assert.strictEqual(yield* stop, 0)
        assert.notInclude(output(), "Error")
      }).pipe(Effect.scoped, Effect.provide(FaultServer.layer)))
  })
}

describe("examples/express.ts", { timeout: 90_000 }, () => {
  it.live("streams, says by a broken connection that a text is cut, and ends the call of a reader that leaves", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { post } = yield* started("express.ts")
      const path = "/draft/stream"
      const prompt = "Write a blog post about tea"
      const whole = yield* Effect.promise(() => post({ prompt }, { path }))
      assert.deepStrictEqual(statusOf(whole), { status: 200, source: "live" })
      assert.strictEqual(yield* Effect.promise(() => whole.text()), `Answer to: ${prompt}`)

      yield* provider.respondWith(StreamMode.endAfter(3))
      const cut = yield* Effect.promise(() => post({ prompt: "Write about a cut in the line" }, { path }))
      assert.strictEqual(yield* Effect.promise(() => cut.text().then(() => "whole", () => "cut")), "cut")

      yield* provider.respondWith(StreamMode.slow(100))
      yield* leaving((signal) =>
        post({ prompt: "Write about one who reads on" }, { path, signal }).then((r) => r.text())
      )
      yield* provider.respondWith(Mode.status(422))
      assert.strictEqual((yield* Effect.promise(() => post({ prompt: "Write of engines" }, { path }))).status, 422)
    }).pipe(Effect.scoped, Effect.provide(FaultServer.layer)))
})

describe("examples/next-route.ts and examples/runtime.ts", { timeout: 90_000 }, () => {
  it.live("answer with the source, and with a status that tells what is wrong", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const env = { AI_BASE_URL: provider.openAiUrl, AI_API_KEY: "key-0123456789", AI_MODEL: "m" }
      const live = yield* runExample("next-route.ts", env)
      assert.include(live.output, "200 live\n")
      assert.include(live.output, "Answer to: Write about tea")
      assert.include((yield* runExample("runtime.ts")).output, "\"understudy-source\": \"live\"")
      yield* provider.respondWith(Mode.status(500))
      assert.include((yield* runExample("next-route.ts", env)).output, "503 null")
    }).pipe(Effect.provide(FaultServer.layer)))
})
