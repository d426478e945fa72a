/** Every row of the error table (DESIGN 3) through the whole service, over real sockets. */
import { assert, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import type { GenerateResponse } from "../../src/http/api/Generate.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, noStore, problemOf, send } from "../support/http.ts"
import { Service } from "../support/service.ts"

const env = {
  ATTEMPT_TIMEOUT: "400 millis",
  TOTAL_TIMEOUT: "2500 millis",
  // Every row tries again, all of them within a minute.
  RETRY_BUDGET: "1",
  RETRY_BASE_DELAY: "10 millis",
  // Over before the next row: an opening that is over still reads as open until somebody calls.
  BREAKER_COOLDOWN: "50 millis",
  BREAKER_WINDOW: "5 minutes"
}

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

interface Row {
  readonly what: string
  readonly mode: Mode
  readonly reason: NonNullable<GenerateResponse["fallback"]>["reason"]
  readonly attempts: 1 | 2
  /** Whether three such calls open the circuit. */
  readonly counts: boolean
}

const retried = (reason: Row["reason"]) => (what: string, mode: Mode): Row => ({
  what,
  mode,
  reason,
  attempts: 2,
  counts: true
})
const timeout = retried("timeout")
const unavailable = retried("unavailable")
const malformed = retried("malformed")
const unauthorized = (status: number): Row => ({
  what: `status ${status}`,
  mode: Mode.status(status),
  reason: "unauthorized",
  attempts: 1,
  counts: false
})

const ofEveryProtocol: ReadonlyArray<Row> = [
  malformed("a truncated JSON", Mode.truncatedJson),
  malformed("an empty object", Mode.emptyObject),
  malformed("a null text", Mode.nullText),
  malformed("a blank text", Mode.blankText),
  malformed("a text of the wrong type", Mode.wrongTypes),
  malformed("a 200 with an error object", Mode.errorObject)
]

const openAiRows: ReadonlyArray<Row> = [
  timeout("hanging before the headers", Mode.hangBeforeHeaders),
  timeout("hanging in the body", Mode.hangInBody),
  timeout("one byte every 100 ms", Mode.drip(100)),
  ...[408, 500, 502, 503, 504, 520, 529].map((status) => unavailable(`status ${status}`, Mode.status(status))),
  unavailable("a gateway's HTML with 502", Mode.htmlError(502)),
  unavailable("status 500 and half a body", Mode.hangInError),
  unavailable("a reset before the headers", Mode.resetBeforeHeaders),
  unavailable("a connection closed without a response", Mode.closeWithoutResponse),
  unavailable("something that is not HTTP", Mode.invalidHead),
  ...ofEveryProtocol,
  malformed("HTML", Mode.html),
  malformed("an empty body", Mode.empty),
  malformed("status 204", Mode.noContent),
  malformed("empty choices", Mode.emptyChoices),
  malformed("a missing finish", Mode.missingFinish),
  malformed("bytes that are no text", Mode.garbage),
  malformed("a reset after the headers", Mode.resetInBody),
  malformed("a body that stops in the middle", Mode.cutBody),
  malformed("a chunked body that stops in the middle", Mode.cutChunkedBody),
  malformed("a broken chunk", Mode.invalidChunk),
  malformed("a body beyond the size limit", Mode.endlessBody),
  malformed("a length beyond the size limit", Mode.hugeContentLength),
  unauthorized(401),
  unauthorized(403)
]

/** A closed circuit without failures, and no cooldown left of an earlier row. */
const healed = Effect.gen(function*() {
  const provider = yield* FaultServer
  const { url } = yield* Service
  yield* provider.respondWith(Mode.answer)
  yield* eventually(ask(url, "Are you there?", noStore), (reply) => generationOf(reply).source === "live", "it is live")
  assert.strictEqual(yield* circuit(url), "closed")
})

const circuit = (url: string) =>
  Effect.map(send(`${url}/health/ready`), ({ text }) => /"circuit":"(\w+)"/.exec(text)?.[1])

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

    const more = yield* Effect.all([ask(url, "Write about tea"), ask(url, "Write about cake")], { concurrency: 2 })
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

const titleOf = (row: Row) =>
  `${row.what}: a template for "${row.reason}" after ${row.attempts === 1 ? "one attempt" : "two attempts"}, ` +
  `${row.counts ? "and three such calls open" : "and no number of calls opens"} the circuit`

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
