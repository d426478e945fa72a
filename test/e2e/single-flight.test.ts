/** The very same request at the same time asks the provider once, over real sockets. */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, type Asking, generationOf, metric, noStore, send } from "../support/http.ts"
import { Service } from "../support/service.ts"

const five = Array.from({ length: 5 })

/** So many at once, while the provider takes its time; how often it was asked. */
const atOnce = Effect.fnUntraced(function*(prompts: ReadonlyArray<string>, asking: Asking = {}) {
  const provider = yield* FaultServer
  const { url } = yield* Service
  yield* provider.respondWith(Mode.wait(300))
  const before = provider.counts().received
  const replies = yield* Effect.forEach(prompts, (prompt) => ask(url, prompt, asking), { concurrency: "unbounded" })
  return { answers: replies.map(generationOf), calls: provider.counts().received - before }
})

const chat = (url: string, prompt: string, stream: boolean) =>
  send(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "understudy", stream, messages: [{ role: "user", content: prompt }] })
  })

layer(Service.layer("openai"), { excludeTestServices: true, timeout: "60 seconds" })("five at the same time", (it) => {
  it.effect("get one answer of one call, each of them counted", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const [counted, shared] = yield* Effect.all([
        metric(url, "understudy_answers_total"),
        metric(url, "understudy_shared_calls_total")
      ])
      const { answers, calls } = yield* atOnce(five.map(() => "Write about tea"))
      assert.strictEqual(calls, 1)
      assert.strictEqual(new Set(answers.map(({ id }) => id)).size, 1)
      assert.strictEqual(yield* metric(url, "understudy_answers_total"), counted + 5)
      assert.strictEqual(yield* metric(url, "understudy_shared_calls_total"), shared + 4)
    }))

  it.effect("get one each when they ask for different things, or for no-store", () =>
    Effect.gen(function*() {
      const different = yield* atOnce(five.map((_, n) => `Write about tea number ${n}`))
      assert.strictEqual(different.calls, 5)
      const { answers, calls } = yield* atOnce(five.map(() => "Write about tea"), noStore)
      assert.strictEqual(calls, 5)
      assert.strictEqual(new Set(answers.map(({ id }) => id)).size, 5)
    }))

  it.effect("share conversations and streams, too", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { url } = yield* Service
      yield* provider.respondWith(Mode.wait(300))
      for (const stream of [false, true]) {
        const before = provider.counts().received
        const asked = yield* Effect.forEach(five, () => chat(url, "Write about coffee", stream), { concurrency: 5 })
        assert.strictEqual(provider.counts().received, before + 1)
        assert.strictEqual(new Set(asked.map(({ text }) => /"id":"(\w+)"/.exec(text)?.[1])).size, 1)
        for (const { status, text } of asked) {
          assert.strictEqual(status, 200)
          assert.strictEqual(text.endsWith("data: [DONE]\n\n"), stream)
        }
      }
    }))

  it.effect("go on when the first one leaves, and the last one to leave ends the call", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { url } = yield* Service
      const before = provider.counts()
      yield* provider.respondWith(Mode.wait(600))
      const first = yield* Effect.forkChild(ask(url, "Write about cake"))
      yield* provider.until(({ received }) => received === before.received + 1)
      const second = yield* Effect.forkChild(ask(url, "Write about cake"))
      yield* Effect.sleep("100 millis")
      yield* Fiber.interrupt(first)
      assert.strictEqual(generationOf(yield* Fiber.join(second)).source, "live")
      assert.strictEqual(provider.counts().received, before.received + 1)

      yield* provider.respondWith(Mode.hangBeforeHeaders)
      const both = [
        yield* Effect.forkChild(ask(url, "Write about rye")),
        yield* Effect.forkChild(ask(url, "Write about rye"))
      ]
      yield* provider.until(({ inFlight }) => inFlight === 1)
      yield* Fiber.interruptAll(both)
      const after = yield* provider.until(({ inFlight }) => inFlight === 0)
      assert.strictEqual(after.aborted, before.aborted + 1)
    }))
})
