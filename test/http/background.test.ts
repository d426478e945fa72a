/** What the endpoints that generate make of wishes for the background. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { GenerationId, Namespace } from "../../src/domain/Generation.ts"
import { JobId } from "../../src/domain/jobs/JobId.ts"
import { chatErrorOf, completionOf } from "../support/answers.ts"
import { eventually, generationOf, problemOf } from "../support/http.ts"
import { answered, type Call, jobOf, live, refused, serveJobs, unanswered } from "../support/jobService.ts"
import { fails, finds } from "../support/scripted.ts"
import { chatForm, generateForm } from "../support/streams.ts"

const tea = { prompt: "Write about tea" }
const chatTea = { messages: [{ role: "user", content: "Write about tea" }] }
const prefer = (text: string) => ({ prefer: text })
const chat = "/v1/chat/completions"

/** A request that waits, and the job that it has become. */
const waiting = Effect.fnUntraced(
  function*(path: string, call: Call, service: Effect.Success<ReturnType<typeof serveJobs>>) {
    const asking = yield* Effect.forkChild(service.call(path, call))
    yield* eventually(Effect.sync(() => service.jobs.watchers()), (count) => count === 1, "the job is followed")
    return asking
  }
)

describe("a request that prefers to be answered later", () => {
  it.live("is a job at once, and no provider is asked meanwhile", () =>
    Effect.gen(function*() {
      const { call, jobs, seen } = yield* serveJobs()
      for (const [path, body, form] of [["/generate", tea, "generate"], [chat, chatTea, "chat"]] as const) {
        const reply = yield* call(path, { body, headers: prefer("respond-async") })
        const job = jobOf(reply, 202)
        assert.strictEqual(reply.headers.location, `/jobs/${job.id}`)
        assert.strictEqual(reply.headers["preference-applied"], "respond-async")
        assert.deepInclude(job, {
          status: "queued",
          position: 0,
          attempts: 0,
          result: null,
          error: null,
          callback: null
        })
        assert.deepStrictEqual(jobOf(yield* call(reply.headers.location ?? "")), job)
        const submission = jobs.submissions.at(-1)
        assert.deepInclude(submission, { form, callbackUrl: undefined })
        const asked = { namespace: Namespace.make("alpha"), prompt: "Write about tea", remember: true }
        assert.deepInclude(submission?.request, asked)
      }
      assert.strictEqual(seen.calls, 0)
    }))

  it.live("keeps its other wishes, and is a job in pieces too", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* serveJobs()
      const headers = {
        prefer: "respond-async, upgrade",
        accept: "text/event-stream",
        "cache-control": "no-store, stale-if-error=5"
      }
      const body = { ...tea, max_tokens: 7, content_type: "blog_post", callback_url: "https://cms.example/done" }
      const reply = yield* call("/generate", { body, headers })
      assert.strictEqual(reply.headers["preference-applied"], "respond-async")
      assert.deepStrictEqual(jobOf(reply, 202).callback, {
        url: "https://cms.example/done",
        status: "pending",
        attempts: 0,
        last_error: null
      })
      assert.strictEqual(jobs.submissions[0]?.callbackUrl, "https://cms.example/done")
      assert.isUndefined(jobs.submissions[0]?.upgradeOf)
      assert.deepInclude(jobs.submissions[0]?.request, {
        maxTokens: 7,
        contentType: "blog_post",
        maxAgeMillis: 5_000,
        remember: false
      })
    }))

  it.live("is answered at once when no job is to be had, and the log says why", () =>
    Effect.gen(function*() {
      const { call, jobs, logs } = yield* serveJobs()
      yield* jobs.become("away")
      for (const wish of ["respond-async", "wait=5"]) {
        const reply = yield* call("/generate", { body: tea, headers: prefer(wish) })
        assert.strictEqual(generationOf(reply).source, "live")
        assert.isUndefined(reply.headers["preference-applied"])
      }
      assert.lengthOf(logs().filter((line) => line.includes("no job is to be had")), 2)
    }))

  it.live("hears that its namespace has too many, in the words of its endpoint", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* serveJobs()
      yield* jobs.become("full")
      const reply = yield* call("/generate", { body: tea, headers: prefer("respond-async") })
      const problem = problemOf(reply, 429)
      assert.match(problem.detail, /^At most 2 jobs/)
      assert.strictEqual(reply.headers["retry-after"], String(problem.retry_after))
      const other = yield* call(chat, { body: chatTea, headers: prefer("wait=3") })
      assert.strictEqual(chatErrorOf(other, 429).code, "rate_limit_exceeded")
      assert.isDefined(other.headers["retry-after"])
    }))

  it.live("of more than 2 MiB is told so, and an upgrade of it is none", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* serveJobs({ script: [fails], find: finds() })
      const long = { messages: [{ role: "user", content: "Write about tea" }], metadata: { x: "x".repeat(2_100_000) } }
      const refused = yield* call(chat, { body: long, headers: prefer("respond-async") })
      assert.match(chatErrorOf(refused, 413).message, /^In the background send at most 2097152/)
      const answer = yield* call(chat, { body: long, headers: prefer("upgrade") })
      assert.deepInclude(completionOf(answer).understudy, { source: "cache", upgrade: null })
      assert.lengthOf(jobs.submissions, 0)
    }))

  it.live("has its callback sent where it was looked at, whatever the text was", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* serveJobs()
      const body = { ...tea, callback_url: "https://CMS.example:443/done\u0000" }
      jobOf(yield* call("/generate", { body, headers: prefer("respond-async") }), 202)
      assert.strictEqual(jobs.submissions[0]?.callbackUrl, "https://cms.example/done")
    }))

  it.live("whose preference we do not know is answered as ever", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* serveJobs()
      const reply = yield* call("/generate", { body: tea, headers: prefer("return=minimal, wait=soon") })
      assert.strictEqual(generationOf(reply).source, "live")
      assert.lengthOf(jobs.submissions, 0)
    }))
})

describe("a request that waits", () => {
  it.live("is answered as usual by a job that ends in time", () =>
    Effect.gen(function*() {
      const service = yield* serveJobs()
      const whole = yield* waiting("/generate", { body: tea, headers: prefer("respond-async, wait=15") }, service)
      yield* service.jobs.change("job_1", { status: "running", position: undefined })
      yield* service.jobs.end("job_1", answered)
      const reply = yield* Fiber.join(whole)
      assert.deepInclude(generationOf(reply), { id: live.id, text: live.text, source: "live", upgrade: null })
      assert.strictEqual(reply.headers["preference-applied"], "wait=15")

      const asChat = yield* waiting(chat, { body: chatTea, headers: prefer("wait=15") }, service)
      yield* service.jobs.end("job_2", answered)
      const completion = completionOf(yield* Fiber.join(asChat))
      assert.deepInclude(completion, { id: live.id })
      assert.strictEqual(service.seen.calls, 0)
      const [job] = (yield* service.jobs.all).slice(-1)
      assert.strictEqual(completion.created, Math.floor((job?.endedAt ?? 0) / 1_000))
      assert.deepEqual(jobOf(yield* service.call("/jobs/job_2")).result, completion)
    }))

  it.live("in pieces gets them, the call of a tool too", () =>
    Effect.gen(function*() {
      const service = yield* serveJobs()
      for (const form of [generateForm, chatForm]) {
        const [path, headers, body] = form.asking("Write about tea")
        const asking = yield* waiting(path, { body, headers: { ...headers, ...prefer("wait=15") } }, service)
        const id = `job_${service.jobs.submissions.length}`
        yield* service.jobs.end(id, answered)
        const reply = yield* Fiber.join(asking)
        assert.deepInclude(form.read(reply), { text: live.text, isDone: true })
        assert.strictEqual(reply.headers["preference-applied"], "wait=15")
      }
      const calls = [{ id: "call_1", type: "function", function: { name: "look", arguments: "{}" } }]
      const asking = yield* waiting(chat, { body: { ...chatTea, stream: true }, headers: prefer("wait=15") }, service)
      yield* service.jobs.end("job_3", {
        _tag: "Answered",
        generation: {
          ...live,
          text: "",
          finishReason: "tool_calls",
          native: {
            completion: {
              object: "chat.completion",
              model: "m-1",
              choices: [{
                index: 0,
                message: { role: "assistant", content: null, tool_calls: calls },
                finish_reason: "tool_calls"
              }]
            }
          }
        }
      })
      const { text } = yield* Fiber.join(asking)
      assert.match(text, /"tool_calls":\[\{"index":0,"id":"call_1"/)
      assert.match(text, /"finish_reason":"tool_calls"[^]*data: \[DONE\]\n\n$/)
    }))

  it.live("hears the same problem that it would have heard without a job", () =>
    Effect.gen(function*() {
      const service = yield* serveJobs()
      const fails = Effect.fnUntraced(function*(path: string, body: object, outcome: typeof refused) {
        const asking = yield* waiting(path, { body, headers: prefer("wait=15") }, service)
        yield* service.jobs.end(`job_${service.jobs.submissions.length}`, outcome)
        const reply = yield* Fiber.join(asking)
        assert.strictEqual(reply.headers["preference-applied"], "wait=15")
        return reply
      })
      const problem = problemOf(yield* fails("/generate", tea, refused), 422)
      assert.deepInclude(problem, { detail: "against our policy", provider: "scripted", provider_status: 400 })
      const nothing = yield* fails("/generate", tea, unanswered)
      assert.include(problemOf(nothing, 503).detail, "circuit_open")
      assert.isDefined(nothing.headers["retry-after"])
      assert.deepInclude(chatErrorOf(yield* fails(chat, chatTea, refused), 400), { code: "request_refused" })
      assert.deepInclude(chatErrorOf(yield* fails(chat, chatTea, unanswered), 503), { code: "unavailable" })
      const { error } = jobOf(yield* service.call("/jobs/job_1"))
      assert.deepEqual(error, JSON.parse(JSON.stringify(problem)))
      assert.deepEqual(jobOf(yield* service.call("/jobs/job_3")).error, {
        message: "against our policy",
        type: "invalid_request_error",
        param: null,
        code: "request_refused"
      })
    }))

  it.live("gets the job when its time is up, or at once with none, or when it was canceled", () =>
    Effect.gen(function*() {
      const service = yield* serveJobs()
      for (const seconds of [0, 1]) {
        const reply = yield* service.call("/generate", { body: tea, headers: prefer(`wait=${seconds}`) })
        assert.strictEqual(jobOf(reply, 202).status, "queued")
        assert.strictEqual(reply.headers["preference-applied"], `wait=${seconds}`)
      }
      assert.strictEqual(service.jobs.watchers(), 0)
      const asking = yield* waiting("/generate", { body: tea, headers: prefer("respond-async,wait=900") }, service)
      yield* service.call("/jobs/job_3", { method: "DELETE" })
      const reply = yield* Fiber.join(asking)
      assert.strictEqual(jobOf(reply, 202).status, "canceled")
      // No longer than the service waits for anybody.
      assert.strictEqual(reply.headers["preference-applied"], "respond-async, wait=20")
    }))

  it.live("and goes away leaves its job behind", () =>
    Effect.gen(function*() {
      const service = yield* serveJobs()
      const asking = yield* waiting("/generate", { body: tea, headers: prefer("wait=15") }, service)
      yield* Fiber.interrupt(asking)
      yield* eventually(Effect.sync(() => service.jobs.watchers()), (count) => count === 0, "nobody follows it")
      assert.strictEqual(jobOf(yield* service.call("/jobs/job_1")).status, "queued")
    }))
})

describe("the same request again", () => {
  const key = { "idempotency-key": "key-0001" }

  it.live("is the same job, and says so", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* serveJobs()
      const ask = call("/generate", { body: tea, headers: { ...key, ...prefer("respond-async") } })
      const first = yield* ask
      assert.isUndefined(first.headers["idempotent-replayed"])
      const again = yield* ask
      assert.deepStrictEqual(jobOf(again, 202), jobOf(first, 202))
      assert.strictEqual(again.headers["idempotent-replayed"], "true")
      assert.lengthOf(jobs.submissions, 1)
      // Another preference is another request.
      problemOf(yield* call("/generate", { body: tea, headers: { ...key, ...prefer("wait=1") } }), 422)
      problemOf(yield* call("/generate", { body: tea, headers: key }), 422)
    }))

  it.live("waits for the same job, and gets its answer", () =>
    Effect.gen(function*() {
      const service = yield* serveJobs()
      const call = { body: tea, headers: { ...key, ...prefer("wait=1") } }
      jobOf(yield* service.call("/generate", call), 202)
      yield* service.jobs.end("job_1", answered)
      const again = yield* service.call("/generate", call)
      assert.strictEqual(generationOf(again).id, live.id)
      assert.strictEqual(again.headers["idempotent-replayed"], "true")
      assert.lengthOf(service.jobs.submissions, 1)
    }))

  it.live("is a new job once the first one is forgotten, and neither while nobody can tell", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* serveJobs()
      const ask = call("/generate", { body: tea, headers: { ...key, ...prefer("respond-async") } })
      yield* ask
      yield* jobs.become("away")
      assert.strictEqual(problemOf(yield* ask, 503).type, "urn:understudy:problem:database-unavailable")
      yield* jobs.become("well")
      yield* jobs.forget("job_1")
      const other = yield* ask
      assert.strictEqual(jobOf(other, 202).id, "job_2")
      assert.isUndefined(other.headers["idempotent-replayed"])
      assert.strictEqual(jobOf(yield* ask, 202).id, "job_2")
    }))

  it.live("gets the very answer that was given in place of a job, in either form", () =>
    Effect.gen(function*() {
      const { call, jobs, seen } = yield* serveJobs()
      yield* jobs.become("away")
      const whole = call("/generate", { body: tea, headers: { ...key, ...prefer("respond-async") } })
      const { id } = generationOf(yield* whole)
      const pieces = call(chat, {
        body: { ...chatTea, stream: true },
        headers: { "idempotency-key": "key-0002", ...prefer("respond-async") }
      })
      const read = chatForm.read(yield* pieces)
      yield* jobs.become("well")
      const again = yield* whole
      assert.strictEqual(generationOf(again).id, id)
      assert.strictEqual(again.headers["idempotent-replayed"], "true")
      assert.deepStrictEqual(chatForm.read(yield* pieces), read)
      assert.strictEqual(seen.calls, 2)
      assert.lengthOf(jobs.submissions, 0)
    }))

  it.live("names the job that follows its fallback", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* serveJobs({ script: [fails], find: finds() })
      for (const [path, body] of [["/generate", tea], [chat, { ...chatTea, stream: true }]] as const) {
        const ask = call(path, { body: { ...body, upgrade: true }, headers: { "idempotency-key": path } })
        const [first, again] = [yield* ask, yield* ask]
        assert.strictEqual(again.headers["idempotent-replayed"], "true")
        assert.isDefined(first.headers["understudy-upgrade"])
        assert.strictEqual(again.headers["understudy-upgrade"], first.headers["understudy-upgrade"])
        assert.include(again.text, `"upgrade":{"job":"job_${jobs.submissions.length}"`)
      }
      assert.lengthOf(jobs.submissions, 2)
    }))
})

describe("an upgrade", () => {
  const ways = [
    { headers: prefer("upgrade"), more: {}, applied: "upgrade" },
    { headers: {}, more: { upgrade: true, callback_url: "https://cms.example/live" }, applied: undefined }
  ]

  for (const { applied, headers, more } of ways) {
    it.live(`of a fallback is a job that the answer names: ${JSON.stringify({ ...headers, ...more })}`, () =>
      Effect.gen(function*() {
        const { call, jobs } = yield* serveJobs({ script: [fails], find: finds() })
        const expected = (n: number) => ({ job: JobId.make(`job_${n}`), location: `/jobs/job_${n}` })

        const whole = yield* call("/generate", { body: { ...tea, ...more }, headers })
        assert.deepInclude(generationOf(whole), { source: "cache", upgrade: expected(1) })
        const completion = yield* call(chat, { body: { ...chatTea, ...more }, headers })
        assert.deepStrictEqual(completionOf(completion).understudy.upgrade, expected(2))
        const replies = [whole, completion]
        for (const form of [generateForm, chatForm]) {
          const [path, own, body] = form.asking("Write about tea")
          const reply = yield* call(path, { body: { ...body, ...more }, headers: { ...own, ...headers } })
          const { isDone, provenance } = form.read(reply)
          assert.deepStrictEqual([isDone, provenance.upgrade], [true, expected(replies.push(reply))])
        }
        for (const [n, reply] of replies.entries()) {
          assert.strictEqual(reply.headers["understudy-upgrade"], `/jobs/job_${n + 1}`)
          assert.strictEqual(reply.headers["preference-applied"], applied)
          assert.deepInclude(jobs.submissions[n], {
            form: n % 2 === 0 ? "generate" : "chat",
            upgradeOf: GenerationId.make("gen_earlier"),
            callbackUrl: more.callback_url
          })
          assert.notProperty(jobs.submissions[n]?.request.chat?.body ?? {}, "upgrade")
          assert.notProperty(jobs.submissions[n]?.request.chat?.body ?? {}, "callback_url")
        }
      }))
  }

  it.live("of a live answer is none", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* serveJobs()
      for (const [path, body] of [["/generate", tea], [chat, chatTea]] as const) {
        const more = { upgrade: true, callback_url: "https://cms.example/live" }
        const reply = yield* call(path, { body: { ...body, ...more }, headers: prefer("upgrade") })
        assert.strictEqual(reply.headers["understudy-source"], "live")
        assert.include(reply.text, "\"upgrade\":null")
        assert.isUndefined(reply.headers["understudy-upgrade"])
        assert.isUndefined(reply.headers["preference-applied"])
      }
      assert.lengthOf(jobs.submissions, 0)
    }))

  it.live("that is not to be had keeps nobody from the fallback", () =>
    Effect.gen(function*() {
      const { call, jobs, logs } = yield* serveJobs({ script: [fails], find: finds() })
      for (const state of ["away", "full"] as const) {
        yield* jobs.become(state)
        const reply = yield* call("/generate", { body: tea, headers: prefer("upgrade") })
        assert.deepInclude(generationOf(reply), { source: "cache", upgrade: null })
        assert.isUndefined(reply.headers["preference-applied"])
      }
      assert.lengthOf(logs().filter((line) => line.includes("not followed by a live one")), 2)
    }))
})

describe("a wish that is wrong", () => {
  it.live("is named, in the words of its endpoint", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* serveJobs()
      const cases: ReadonlyArray<readonly [more: object, prefers: string, path: string, message: RegExp]> = [
        [{ callback_url: 7 }, "respond-async", "callback_url", /string/],
        [{ callback_url: "" }, "respond-async", "callback_url", /URL/],
        [{ callback_url: "http://cms.example" }, "respond-async", "callback_url", /not from alpha: use https/],
        [
          { callback_url: "https://cms.example" },
          "return=minimal",
          "callback_url",
          /respond-async.*wait=N.*upgrade: true/
        ],
        [{ callback_url: "https://cms.example", upgrade: false }, "wait=soon", "callback_url", /respond-async/],
        [{ upgrade: "yes" }, "respond-async", "upgrade", /boolean/]
      ]
      for (const [more, prefers, field, message] of cases) {
        const problem = problemOf(
          yield* call("/generate", { body: { ...tea, ...more }, headers: prefer(prefers) }),
          400
        )
        assert.deepStrictEqual(problem.errors?.map(({ path }) => path), [`body.${field}`])
        assert.match(problem.detail, message)
        const error = chatErrorOf(yield* call(chat, { body: { ...chatTea, ...more }, headers: prefer(prefers) }), 400)
        assert.strictEqual(error.param, field)
      }
      assert.lengthOf(jobs.submissions, 0)
    }))

  it.live("may be null, which is none", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* serveJobs()
      const nulls = { callback_url: null, upgrade: null }
      assert.strictEqual(generationOf(yield* call("/generate", { body: { ...tea, ...nulls } })).source, "live")
      assert.strictEqual(completionOf(yield* call(chat, { body: { ...chatTea, ...nulls } })).understudy.source, "live")
      assert.lengthOf(jobs.submissions, 0)
    }))
})
