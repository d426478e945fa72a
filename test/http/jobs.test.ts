/** The endpoints of jobs, as a client sees them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { JobId } from "../../src/domain/jobs/JobId.ts"
import { JobSummaryResponse } from "../../src/http/api/Job.ts"
import { byHand } from "../support/eventStreams.ts"
import { eventually, problemOf, type Reply } from "../support/http.ts"
import { answered, type Call, jobOf, live, serveJobs } from "../support/jobService.ts"

/** A service with jobs in it, as many as there are bodies. */
const withJobs = Effect.fnUntraced(function*(bodies: ReadonlyArray<object> = [{}], who: Call["who"] = "alpha") {
  const service = yield* serveJobs()
  for (const body of bodies) {
    const prefer = { prefer: "respond-async" }
    jobOf(yield* service.call("/generate", { body: { prompt: "Tea", ...body }, headers: prefer, who }), 202)
  }
  return service
})

const decodePage = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({ jobs: Schema.Array(JobSummaryResponse), next: Schema.NullOr(Schema.String) })
  ),
  { onExcessProperty: "error" }
)
const pageOf = (reply: Reply) => {
  assert.strictEqual(reply.status, 200, reply.text)
  assert.strictEqual(reply.headers["cache-control"], "no-store")
  const { jobs, next } = decodePage(reply.text)
  return { ids: jobs.map(({ id }) => id), next }
}

/** All whole events, with their ids, and without the comments. */
const eventsOf = ({ headers, text }: Reply) => {
  assert.match(headers["content-type"] ?? "", /^text\/event-stream\b/)
  assert.strictEqual(headers["cache-control"], "no-store")
  const ids = [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id)
  return byHand()(text).map(({ data, event }, n) => ({ event, id: ids[n], data: Status(data) }))
}
const Status = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ id: Schema.String, status: Schema.String }))
)

const callback = { callback_url: "https://cms.example/done" }

describe("a job", () => {
  it.live("says how far it is, in times that can be read", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* withJobs()
      yield* jobs.change("job_1", {
        status: "waiting",
        position: undefined,
        attempts: 2,
        waitingFor: "circuit_open",
        startedAt: 1_760_000_000_000,
        nextTryAt: Date.UTC(2000, 0)
      })
      const reply = yield* call("/jobs/job_1")
      assert.deepInclude(jobOf(reply), {
        status: "waiting",
        position: null,
        attempts: 2,
        waiting_for: "circuit_open",
        started_at: "2025-10-09T08:53:20.000Z",
        next_try_at: "2000-01-01T00:00:00.000Z",
        ended_at: null,
        expires_at: null,
        upgrade_of: null
      })
      assert.strictEqual(reply.headers["retry-after"], "2")
      yield* jobs.change("job_1", { nextTryAt: Date.UTC(3000, 0) })
      assert.strictEqual((yield* call("/jobs/job_1")).headers["retry-after"], "60")
      yield* jobs.end("job_1", answered)
      const { error, result, status } = jobOf(yield* call("/jobs/job_1"))
      assert.deepStrictEqual([status, error], ["succeeded", null])
      assert.deepInclude(result, { id: live.id, text: live.text, source: "live", fallback: null, upgrade: null })
    }))

  it.live("of another namespace is one and the same 404 as that of nobody, and stays as it is", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* withJobs([callback])
      yield* jobs.change("job_1", {
        callback: { url: callback.callback_url, status: "failed", attempts: 9, lastError: "status 500" }
      })
      const before = yield* jobs.all
      const ways: ReadonlyArray<readonly [method: NonNullable<Call["method"]>, after: string]> = [
        ["GET", ""],
        ["DELETE", ""],
        ["GET", "/events"],
        ["POST", "/callback"]
      ]
      for (const [method, after] of ways) {
        const said = new Set<string>()
        for (const id of ["job_1", "job_9", "a%2Fb", "x".repeat(200)]) {
          said.add(problemOf(yield* call(`/jobs/${id}${after}`, { method, who: "beta" }), 404).detail)
        }
        assert.lengthOf([...said], 1)
        for (const id of ["%20", "x".repeat(201), "a%00b"]) {
          const { errors } = problemOf(yield* call(`/jobs/${id}${after}`, { method }), 400)
          assert.isTrue(errors?.every(({ path }) => path === "path.id"))
        }
        problemOf(yield* call(`/jobs/job_1${after}`, { method, who: "admin" }), 401)
      }
      assert.deepStrictEqual(pageOf(yield* call("/jobs", { who: "beta" })), { ids: [], next: null })
      assert.deepStrictEqual(yield* jobs.all, before)
    }))

  it.live("is canceled, unless it has ended", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* withJobs([{}, {}])
      const canceled = jobOf(yield* call("/jobs/job_1", { method: "DELETE" }))
      assert.deepInclude(canceled, { status: "canceled", result: null, error: null })
      assert.deepStrictEqual(jobOf(yield* call("/jobs/job_1", { method: "DELETE" })), canceled)
      yield* jobs.end("job_2", answered)
      assert.strictEqual(jobOf(yield* call("/jobs/job_2", { method: "DELETE" })).status, "succeeded")
    }))

  it.live("has its callback sent once more when that was given up", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* withJobs([callback, {}])
      const again = call("/jobs/job_1/callback", { method: "POST" })
      problemOf(yield* again, 404)
      const url = callback.callback_url
      yield* jobs.change("job_1", { callback: { url, status: "failed", attempts: 9, lastError: "status 500" } })
      const shown = jobOf(yield* call("/jobs/job_1")).callback
      assert.deepStrictEqual(shown, { url, status: "failed", attempts: 9, last_error: "status 500" })
      assert.deepInclude(jobOf(yield* again, 202).callback, { status: "pending", attempts: 0 })
      problemOf(yield* call("/jobs/job_2/callback", { method: "POST" }), 404)
    }))

  it.live("cannot be seen or changed while its store is away, and that is said", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* withJobs()
      yield* jobs.become("away")
      for (const path of ["/jobs", "/jobs/job_1", "/jobs/job_1/events"]) {
        const reply = yield* call(path)
        const { detail, retry_after, type } = problemOf(reply, 503)
        assert.strictEqual(type, "urn:understudy:problem:database-unavailable")
        assert.match(detail, /cannot be looked up/)
        assert.strictEqual(reply.headers["retry-after"], String(retry_after))
      }
      for (const [method, path] of [["DELETE", "/jobs/job_1"], ["POST", "/jobs/job_1/callback"]] as const) {
        assert.match(problemOf(yield* call(path, { method }), 503).detail, /not certain/)
      }
    }))

  it.live("goes with its namespace", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* withJobs([{}, {}])
      const { text } = yield* call("/admin/namespaces/alpha", { method: "DELETE", who: "admin" })
      assert.deepInclude(JSON.parse(text), { erased: { jobs: 2, answers: 0, replays: 0, templates: 0 } })
      assert.lengthOf(yield* jobs.all, 0)
    }))
})

describe("the list of jobs", () => {
  it.live("has the newest first, page by page, and those that are asked for", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* withJobs(Array.from({ length: 23 }, () => callback))
      const names = Array.from({ length: 23 }, (_, n) => JobId.make(`job_${23 - n}`))
      const first = pageOf(yield* call("/jobs"))
      assert.deepStrictEqual(first.ids, names.slice(0, 20))
      const rest = pageOf(yield* call(`/jobs?cursor=${first.next}`))
      assert.deepStrictEqual(rest, { ids: names.slice(20), next: null })
      assert.deepStrictEqual(pageOf(yield* call("/jobs?limit=2&cursor=nonsense")).ids, names.slice(0, 2))
      assert.deepStrictEqual(pageOf(yield* call("/jobs?limit=100")).ids, names)

      yield* jobs.end("job_3", answered)
      yield* jobs.change("job_5", {
        callback: { url: callback.callback_url, status: "failed", attempts: 9, lastError: "status 500" }
      })
      const done = yield* call("/jobs?status=succeeded")
      assert.deepStrictEqual(pageOf(done), { ids: [JobId.make("job_3")], next: null })
      assert.notInclude(done.text, live.text)
      assert.deepStrictEqual(pageOf(yield* call("/jobs?callback=failed")).ids, ["job_5"])
      assert.deepStrictEqual(pageOf(yield* call("/jobs?status=failed&callback=failed")).ids, [])
    }))

  it.live("names what it cannot understand", () =>
    Effect.gen(function*() {
      const { call } = yield* withJobs([])
      const cases: ReadonlyArray<readonly [query: string, path: string]> = [
        ["status=done", "query.status"],
        ["status=", "query.status"],
        ["callback=lost", "query.callback"],
        ["limit=0", "query.limit"],
        ["limit=101", "query.limit"],
        ["limit=1.5", "query.limit"],
        ["limit=many", "query.limit"],
        ["limit=", "query.limit"],
        [`cursor=${"x".repeat(1_001)}`, "query.cursor"]
      ]
      for (const [query, path] of cases) {
        const { errors } = problemOf(yield* call(`/jobs?${query}`), 400)
        assert.isTrue(errors?.every((error) => error.path === path), `${query}: ${JSON.stringify(errors)}`)
      }
    }))
})

describe("the events of a job", () => {
  it.live("come now, at each change, and at its end; silence is filled", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* withJobs()
      const reading = yield* Effect.forkChild(call("/jobs/job_1/events"))
      yield* eventually(Effect.sync(() => jobs.watchers()), (count) => count === 1, "it is followed")
      yield* Effect.sleep("150 millis")
      yield* jobs.change("job_1", { status: "running", position: undefined })
      yield* Effect.sleep("20 millis")
      yield* jobs.end("job_1", answered)
      const reply = yield* Fiber.join(reading)
      const said = (event: string, id: string, status: string) => ({ event, id, data: { id: "job_1", status } })
      assert.deepStrictEqual(eventsOf(reply), [
        said("job", "1", "queued"),
        said("job", "2", "running"),
        said("job", "3", "succeeded"),
        said("done", "3", "succeeded")
      ])
      assert.match(reply.text, /^: keep-alive$/m)
      assert.include(reply.text, live.text)
      yield* eventually(Effect.sync(() => jobs.watchers()), (count) => count === 0, "nobody follows it")
    }))

  it.live("of one that has ended are its end, and 204 for whoever has seen that", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* withJobs()
      yield* jobs.end("job_1", answered)
      const follow = (last?: string) =>
        call("/jobs/job_1/events", { headers: last === undefined ? {} : { "last-event-id": last } })
      for (const last of [undefined, "1", "", "22"]) {
        assert.deepStrictEqual(eventsOf(yield* follow(last)).map(({ event, id }) => [event, id]), [
          ["job", "2"],
          ["done", "2"]
        ])
      }
      const seen = yield* follow("2")
      assert.deepStrictEqual([seen.status, seen.text], [204, ""])
      // What has been seen of one that goes on is no end.
      yield* jobs.change("job_1", { status: "running", version: 2 })
      const reading = yield* Effect.forkChild(follow("2"))
      yield* eventually(Effect.sync(() => jobs.watchers()), (count) => count === 1, "it is followed")
      yield* jobs.end("job_1", answered)
      assert.strictEqual(eventsOf(yield* Fiber.join(reading)).at(-1)?.event, "done")
    }))

  it.live("end without an end when the job is not there any more, and cost nothing when the reader leaves", () =>
    Effect.gen(function*() {
      const { call, jobs } = yield* withJobs([{}, {}])
      const reading = yield* Effect.forkChild(call("/jobs/job_1/events"))
      const leaving = yield* Effect.forkChild(call("/jobs/job_2/events"))
      const followers = (count: number) =>
        eventually(Effect.sync(() => jobs.watchers()), (now) => now === count, `${count} follow`)
      yield* followers(2)
      yield* Effect.sleep("50 millis")
      yield* jobs.forget("job_1")
      assert.deepStrictEqual(eventsOf(yield* Fiber.join(reading)).map(({ event }) => event), ["job"])
      yield* Fiber.interrupt(leaving)
      yield* followers(0)
    }))
})
