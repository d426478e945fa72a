/** Jobs and the end of processes: stopped or killed, with an embedded database or a server, and worked on by others. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { freshDatabase, freshDirectory, urlOf, withoutServer, withServer } from "../support/databases.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, problemOf, send } from "../support/http.ts"
import { accepted, ended, jobAt, jobUntil, prefer, submit } from "../support/jobsOverHttp.ts"
import { type Environment, providerOf, startService } from "../support/service.ts"
import { runCommand, spawnCommand, startProcess } from "../support/serviceProcess.ts"

const prompt = "Write a blog post about sourdough starters"
const common = { MAX_ATTEMPTS: "1", TEMPLATES_DIR: "none", BREAKER_FAILURES: "100000" }

/** Submits while the provider hangs, ends the process, and starts it again on what it has left. */
const survives = (database: Environment) =>
  Effect.gen(function*() {
    const provider = yield* FaultServer.make
    const env = { ...common, ...providerOf(provider), ...database }
    yield* provider.respondWith(Mode.hangBeforeHeaders)
    const first = yield* startProcess({ ...env, JOB_WORKERS: "1" })
    const running = yield* submit(first.url, prompt)
    yield* provider.until(({ received }) => received === 1)
    const queued = yield* submit(first.url, "Write about rye")
    const reader = yield* Effect.forkChild(send(`${first.url}/jobs/${running.id}/events`))
    const waiter = yield* Effect.forkChild(ask(first.url, "Write about tea", { headers: prefer("wait=30") }))
    const third = yield* eventually(
      Effect.map(send(`${first.url}/jobs`), ({ text }) => text.match(/job_\w+/g) ?? []),
      (ids) => ids.length === 3,
      "there are three jobs"
    )

    const begin = yield* Clock.currentTimeMillis
    first.child.kill("SIGTERM")
    assert.strictEqual((yield* first.exited).signal ?? "SIGTERM", "SIGTERM")
    assert.isBelow((yield* Clock.currentTimeMillis) - begin, 3_000)
    const { text } = yield* Fiber.join(reader)
    assert.match(text, /^event: job\n/)
    assert.notInclude(text, "event: done", "a reader comes back")
    assert.strictEqual(accepted(yield* Fiber.join(waiter)).id, third[0])

    // The job that was given back is taken again at once, and this time nobody gives it back.
    const second = yield* startProcess({ ...env, JOB_WORKERS: "1" })
    yield* provider.until(({ received }) => received === 2)
    second.child.kill("SIGKILL")
    yield* second.exited
    yield* provider.respondWith(Mode.answer)
    const last = yield* startProcess(env)
    for (const id of third) {
      const done = yield* ended(last.url, id)
      assert.deepNestedInclude(done, { status: "succeeded", "result.source": "live" })
    }
    assert.deepNestedInclude(yield* jobAt(last.url, queued.id), { "result.text": "Answer to: Write about rye" })
  })

describe("jobs that are under way when their process ends", () => {
  it.live(
    "go on from an embedded database, and nobody who follows them holds up the stop",
    () => Effect.flatMap(freshDirectory, (DATA_DIR) => survives({ DATA_DIR })),
    90_000
  )

  it.live.skipIf(withoutServer)(
    "go on from a server, and nobody who follows them holds up the stop",
    () => Effect.flatMap(freshDatabase, (name) => survives({ DATABASE_URL: urlOf(name) })),
    90_000
  )
})

describe("understudy work", () => {
  it.live("says what it needs when there is no server", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* runCommand(["work"], { DATA_DIR: "memory:" })
      assert.strictEqual(code, 1)
      assert.match(stdout + stderr, /set DATABASE_URL/)
      assert.notMatch(stdout + stderr, /\n\s+at |node_modules/, "a message, not a stack")
    }))

  it.live.skipIf(withoutServer)(
    "ends what a service without workers has taken in",
    () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer.make
        const env = { ...common, ...providerOf(provider), DATABASE_URL: urlOf(yield* freshDatabase) }
        const { url } = yield* startService({ ...env, JOB_WORKERS: "0" })
        const { id } = yield* submit(url, prompt)
        const waiter = yield* Effect.forkChild(ask(url, "Write about tea", { headers: prefer("wait=25") }))
        yield* Effect.sleep("1 second")
        assert.deepInclude(yield* jobAt(url, id), { status: "queued", position: 0 })
        assert.strictEqual(provider.counts().received, 0)
        const worker = yield* spawnCommand(["work"], env)
        assert.nestedPropertyVal(yield* ended(url, id), "result.source", "live")
        assert.strictEqual(generationOf(yield* Fiber.join(waiter)).source, "live")
        worker.child.kill("SIGTERM")
        const begin = yield* Clock.currentTimeMillis
        yield* worker.exited
        assert.isBelow((yield* Clock.currentTimeMillis) - begin, 3_000)
        assert.include(worker.output(), "Understudy works on jobs, 4 at a time")
        assert.notInclude(worker.output(), "listens on")
      }),
    60_000
  )
})

describe.skipIf(withoutServer)("with TEST_DATABASE_URL, while the database is away", () => {
  it.live(
    "a request that would be a job is answered at once, and jobs cannot be looked up; then all is as before",
    () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer.make
        const name = yield* freshDatabase
        const { logs, url } = yield* startService({ ...common, ...providerOf(provider), DATABASE_URL: urlOf(name) })
        yield* provider.respondWithEach([Mode.wait(2_000)])
        const { id } = yield* submit(url, prompt)
        yield* jobUntil(url, id, ({ status }) => status === "running", "runs")
        yield* withServer((sql) => sql`ALTER DATABASE ${sql(name)} ALLOW_CONNECTIONS false`)
        yield* withServer((sql) => sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${name}`)

        for (const wish of ["respond-async", "wait=5"]) {
          const reply = yield* ask(url, "Write about rye", { headers: prefer(wish) })
          assert.strictEqual(generationOf(reply).source, "live")
          assert.isUndefined(reply.headers["preference-applied"])
        }
        for (const [method, path] of [["GET", ""], ["GET", `/${id}`], ["GET", `/${id}/events`], ["DELETE", `/${id}`]]) {
          const reply = yield* send(`${url}/jobs${path}`, { method })
          assert.match(problemOf(reply, 503).type, /database-unavailable$/)
          assert.strictEqual(reply.headers["retry-after"], "5")
        }
        assert.isTrue(logs().some((line) => line.includes("no job is to be had")))

        yield* withServer((sql) => sql`ALTER DATABASE ${sql(name)} ALLOW_CONNECTIONS true`)
        yield* eventually(send(`${url}/jobs/${id}`), ({ status }) => status === 200, "jobs are back")
        assert.nestedPropertyVal(yield* ended(url, id), "result.source", "live")
        assert.strictEqual((yield* submit(url, "Write about tea")).object, "job")
      }),
    60_000
  )
})
