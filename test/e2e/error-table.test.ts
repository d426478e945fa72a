/** Every row of the error table (DESIGN 3) through the whole service, over real sockets. */
import { assert, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { circuit, env, healed, ofEveryProtocol, openAiRows, type Row, titleOf } from "../support/errorRows.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, problemOf } from "../support/http.ts"
import { Service } from "../support/service.ts"

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

/** One call, and how many requests the provider has seen of it. */
const measured = Effect.fnUntraced(function*(prompt: string) {
  const provider = yield* FaultServer
  const { url } = yield* Service
  const before = provider.counts().received
  const begin = yield* Clock.currentTimeMillis
  const reply = yield* ask(url, prompt)
  const millis = (yield* Clock.currentTimeMillis) - begin
  return { reply, millis, received: provider.counts().received - before }
})

const holds = (row: Row) =>
  Effect.gen(function*() {
    const provider = yield* FaultServer
    const { logs, url } = yield* Service
    yield* healed
    yield* provider.respondWith(row.mode)
    const logged = logs().length
    const earlier = provider.calls().length
    const { millis, received, reply } = yield* measured("Write about tea")
    const { attempts, fallback, source } = generationOf(reply)
    assert.deepStrictEqual(
      { source, reason: fallback?.reason, attempts, received },
      { source: "template", reason: row.reason, attempts: row.attempts, received: row.attempts }
    )
    assert.isBelow(millis, 2_500)
    assert.strictEqual(yield* circuit(url), "closed", "one failed call opens nothing, however many attempts it had")
    const loud = logs().slice(logged).filter((line) => line.includes("level=Error") || line.includes("level=ERROR"))
    assert.strictEqual(loud.some((line) => line.includes("AI_API_KEY")), row.reason === "unauthorized", loud.join("\n"))

    const more = yield* Effect.all([ask(url, "Write about tea"), ask(url, "Write about cake")])
    for (const reply of more) assert.strictEqual(generationOf(reply).fallback?.reason, row.reason)
    assert.strictEqual(yield* circuit(url), row.counts ? "open" : "closed")
    // Whatever hung, dripped or never ended is hung up on: it would keep a connection of the pool busy.
    yield* eventually(
      Effect.sync(() => provider.calls().slice(earlier).filter(({ open }) => open).length),
      (open) => open === 0,
      "the provider's calls are over",
      "2 seconds"
    )
  })

const refusedByProvider = (
  what: string,
  mode: Mode,
  expected: { readonly status: number; readonly detail: RegExp }
) => ({
  title:
    `${what} is told to the user as 422, after one attempt, without a fallback, and proves that the provider lives`,
  test: Effect.gen(function*() {
    const provider = yield* FaultServer
    const { url } = yield* Service
    yield* healed
    for (let n = 0; n < 3; n++) {
      // Two failures before and after: without the proof of life between them the circuit would open.
      yield* provider.respondWith(Mode.emptyObject)
      yield* Effect.all([ask(url, "Write about tea"), ask(url, "Write about cake")], { concurrency: 2 })
      yield* provider.respondWith(mode)
      const { received, reply } = yield* measured("Write about tea")
      const problem = problemOf(reply, 422)
      assert.strictEqual(problem.provider_status, expected.status)
      assert.match(problem.detail, expected.detail)
      assert.strictEqual(received, 1)
      assert.isUndefined(reply.headers["understudy-source"])
    }
    assert.strictEqual(yield* circuit(url), "closed")
  })
})

layer(Service.layer("openai", env), live)("an OpenAI provider", (it) => {
  for (const row of openAiRows) it.effect(titleOf(row), () => holds(row))

  for (
    const { test, title } of [
      ...[400, 404, 413, 422].map((status) =>
        refusedByProvider(`status ${status}`, Mode.status(status), { status, detail: /the fault server answers 4\d\d/ })
      ),
      refusedByProvider("an answer stopped by the content filter", Mode.finish("content_filter"), {
        status: 200,
        detail: /content filter/
      })
    ]
  ) it.effect(title, () => test)

  it.effect("an answer cut at max_tokens is an answer", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      yield* healed
      yield* provider.respondWith(Mode.finish("length"))
      const { received, reply } = yield* measured("Write about tea")
      assert.deepStrictEqual([generationOf(reply).source, received], ["live", 1])
    }))

  it.effect("a failure that the second attempt rescues is live, and never opens the circuit", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { url } = yield* Service
      yield* healed
      for (const mode of [Mode.status(500), Mode.html, Mode.resetBeforeHeaders, Mode.hangInBody]) {
        yield* provider.respondWithEach([mode])
        const { received, reply } = yield* measured("Write about tea")
        const { attempts, source } = generationOf(reply)
        assert.deepStrictEqual({ source, attempts, received }, { source: "live", attempts: 2, received: 2 })
      }
      assert.strictEqual(yield* circuit(url), "closed")
    }))

  it.effect("an open circuit answers at once with a template, and the provider hears nothing", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { url } = yield* Service
      yield* healed
      // The circuit stays open as long as the provider asks for.
      yield* provider.respondWith(Mode.status(503, { "retry-after": "2" }))
      yield* Effect.forEach([1, 2, 3], (n) => ask(url, `Write about tea ${n}`), { concurrency: 3 })
      assert.strictEqual(yield* circuit(url), "open")
      const { millis, received, reply } = yield* measured("Write about tea")
      const { attempts, fallback } = generationOf(reply)
      assert.deepStrictEqual([fallback?.reason, attempts, received], ["circuit_open", 0, 0])
      assert.isBelow(millis, 1_000)
    }))

  it.effect("429 without Retry-After: a second attempt after the cooldown, and never a reason to open the circuit", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { url } = yield* Service
      yield* healed
      yield* provider.respondWith(Mode.rateLimited())
      const first = yield* measured("Write about tea")
      assert.deepInclude(generationOf(first.reply), { attempts: 2 })
      assert.strictEqual(generationOf(first.reply).fallback?.reason, "rate_limited")
      assert.isAtLeast(first.millis, 900)
      assert.strictEqual(yield* circuit(url), "closed")
    }))

  it.effect("429 with a Retry-After that fits: the second attempt comes after it and is live", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      yield* healed
      yield* provider.respondWithEach([Mode.rateLimited("1")])
      const { millis, received, reply } = yield* measured("Write about tea")
      const { attempts, source } = generationOf(reply)
      assert.deepStrictEqual([source, attempts, received], ["live", 2, 2])
      assert.isAtLeast(millis, 990)
    }))

  it.effect("429 with a Retry-After that does not fit: a template at once, and nobody else asks before the time", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { url } = yield* Service
      yield* healed
      yield* provider.respondWith(Mode.rateLimited("3"))
      const first = yield* measured("Write about tea")
      const told = generationOf(first.reply)
      assert.deepStrictEqual([told.fallback?.reason, told.attempts, first.received], ["rate_limited", 1, 1])
      assert.isBelow(first.millis, 1_000)
      yield* provider.respondWith(Mode.answer)
      const second = yield* measured("Write about tea")
      const waits = generationOf(second.reply)
      assert.deepStrictEqual([waits.fallback?.reason, waits.attempts, second.received], ["rate_limited", 0, 0])
      assert.isBelow(second.millis, 1_000)
      assert.strictEqual(yield* circuit(url), "closed")
      yield* healed
    }))
})

layer(Service.layer("plain", env), live)("a plain provider", (it) => {
  for (const row of ofEveryProtocol) it.effect(titleOf(row), () => holds(row))

  const { test, title } = refusedByProvider("status 400", Mode.status(400), { status: 400, detail: /answers 400/ })
  it.effect(title, () => test)

  it.effect("a text is all that an answer needs", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      yield* healed
      yield* provider.respondWith(Mode.missingFinish)
      const { received, reply } = yield* measured("Write about tea")
      const { source, text, usage } = generationOf(reply)
      assert.deepStrictEqual([source, text, usage, received], ["live", "Answer to: Write about tea", null, 1])
    }))
})
