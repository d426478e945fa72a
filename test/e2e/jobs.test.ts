/** Jobs over the real service: asked for, looked at, waited for and canceled. */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema } from "effect"
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { JobSummaryResponse } from "../../src/http/api/Job.ts"
import { askChat, chatErrorOf, chatOf, chatStreamOf, completionOf, generateStreamOf } from "../support/answers.ts"
import { freshDirectory } from "../support/databases.ts"
import { byHand } from "../support/eventStreams.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, generationOf, problemOf, send } from "../support/http.ts"
import { jobOf } from "../support/jobService.ts"
import {
  accepted,
  cancel,
  ended,
  type Headers,
  jobAt,
  jobUntil,
  prefer,
  submit,
  submitChat
} from "../support/jobsOverHttp.ts"
import { Service } from "../support/service.ts"

const keys = { alpha: "alpha-key-0001", beta: "beta-key-0001", few: "key-of-few-0001" }
const bearer = (who: keyof typeof keys): Headers => ({ authorization: `Bearer ${keys[who]}` })
const alpha = bearer("alpha")
const unshared: Headers = { ...alpha, "cache-control": "no-store" }

const TheService = Layer.unwrap(Effect.map(freshDirectory, (directory) => {
  const path = join(directory, "keys.json")
  const sha256 = createHash("sha256").update(keys.few).digest("hex")
  writeFileSync(path, JSON.stringify([{ namespace: "few", sha256, requests_per_minute: 2 }]))
  return Service.layer("openai", {
    API_KEYS: `alpha:${keys.alpha},beta:${keys.beta}`,
    API_KEYS_FILE: path,
    MAX_ATTEMPTS: "1",
    BREAKER_FAILURES: "100000",
    TEMPLATES_DIR: "none",
    JOB_WORKERS: "1"
  })
}))

/** An answer without what is of its own moment. */
const timeless = (answer: object | null) => ({ ...answer, id: "", created: 0 })

const decodePage = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ jobs: Schema.Array(JobSummaryResponse), next: Schema.NullOr(Schema.String) })),
  { onExcessProperty: "error" }
)

layer(TheService, { excludeTestServices: true, timeout: "60 seconds" })("a job", (it) => {
  it.effect("ends with the very answer that POST /generate would have given", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const request = { prompt: "Write about rye", max_tokens: 77, model: "other" }
      const job = yield* submit(url, request, unshared)
      const done = yield* ended(url, job.id, alpha)
      assert.deepInclude(done, { status: "succeeded", attempts: 1, error: null, callback: null, upgrade_of: null })
      const answer = generationOf(yield* ask(url, request, { headers: unshared }))
      assert.deepEqual(timeless(done.result), timeless(answer))
      assert.strictEqual(answer.source, "live")
      const { calls } = yield* FaultServer
      const [one, other] = calls().slice(-2)
      assert.deepEqual(one?.body, other?.body, "the provider sees no difference")
    }))

  it.effect("of a chat is passed on as it came, and the provider sees nothing of what is ours", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const { calls, respondWithEach } = yield* FaultServer
      const tool = { type: "function", function: { name: "look", parameters: { type: "object", properties: {} } } }
      const message = {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "call_1", type: "function", function: { name: "look", arguments: "{}" } }]
      }
      const choice = { index: 0, message, finish_reason: "tool_calls" }
      const callsTool: Mode = (call) =>
        call.json(200, { id: "c", object: "chat.completion", created: 1, model: "m", choices: [choice], odd: [1] })
      yield* respondWithEach([callsTool, callsTool])
      const request = chatOf("Look it up", { tools: [tool], tool_choice: "auto", unheard_of: { a: [1, null] } })
      const job = yield* submitChat(url, { ...request, upgrade: true }, unshared)
      const done = yield* ended(url, job.id, alpha)
      const completion = completionOf(yield* askChat(url, request, unshared))
      assert.strictEqual(done.status, "succeeded")
      assert.deepEqual(timeless(done.result), timeless(completion))
      assert.deepInclude(completion.choices[0], { finish_reason: "tool_calls" })
      const [one, other] = calls().slice(-2)
      assert.deepEqual(one?.body, { ...request, model: "fault-model" })
      assert.deepEqual(other?.body, one?.body)
      const names = calls().flatMap(({ headers }) => Object.keys(headers))
      assert.notInclude(names, "prefer")
      assert.notMatch(JSON.stringify(calls().map(({ body }) => body)), /callback_url|"upgrade"/)
    }))

  it.effect("that ends within wait=N is answered as usual, whole or in pieces, else it is 202", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const { counts, respondWithEach } = yield* FaultServer
      const waits = { ...unshared, ...prefer("wait=10") }
      const whole = yield* ask(url, "Write about tea", { headers: waits })
      assert.strictEqual(generationOf(whole).source, "live")
      assert.strictEqual(whole.headers["preference-applied"], "wait=10")
      const chat = yield* askChat(url, "Write about tea", waits)
      assert.strictEqual(completionOf(chat).understudy.source, "live")
      const pieces = yield* ask(url, "Write about tea", { headers: { ...waits, accept: "text/event-stream" } })
      assert.strictEqual(generateStreamOf(pieces).text, "Answer to: Write about tea")
      const chunks = chatStreamOf(yield* askChat(url, chatOf("Write about tea", { stream: true }), waits))
      assert.strictEqual(chunks.text, "Answer to: Write about tea")

      yield* respondWithEach([Mode.wait(1_500)])
      const before = counts().received
      const late = accepted(
        yield* askChat(url, chatOf("Write late", { stream: true }), { ...unshared, ...prefer("wait=1") })
      )
      assert.strictEqual(late.status, "running")
      assert.strictEqual((yield* ended(url, late.id, alpha)).status, "succeeded")
      assert.strictEqual(counts().received, before + 1)
    }))

  it.effect("that is refused in time says so in the words of its endpoint, and later too", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const { respondWithEach } = yield* FaultServer
      yield* respondWithEach([Mode.status(400), Mode.status(404), Mode.status(413), Mode.status(400)])
      const waits = { ...unshared, ...prefer("wait=10") }
      const reply = yield* ask(url, "Write something bad", { headers: waits })
      assert.strictEqual(problemOf(reply, 422).provider_status, 400)
      assert.strictEqual(reply.headers["preference-applied"], "wait=10")
      assert.strictEqual(chatErrorOf(yield* askChat(url, "Write worse", waits), 404).code, "request_refused")
      const streamed = yield* ask(url, "Write much", { headers: { ...waits, accept: "text/event-stream" } })
      assert.strictEqual(problemOf(streamed, 422).provider_status, 413)
      const done = yield* ended(url, (yield* submitChat(url, "Write worst", unshared)).id, alpha)
      assert.deepInclude(done, { status: "failed", result: null, attempts: 1 })
      assert.propertyVal(done.error, "code", "request_refused")
    }))

  it.effect("is canceled while it waits its turn, while it runs, and while it waits for the provider", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const { counts, respondWithEach, until } = yield* FaultServer
      yield* respondWithEach([Mode.hangBeforeHeaders, Mode.status(500)])
      const before = counts()
      const running = yield* submit(url, "Write for ever", unshared)
      yield* until(({ received }) => received > before.received)
      const queued = yield* submit(url, "Write never", unshared)
      const last = yield* submit(url, "Write sometime", unshared)
      assert.deepStrictEqual([queued.status, queued.position], ["queued", 0])
      assert.deepStrictEqual([last.status, last.position], ["queued", 1])
      assert.strictEqual((yield* cancel(url, queued.id, alpha)).status, "canceled")
      assert.strictEqual((yield* cancel(url, running.id, alpha)).status, "canceled")
      yield* until(({ aborted }) => aborted > before.aborted)

      const waiting = yield* jobUntil(url, last.id, ({ status }) => status === "waiting", "waits", alpha)
      assert.deepInclude(waiting, { waiting_for: "unavailable", attempts: 1 })
      assert.isNotNull(waiting.next_try_at)
      const canceled = yield* cancel(url, last.id, alpha)
      assert.deepInclude(canceled, { status: "canceled", waiting_for: null, next_try_at: null, result: null })
      assert.deepEqual(yield* cancel(url, last.id, alpha), canceled, "it stays as it is")
      const sent = counts().received
      assert.strictEqual(sent, before.received + 2, "what was queued is never asked for")
      // Whoever waits for one that is canceled is told so.
      yield* respondWithEach([Mode.hangBeforeHeaders])
      const asker = yield* Effect.forkChild(ask(url, "Wait", { headers: { ...unshared, ...prefer("wait=20") } }))
      yield* until(({ received }) => received > sent)
      const { jobs: [under] } = decodePage((yield* send(`${url}/jobs?status=running`, { headers: alpha })).text)
      yield* cancel(url, under?.id ?? "", alpha)
      assert.strictEqual(accepted(yield* Fiber.join(asker)).status, "canceled")
    }))

  it.effect("tells in events how it goes, and has nothing more to say to who has seen its end", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const { respondWithEach } = yield* FaultServer
      yield* respondWithEach([Mode.wait(300)])
      const { id } = yield* submit(url, "Write in a moment", unshared)
      const reply = yield* send(`${url}/jobs/${id}/events`, { headers: alpha })
      assert.strictEqual(reply.status, 200)
      assert.match(String(reply.headers["content-type"]), /^text\/event-stream/)
      const events = byHand()(reply.text)
      const shown = events.filter(({ event }) => event === "job").map(({ data }) =>
        jobOf({
          status: 200,
          text: data,
          headers: {
            "content-type": "application/json",
            "cache-control": "no-store",
            ...!/"ended_at":"/.test(data) && { "retry-after": "2" }
          }
        })
      )
      assert.deepEqual(shown.at(-1), yield* jobAt(url, id, alpha))
      assert.isAtLeast(shown.length, 2)
      assert.deepEqual(events.at(-1), { event: "done", data: JSON.stringify({ id, status: "succeeded" }) })
      const version = reply.text.match(/^id: (\d+)$/gm)?.at(-1)?.slice(4) ?? ""
      const again = (last: string) => send(`${url}/jobs/${id}/events`, { headers: { ...alpha, "last-event-id": last } })
      assert.deepInclude(yield* again(version), { status: 204, text: "" })
      assert.match((yield* again("1")).text, /event: done/)
    }))

  it.effect("is listed for its namespace page by page, and is nowhere to be seen from another one", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const { respondWithEach } = yield* FaultServer
      const beta = bearer("beta")
      yield* respondWithEach([Mode.answer, Mode.status(400), Mode.answer])
      const ids: Array<string> = []
      for (const prompt of ["One", "Two", "Three"]) {
        const { id } = yield* submit(url, prompt, beta)
        yield* ended(url, id, beta)
        ids.unshift(id)
      }
      const list = (query: string, headers: Headers = beta) =>
        Effect.map(send(`${url}/jobs${query}`, { headers }), ({ text }) => decodePage(text))
      const namesOf = (page: ReturnType<typeof decodePage>) => page.jobs.map(({ id }) => id)
      const first = yield* list("?limit=2")
      assert.deepStrictEqual(namesOf(first), ids.slice(0, 2))
      const second = yield* list(`?limit=2&cursor=${first.next}`)
      assert.deepStrictEqual([namesOf(second), second.next], [ids.slice(2), null])
      assert.deepStrictEqual(namesOf(yield* list("?status=failed")), ids.slice(1, 2))
      assert.deepStrictEqual(namesOf(yield* list("?callback=failed")), [])
      assert.notIncludeMembers(namesOf(yield* list("?limit=100", alpha)), ids)

      const [id = ""] = ids
      for (const [method, path] of [["GET", ""], ["DELETE", ""], ["GET", "/events"], ["POST", "/callback"]] as const) {
        const to = (name: string) => send(`${url}/jobs/${name}${path}`, { method, headers: alpha })
        const [others, nobodys] = [yield* to(id), yield* to("job_none")]
        problemOf(others, 404)
        assert.strictEqual(others.text, nobodys.text)
        problemOf(yield* send(`${url}/jobs/${id}${path}`, { method }), 401)
      }
      problemOf(yield* send(`${url}/jobs`), 401)
      assert.strictEqual((yield* jobAt(url, id, beta)).status, "succeeded")
    }))

  it.effect("counts for the minute of its key as any request does", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const few = bearer("few")
      yield* submit(url, "One", few)
      yield* submitChat(url, "Two", few)
      const third = yield* ask(url, "Three", { headers: { ...few, ...prefer("respond-async") } })
      problemOf(third, 429)
      assert.isAtLeast(Number(third.headers["retry-after"]), 40)
      const { jobs } = decodePage((yield* send(`${url}/jobs`, { headers: few })).text)
      assert.lengthOf(jobs, 2, "and looking at them does not count")
      yield* Effect.forEach(jobs, ({ id }) => ended(url, id, few))
    }))
})
