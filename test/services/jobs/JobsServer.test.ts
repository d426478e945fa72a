import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Option, Stream } from "effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { freshDatabase, layerServer, urlOf, withoutServer } from "../../support/databases.ts"
import { eventually } from "../../support/http.ts"
import {
  answered,
  endOf,
  freshNamespace,
  gated,
  instance,
  type InstanceOptions,
  makeScript,
  outcomeText,
  seenAs,
  submission
} from "../../support/jobs.ts"
import { freezableProxy } from "../../support/postgresServers.ts"

/** A process of workers, and what it has said. Killed with the scope at the latest, and never asked to stop. */
const workerProcess = (url: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const program = fileURLToPath(new URL("../../support/jobProcess.ts", import.meta.url))
        const child = spawn(process.execPath, [program, url], { stdio: ["ignore", "pipe", "inherit"] })
        const said: Array<string> = []
        child.stdout.on("data", (bytes) => said.push(String(bytes)))
        return { said, kill: Effect.sync(() => void child.kill("SIGKILL")) }
      }),
      ({ kill }) => kill
    ),
    ({ kill, said }) => ({ kill, said: Effect.sync(() => said.join("")) })
  )

/** The way to an empty database through a network that can freeze. */
const frozenAtWill = Effect.gen(function*() {
  const direct = urlOf(yield* freshDatabase)
  const url = new URL(direct)
  const proxy = yield* freezableProxy({ host: url.hostname, port: Number(url.port || 5432) })
  url.host = `127.0.0.1:${proxy.port}`
  return { direct, url: url.href, freeze: proxy.freeze }
})

/** With connections of its own, as long as the scope is open. */
const instanceAt = (url: string, options?: InstanceOptions) =>
  Effect.flatMap(Layer.build(Layer.fresh(layerServer(url))), (context) => Effect.provide(instance(options), context))

describe.skipIf(withoutServer)("jobs, with TEST_DATABASE_URL", () => {
  it.live("a job of a process that was killed is taken over within 15 seconds", () =>
    Effect.gen(function*() {
      const url = urlOf(yield* freshDatabase)
      yield* Effect.gen(function*() {
        const jobs = yield* instance({ newsInterval: "1 second" })
        const job = yield* jobs.submit(submission(freshNamespace(), "a poem"))
        const { kill, said } = yield* workerProcess(url)
        yield* eventually(said, (text) => text.includes("asked a poem"), "it works on it")
        yield* instance({ script: makeScript(), pollInterval: "1 second" })
        // A lease that has just been renewed lasts longest.
        yield* Effect.sleep("3500 millis")
        const from = yield* Clock.currentTimeMillis
        assert.strictEqual((yield* seenAs(jobs, job, "running")).version, 2)
        yield* kill
        assert.strictEqual(outcomeText(yield* endOf(jobs, job)), "live: a poem")
        assert.isBelow((yield* Clock.currentTimeMillis) - from, 15_000)
      }).pipe(Effect.scoped, Effect.provide(layerServer(url)))
    }), 60_000)

  it.live(
    "an answer that comes while the database is away is written when it is back, and who watches sees it",
    () =>
      Effect.gen(function*() {
        const { direct, freeze, url } = yield* frozenAtWill
        yield* Effect.gen(function*() {
          const poem = gated(answered("at last"))
          const script = makeScript({ poem: [poem.go] })
          const jobs = yield* instance({ script, storeTimeout: "300 millis" })
          const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
          yield* eventually(Effect.sync(() => script.seen.running.size), (size) => size === 1, "it runs")
          const watched = yield* Effect.forkScoped(endOf(jobs, job))
          yield* freeze(true)
          yield* poem.open
          yield* Effect.sleep("2 seconds")
          yield* freeze(false)
          const other = yield* instanceAt(direct)
          assert.strictEqual(outcomeText(yield* endOf(jobs, job)), "at last")
          assert.strictEqual((yield* endOf(other, job)).attempts, 1)
          assert.strictEqual(outcomeText(yield* Fiber.join(watched)), "at last")
          assert.strictEqual(script.seen.calls.get("poem"), 1)
        }).pipe(Effect.scoped, Effect.provide(layerServer(url)))
      }),
    60_000
  )

  it.live(
    "a worker that the database has lost is replaced, and what it says late changes nothing",
    () =>
      Effect.gen(function*() {
        const { direct, freeze, url } = yield* frozenAtWill
        yield* Effect.gen(function*() {
          const late = gated(answered("late"))
          const lost = makeScript({ poem: [late.go] })
          yield* instanceAt(url, { script: lost, lease: "2 seconds" })
          const jobs = yield* instance()
          const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
          yield* eventually(Effect.sync(() => lost.seen.running.size), (size) => size === 1, "it runs")
          yield* freeze(true)
          yield* instance({ script: makeScript(), lease: "2 seconds" })
          const end = yield* endOf(jobs, job)
          assert.strictEqual(outcomeText(end), "live: poem")
          yield* late.open
          yield* freeze(false)
          yield* Effect.sleep("1500 millis")
          assert.deepStrictEqual(yield* jobs.get(job.namespace, job.id), Option.some(end))
          assert.deepStrictEqual(yield* Stream.runCollect(jobs.watch(job.namespace, job.id)), [end])
        }).pipe(Effect.scoped, Effect.provide(layerServer(direct)))
      }),
    60_000
  )
})
