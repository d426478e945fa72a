/** Jobs as those see them who watch. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Fiber, Option, Queue, Stream } from "effect"
import type { SqlClient } from "effect/sql"
import type { Job, JobStatus } from "../../../src/domain/jobs/Job.ts"
import { JobId } from "../../../src/domain/jobs/JobId.ts"
import {
  answered,
  circuitOpen,
  emptyQueues,
  freshNamespace,
  gated,
  hasten,
  type Instance,
  instance,
  makeScript,
  outcomeText,
  submission
} from "../../support/jobs.ts"

/** What one who watches sees, as it comes. */
const watcher = Effect.fnUntraced(
  function*(jobs: Pick<Instance, "watch">, { id, namespace }: Pick<Job, "id" | "namespace">) {
    const seen = yield* Queue.unbounded<Job>()
    const fiber = yield* Effect.forkScoped(
      Stream.runForEach(jobs.watch(namespace, id), (job) => Queue.offer(seen, job))
    )
    return {
      next: Effect.timeout(Queue.take(seen), "5 seconds"),
      end: Effect.timeout(Fiber.join(fiber), "5 seconds"),
      rest: Queue.clear(seen)
    }
  }
)

const statuses = (jobs: Iterable<Job>) => [...jobs].map(({ status }) => status)

export const watchingTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  for (const where of ["here", "in another process"]) {
    it.effect(`one who watches sees the job now, each change made ${where}, and its end`, () =>
      Effect.gen(function*() {
        yield* emptyQueues
        const [first, second] = [gated(circuitOpen), gated(answered("at last"))]
        const script = makeScript({ poem: [first.go, second.go] })
        const working = yield* instance({ script })
        const jobs = where === "here" ? working : yield* instance()
        const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
        const { end, next } = yield* watcher(jobs, job)
        const seen: Array<Job> = []
        const sees = (status: JobStatus) =>
          next.pipe(
            Effect.tap((job) => Effect.sync(() => seen.push(job))),
            Effect.repeat({ until: (job) => job.status === status })
          )
        yield* sees("running")
        yield* first.open
        assert.strictEqual((yield* sees("waiting")).waitingFor, "circuit_open")
        yield* hasten("turns")
        yield* sees("running")
        yield* second.open
        assert.strictEqual(outcomeText(yield* sees("succeeded")), "at last")
        yield* end
        assert.deepStrictEqual(statuses(seen).filter((status) => status !== "queued"), [
          "running",
          "waiting",
          "running",
          "succeeded"
        ])
        const versions = seen.map(({ version }) => version)
        assert.deepStrictEqual(versions, [...new Set(versions)].sort((a, b) => a - b), "no change is told twice")
      }))
  }

  it.effect("one who watches a queued job sees its position go down", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const jobs = yield* instance()
      const namespace = freshNamespace()
      const before = yield* jobs.submit(submission(namespace, "before"))
      const job = yield* jobs.submit(submission(namespace, "poem"))
      const { next } = yield* watcher(jobs, job)
      assert.strictEqual((yield* next).position, 1)
      yield* jobs.cancel(namespace, before.id)
      yield* instance({ script: makeScript({ poem: [Effect.never] }) })
      assert.include(yield* next.pipe(Effect.repeat({ while: ({ status }) => status === "queued" })), {
        status: "running"
      })
    }))

  it.effect("one who watches a job that has ended sees its end, and of one that is not there nothing", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const jobs = yield* instance()
      const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
      const end = yield* jobs.cancel(job.namespace, job.id)
      assert.deepStrictEqual(yield* Stream.runCollect(jobs.watch(job.namespace, job.id)), [Option.getOrThrow(end)])
      assert.deepStrictEqual(yield* Stream.runCollect(jobs.watch(job.namespace, JobId.make("job_unknown\0"))), [])
    }))

  it.effect("a watch ends when its job is erased, however soon and wherever that is", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const [jobs, other] = [yield* instance({ newsInterval: "300 millis" }), yield* instance()]
      for (const eraser of [jobs, other]) {
        const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
        const { end, next } = yield* watcher(jobs, job)
        yield* next
        yield* eraser.erase(job.namespace)
        yield* end
      }
    }))

  it.effect("many watch the same job and others, and all of them see the end", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const working = yield* instance({ script: makeScript(), workers: 4 })
      const other = yield* instance()
      const namespace = freshNamespace()
      const jobs = yield* Effect.forEach(
        Array.from({ length: 10 }, (_, n) => `poem ${n}`),
        (prompt) => other.submit(submission(namespace, prompt))
      )
      const ends = yield* Effect.forEach(
        jobs.flatMap((job) => Array<Job>(10).fill(job)),
        ({ id }, n) => Stream.runLast((n % 2 === 0 ? working : other).watch(namespace, id)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        new Set(ends.map((end) => outcomeText(Option.getOrThrow(end)))),
        new Set(jobs.map((_, n) => `live: poem ${n}`))
      )
    }))
}
