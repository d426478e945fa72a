/** Every row of the error table (DESIGN 3) for answers in pieces, through the whole service, over real sockets. */
import { assert, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { circuit, env, healed, openAiRows, type Row, titleOf } from "../support/errorRows.ts"
import { type Call, FaultServer, Mode, StreamMode } from "../support/FaultServer.ts"
import { eventually, load, metric, noStore, problemOf, remembered } from "../support/http.ts"
import { Service } from "../support/service.ts"
import { askStream, chatForm, generateForm, openStream, type StreamForm } from "../support/streams.ts"

const streamEnv = { ...env, FIRST_TOKEN_TIMEOUT: "700 millis", STALL_TIMEOUT: "300 millis" }
const live = { excludeTestServices: true, timeout: "60 seconds" } as const
const forms = [chatForm, generateForm]

const timeout = (what: string, mode: Mode): Row => ({ what, mode, reason: "timeout", attempts: 2, counts: true })
const malformed = (what: string, mode: Mode): Row => ({ ...timeout(what, mode), reason: "malformed" })

/** Whatever happens before there is anything to show: as if the answer had been asked for as a whole. */
const beforeTheFirstPiece: ReadonlyArray<Row> = [
  ...openAiRows.filter(({ breaksOff }) => breaksOff !== true),
  timeout("nothing after the chunk with the role", StreamMode.stallBeforeFirstToken),
  timeout("nothing but comments", StreamMode.onlyComments(50)),
  malformed("a connection closed before the first piece", StreamMode.closeAfter(0)),
  malformed("a reset before the first piece", StreamMode.resetAfter(0)),
  malformed("a cut in the first piece", StreamMode.cutChunkAfter(0)),
  malformed("an end before the first piece", StreamMode.endAfter(0)),
  malformed("an end without any event", StreamMode.events()),
  malformed("nothing but [DONE]", StreamMode.events("[DONE]")),
  malformed("an error instead of the first piece", StreamMode.errorFirst),
  malformed("an event that is no JSON at first", StreamMode.garbageAfter(0)),
  malformed("wrong types at first", StreamMode.wrongTypesAfter(0)),
  malformed("bytes that are not UTF-8 at first", StreamMode.invalidUtf8After(0)),
  malformed("an event without an end", StreamMode.endlessEvent)
]

/** Comments, but nothing to show any more. */
const onlyCommentsAfter = (k: number): Mode => (call: Call) => {
  StreamMode.stallAfter(k)(call)
  const next = (): void => {
    call.write(": still here\n\n")
    call.after(50, next)
  }
  next()
}

interface Break {
  readonly what: string
  readonly mode: Mode
  /** What the user is told. */
  readonly why: RegExp
}

const stalls = /did not answer within 300\s?ms/
const afterTheFirstPiece: ReadonlyArray<Break> = [
  { what: "silence", mode: StreamMode.stallAfter(2), why: stalls },
  { what: "silence but for comments", mode: onlyCommentsAfter(2), why: stalls },
  { what: "a closed connection", mode: StreamMode.closeAfter(2), why: /broke off/ },
  { what: "a reset", mode: StreamMode.resetAfter(2), why: /broke off/ },
  { what: "a cut in the middle of a line", mode: StreamMode.cutChunkAfter(2), why: /broke off/ },
  { what: "an end in the middle", mode: StreamMode.endAfter(2), why: /finish_reason/ },
  { what: "[DONE] without a finish_reason", mode: StreamMode.withoutFinish, why: /finish_reason/ },
  { what: "an error in the middle", mode: StreamMode.errorAfter(2), why: /the fault server answers 500/ },
  { what: "an event that is no JSON", mode: StreamMode.garbageAfter(2), why: /no JSON/ },
  { what: "wrong types in the middle", mode: StreamMode.wrongTypesAfter(2), why: /no text/ },
  { what: "bytes that are not UTF-8", mode: StreamMode.invalidUtf8After(2), why: /UTF-8/ },
  ...openAiRows.filter(({ breaksOff }) => breaksOff === true).map(({ mode, reason, what }) => ({
    what,
    mode,
    why: reason === "timeout" ? stalls : /./
  }))
]

/** One call in pieces, and how many requests the provider has seen of it. */
const measured = Effect.fnUntraced(function*(form: StreamForm, prompt: string) {
  const provider = yield* FaultServer
  const { url } = yield* Service
  const before = provider.counts().received
  const begin = yield* Clock.currentTimeMillis
  const reply = yield* askStream(url, form, prompt)
  const millis = (yield* Clock.currentTimeMillis) - begin
  return { reply, millis, received: provider.counts().received - before }
})

/** Permits, and connections that would keep one of the pool busy. */
const everythingIsBack = (earlier: number) =>
  Effect.gen(function*() {
    const provider = yield* FaultServer
    const { url } = yield* Service
    yield* eventually(load(url), ({ running, waiting }) => running + waiting === 0, "no permit is held", "2 seconds")
    yield* eventually(
      Effect.sync(() => provider.calls().slice(earlier).filter(({ open }) => open).length),
      (open) => open === 0,
      "the provider's calls are over",
      "2 seconds"
    )
  })

const callsSoFar = Effect.map(FaultServer, (provider) => provider.calls().length)

const holds = (form: StreamForm, row: Row) =>
  Effect.gen(function*() {
    const provider = yield* FaultServer
    const { logs, url } = yield* Service
    yield* healed
    yield* provider.respondWith(row.mode)
    const logged = logs().length
    const earlier = yield* callsSoFar
    const { millis, received, reply } = yield* measured(form, "Write about tea")
    const { isDone, provenance: { attempts, fallback, source }, text } = form.read(reply)
    assert.deepStrictEqual(
      { source, reason: fallback?.reason, attempts, received, isDone },
      { source: "template", reason: row.reason, attempts: row.attempts, received: row.attempts, isDone: true }
    )
    assert.match(text, /\S/)
    assert.isBelow(millis, 2_500)
    assert.strictEqual(yield* circuit(url), "closed", "one failed call opens nothing, however many attempts it had")
    const loud = logs().slice(logged).filter((line) => line.includes("level=Error") || line.includes("level=ERROR"))
    assert.strictEqual(loud.some((line) => line.includes("AI_API_KEY")), row.reason === "unauthorized", loud.join("\n"))

    const more = yield* Effect.forEach(["tea", "cake"], (what) => askStream(url, form, `Write about ${what}`))
    for (const reply of more) assert.strictEqual(form.read(reply).provenance.fallback?.reason, row.reason)
    assert.strictEqual(yield* circuit(url), row.counts ? "open" : "closed")
    yield* everythingIsBack(earlier)
  })

const breaksOff = (form: StreamForm, { mode, why }: Break) =>
  Effect.gen(function*() {
    const provider = yield* FaultServer
    const { url } = yield* Service
    yield* healed
    yield* provider.respondWith(mode)
    const earlier = yield* callsSoFar
    const stored = yield* metric(url, "understudy_cache_remembered_total")

    const isCut = (reply: Parameters<StreamForm["read"]>[0], prompt: string) => {
      const { broken, isDone, provenance, text } = form.read(reply)
      assert.deepStrictEqual([provenance.source, provenance.attempts, isDone], ["live", 1, false])
      assert.match(text, /\S/)
      assert.isTrue(`Answer to: ${prompt}`.startsWith(text), text)
      assert.match(broken ?? "", why)
      assert.match(broken ?? "", /What has arrived is not the whole answer/)
    }
    const { millis, received, reply } = yield* measured(form, "Write about tea")
    isCut(reply, "Write about tea")
    assert.strictEqual(received, 1, "nobody tries again what the user has seen a part of")
    assert.isBelow(millis, 2_000)
    assert.strictEqual(yield* circuit(url), "closed", "one is not enough")
    const more = ["Write about cake", "Write about milk"]
    const replies = yield* Effect.forEach(more, (prompt) => askStream(url, form, prompt), { concurrency: 2 })
    replies.forEach((reply, n) => isCut(reply, more[n] ?? ""))
    assert.strictEqual(yield* circuit(url), "open", "three are")
    yield* everythingIsBack(earlier)

    // The provider is down: what is shown is a template, and not the beginning of an answer.
    yield* provider.respondWith(Mode.status(503))
    const later = form.read(yield* askStream(url, form, "Write about tea"))
    assert.strictEqual(later.provenance.source, "template")
    assert.strictEqual(yield* metric(url, "understudy_cache_remembered_total"), stored)
  })

/** Of the other form the rows that differ in more than the writing. */
const essential = new Set([
  "hanging before the headers",
  "status 503",
  "a null text",
  "status 401",
  "silence",
  "a reset"
])

layer(Service.layer("openai", streamEnv), live)("an answer in pieces", (it) => {
  for (const row of beforeTheFirstPiece) {
    for (const form of forms) {
      if (form === chatForm || essential.has(row.what)) {
        it.effect(`${form.name}: ${titleOf(row)}`, () => holds(form, row))
      }
    }
  }

  for (const status of [400, 404, 413, 422]) {
    it.effect(`status ${status} is told as an error, after one attempt, and proves that the provider lives`, () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer
        const { url } = yield* Service
        yield* healed
        for (let n = 0; n < 3; n++) {
          // Two failures before and after: without the proof of life between them the circuit would open.
          yield* provider.respondWith(Mode.emptyObject)
          yield* Effect.forEach(["tea", "cake"], (what) => askStream(url, chatForm, `Write about ${what}`), {
            concurrency: 2
          })
          yield* provider.respondWith(Mode.status(status))
          const { received, reply } = yield* measured(chatForm, "Write about tea")
          assert.deepStrictEqual([reply.status, received], [status, 1])
          assert.match(reply.text, /"code":"request_refused"/)
          assert.match(reply.text, /the fault server answers 4\d\d/)
          const problem = problemOf(yield* askStream(url, generateForm, "Write about tea"), 422)
          assert.strictEqual(problem.provider_status, status)
        }
        assert.strictEqual(yield* circuit(url), "closed")
      }))
  }

  it.effect("a failure that the second attempt rescues is live, and never opens the circuit", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { url } = yield* Service
      yield* healed
      for (const mode of [Mode.status(500), Mode.html, StreamMode.resetAfter(0), StreamMode.stallBeforeFirstToken]) {
        yield* provider.respondWithEach([mode])
        const reply = yield* askStream(url, chatForm, "Write about tea", noStore.headers)
        const { isDone, provenance: { attempts, source }, text } = chatForm.read(reply)
        assert.deepStrictEqual([source, attempts, text, isDone], ["live", 2, "Answer to: Write about tea", true])
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
      yield* Effect.forEach([1, 2, 3], (n) => askStream(url, chatForm, `Write about tea ${n}`), { concurrency: 3 })
      for (const form of forms) {
        const { millis, received, reply } = yield* measured(form, "Write about tea")
        const { isDone, provenance: { attempts, fallback } } = form.read(reply)
        assert.deepStrictEqual([fallback?.reason, attempts, received, isDone], ["circuit_open", 0, 0, true])
        assert.isBelow(millis, 1_000)
      }
    }))

  it.effect("429: a second attempt after a Retry-After that fits, a template at once for one that does not", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { url } = yield* Service
      yield* healed
      yield* provider.respondWithEach([Mode.rateLimited("1")])
      const begin = yield* Clock.currentTimeMillis
      const waited = chatForm.read(yield* askStream(url, chatForm, "Write about tea", noStore.headers))
      assert.isAtLeast((yield* Clock.currentTimeMillis) - begin, 990)
      assert.deepStrictEqual([waited.provenance.source, waited.provenance.attempts], ["live", 2])

      yield* provider.respondWith(Mode.rateLimited("3"))
      const first = yield* measured(chatForm, "Write about tea")
      const told = chatForm.read(first.reply).provenance
      assert.deepStrictEqual([told.fallback?.reason, told.attempts, first.received], ["rate_limited", 1, 1])
      yield* provider.respondWith(Mode.answer)
      const second = yield* measured(generateForm, "Write about tea")
      const waits = generateForm.read(second.reply).provenance
      assert.deepStrictEqual([waits.fallback?.reason, waits.attempts, second.received], ["rate_limited", 0, 0])
      assert.isBelow(first.millis + second.millis, 1_000)
      assert.strictEqual(yield* circuit(url), "closed")
      yield* healed
    }))

  for (const row of afterTheFirstPiece) {
    for (const form of forms) {
      if (form === chatForm || essential.has(row.what)) {
        it.effect(
          `${form.name}: ${row.what} is told, never mended nor remembered, and three such calls open the circuit`,
          () => breaksOff(form, row)
        )
      }
    }
  }
})

/** Characters of one to four bytes, a combining one, and what JSON and event streams could trip over. */
const prompt = (name: string) => `Schreib über ${name}: 茶 🍵 e\u0301 ‮\u2028 "\\" data: [DONE] ☕`

const proper: ReadonlyArray<readonly [what: string, mode: Mode]> = [
  ["a plain stream", Mode.answer],
  ["a slow one, longer than an attempt may take", StreamMode.slow(50)],
  ["one that comes byte by byte", StreamMode.byteByByte],
  ["lines with CRLF", StreamMode.crlf],
  ["comments, names and retry times", StreamMode.withComments],
  ["data on several lines", StreamMode.multiLine],
  ["reasoning before the text", StreamMode.reasoning(3)],
  ["more after [DONE], and no end", StreamMode.openAfterDone],
  ["an end long after [DONE]", StreamMode.endLateAfterDone(300)],
  ["a whole answer although a stream was asked for", StreamMode.jsonInstead]
]

layer(Service.layer("openai", streamEnv), live)("a proper stream", (it) => {
  for (const form of forms) {
    for (const [what, mode] of proper) {
      it.effect(`${form.name}: ${what}: every character arrives, and stands in when the provider is down`, () =>
        Effect.gen(function*() {
          const provider = yield* FaultServer
          const { url } = yield* Service
          yield* healed
          const stored = yield* metric(url, "understudy_cache_remembered_total")
          const asked = prompt(`${what} (${form.name})`)
          yield* provider.respondWith(mode)
          const earlier = yield* callsSoFar
          const answer = form.read(yield* askStream(url, form, asked))
          assert.deepStrictEqual(
            [answer.text, answer.isDone, answer.provenance.source],
            [`Answer to: ${asked}`, true, "live"]
          )
          yield* remembered(url, stored)
          yield* everythingIsBack(earlier)

          yield* provider.respondWith(Mode.status(503))
          for (const form of forms) {
            const { isDone, provenance: { fallback, source }, text } = form.read(yield* askStream(url, form, asked))
            assert.deepStrictEqual([source, fallback?.match, text, isDone], ["cache", "exact", answer.text, true])
          }
        }))
    }

    it.effect(`${form.name}: all of a text but no [DONE] is shown whole, and not remembered`, () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer
        const { url } = yield* Service
        yield* healed
        const stored = yield* metric(url, "understudy_cache_remembered_total")
        yield* provider.respondWith(StreamMode.withoutDone)
        const { isDone, text } = form.read(yield* askStream(url, form, "Quelle heure est-il"))
        assert.deepStrictEqual([text, isDone], ["Answer to: Quelle heure est-il", true])
        yield* provider.respondWith(Mode.status(503))
        const later = form.read(yield* askStream(url, form, "Quelle heure est-il"))
        assert.strictEqual(later.provenance.source, "template")
        assert.strictEqual(yield* metric(url, "understudy_cache_remembered_total"), stored)
      }))

    for (const [what, mode] of [["slow", StreamMode.slow(100)], ["endless", StreamMode.endless(1024)]] as const) {
      it.effect(`${form.name}: who leaves in the middle of a ${what} stream ends the provider's call, and no more`, () =>
        Effect.gen(function*() {
          const provider = yield* FaultServer
          const { url } = yield* Service
          yield* healed
          yield* provider.respondWith(mode)
          const earlier = yield* callsSoFar
          const before = provider.counts()
          // One more than open the circuit.
          for (let n = 1; n <= 4; n++) {
            const { leave, response } = yield* openStream(url, form, prompt(`${what} ${n}, left`))
            yield* Effect.promise(() => new Promise((resolve) => response.once("data", resolve)))
            leave()
            const after = yield* provider.until(({ inFlight }) => inFlight === before.inFlight)
            assert.deepStrictEqual([after.aborted - before.aborted, after.received - before.received], [n, n])
          }
          yield* everythingIsBack(earlier)
          assert.strictEqual(yield* circuit(url), "closed")
          yield* healed
        }).pipe(Effect.scoped))
    }
  }
})
