/** Many jobs of one namespace, and nothing of another's. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { SqlClient } from "effect/sql"
import type { Namespace } from "../../../src/domain/Generation.ts"
import { CallbackFailed } from "../../../src/services/CallbackSender.ts"
import type { JobsFilter } from "../../../src/services/Jobs.ts"
import { withinNamespace } from "../../../src/services/store/withinNamespace.ts"
import {
  circuitOpen,
  emptyQueues,
  endOf,
  freshNamespace,
  type Instance,
  instance,
  makeReceiver,
  makeScript,
  seenAs,
  seenWith,
  submission
} from "../../support/jobs.ts"

const submitAll = (jobs: Instance, namespace: Namespace, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, n) => `poem ${n}`),
    (prompt) => Effect.map(jobs.submit(submission(namespace, prompt)), ({ id }) => id)
  )

/** All pages from here on. `between` happens after each. */
const allPages = Effect.fnUntraced(function*(
  jobs: Instance,
  namespace: Namespace,
  filter: JobsFilter,
  between: Effect.Effect<unknown, unknown> = Effect.void
) {
  const ids: Array<string> = []
  let cursor: string | undefined
  do {
    const page = yield* jobs.list(namespace, { ...filter, cursor })
    assert.isAtMost(page.jobs.length, filter.limit)
    ids.push(...page.jobs.map(({ id }) => id))
    cursor = page.next
    yield* between
  } while (cursor !== undefined)
  return ids
})

export const listingTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  it.effect("the newest come first, and pages have neither gaps nor doubles while new ones come", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const jobs = yield* instance()
      const namespace = freshNamespace()
      const ids = (yield* submitAll(jobs, namespace, 12)).toReversed()
      assert.deepStrictEqual(yield* allPages(jobs, namespace, { limit: 12 }), ids)
      assert.deepStrictEqual(yield* allPages(jobs, namespace, { limit: 4 }), ids, "no empty page at the end")
      const between = Effect.andThen(
        jobs.submit(submission(namespace, "newer")),
        jobs.submit(submission(freshNamespace(), "x"))
      )
      assert.deepStrictEqual(yield* allPages(jobs, namespace, { limit: 5 }, between), ids)
      assert.deepStrictEqual(yield* jobs.list(freshNamespace(), { limit: 5 }), { jobs: [], next: undefined })
    }))

  it.effect("a cursor that is none of ours is as none", () =>
    Effect.gen(function*() {
      const jobs = yield* instance()
      const namespace = freshNamespace()
      const [id] = yield* submitAll(jobs, namespace, 1)
      for (const cursor of ["", "x", "-1", "1e3", "9".repeat(40), "9".repeat(18), "1; DROP", "\0"]) {
        assert.deepStrictEqual(
          (yield* jobs.list(namespace, { limit: 5, cursor })).jobs.map((job) => job.id),
          [id],
          cursor
        )
      }
    }))

  it.effect("a list tells all of a job but what was said, and can be of one status or one kind of callback", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const namespace = freshNamespace()
      const receiver = makeReceiver([new CallbackFailed({ detail: "410", isFinal: true }), Effect.void])
      const script = makeScript({ waits: [circuitOpen], runs: [Effect.never] })
      const jobs = yield* instance({ script, receiver })
      const callbackUrl = "https://example.com/x"
      const told = yield* endOf(jobs, yield* jobs.submit(submission(namespace, "first", { callbackUrl })))
      const untaken = yield* seenWith(jobs, told, ({ callback }) => callback?.status === "failed", "it is given up")
      const second = yield* endOf(jobs, yield* jobs.submit(submission(namespace, "second", { callbackUrl })))
      yield* seenWith(jobs, second, ({ callback }) => callback?.status === "delivered", "it is told of")
      const waits = yield* jobs.submit(submission(namespace, "waits"))
      yield* seenAs(jobs, waits, "waiting")
      const runs = yield* jobs.submit(submission(namespace, "runs"))
      yield* seenAs(jobs, runs, "running")
      const listed = (filter: Omit<JobsFilter, "limit">) =>
        Effect.map(jobs.list(namespace, { ...filter, limit: 10 }), (page) => page.jobs.map(({ id }) => id))
      assert.deepStrictEqual(yield* listed({}), [runs.id, waits.id, second.id, told.id])
      assert.deepStrictEqual(yield* listed({ status: "succeeded" }), [second.id, told.id])
      assert.deepStrictEqual(yield* listed({ status: "waiting" }), [waits.id])
      assert.deepStrictEqual(yield* listed({ status: "running" }), [runs.id])
      assert.deepStrictEqual(yield* listed({ status: "canceled" }), [])
      assert.deepStrictEqual(yield* listed({ callback: "failed" }), [told.id])
      assert.deepStrictEqual(yield* listed({ callback: "delivered", status: "succeeded" }), [second.id])
      assert.deepStrictEqual(yield* listed({ callback: "pending" }), [])
      const { outcome: _, position: __, ...summary } = untaken
      assert.deepStrictEqual((yield* jobs.list(namespace, { limit: 1, callback: "failed" })).jobs, [summary])
    }))

  it.effect("another namespace sees nothing of a job, and does nothing to it", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const [own, other] = [freshNamespace(), freshNamespace()]
      const receiver = makeReceiver([new CallbackFailed({ detail: "410", isFinal: true })])
      const jobs = yield* instance({ script: makeScript({ runs: [Effect.never] }), receiver })
      const running = yield* jobs.submit(submission(own, "runs"))
      yield* seenAs(jobs, running, "running")
      const ended = yield* jobs.submit(submission(own, "ends", { callbackUrl: "https://example.com/x" }))
      yield* seenWith(jobs, ended, ({ callback }) => callback?.status === "failed", "it is given up")
      const all = Effect.forEach([running, ended], ({ id }) => jobs.get(own, id))
      const before = yield* all
      for (const { id } of [running, ended]) {
        assert.isTrue(Option.isNone(yield* jobs.get(other, id)))
        assert.isTrue(Option.isNone(yield* jobs.cancel(other, id)))
        assert.isTrue(Option.isNone(yield* jobs.sendAgain(other, id)))
        assert.deepStrictEqual(yield* Stream.runCollect(jobs.watch(other, id)), [])
      }
      assert.deepStrictEqual((yield* jobs.list(other, { limit: 10 })).jobs, [])
      assert.strictEqual(yield* jobs.erase(other), 0)
      assert.deepStrictEqual(yield* all, before)
      assert.lengthOf(receiver.messages, 1)
    }))

  it.effect("the database itself shows no job outside of its namespace", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const [own, other] = [freshNamespace(), freshNamespace()]
      const jobs = yield* instance()
      const job = yield* jobs.submit(submission(own, "a secret poem"))
      const sql = yield* SqlClient.SqlClient
      const rows = sql`SELECT id FROM understudy_jobs`
      assert.deepStrictEqual(yield* rows, [])
      assert.deepStrictEqual(yield* withinNamespace(sql, other)(rows), [])
      assert.deepStrictEqual(yield* withinNamespace(sql, own)(rows), [{ id: job.id }])
      yield* withinNamespace(sql, other)(sql`UPDATE understudy_jobs SET status = 'canceled'`)
      yield* sql`DELETE FROM understudy_jobs`
      assert.deepStrictEqual(Option.getOrThrow(yield* jobs.get(own, job.id)), job)
      const [queue] = yield* sql<{ readonly texts: string }>`
        SELECT string_agg(q::text, ' ') AS texts FROM understudy_queue q`
      assert.include(queue?.texts, job.id)
      assert.notInclude(queue?.texts, "secret")
    }))
}
