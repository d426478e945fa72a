/** Jobs that nobody wants any more. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Option, Result } from "effect"
import type { SqlClient } from "effect/sql"
import { JobId } from "../../../src/domain/jobs/JobId.ts"
import { eventually } from "../../support/http.ts"
import {
  answered,
  circuitOpen,
  emptyQueues,
  endOf,
  freshNamespace,
  gated,
  hasten,
  instance,
  liveAnswer,
  makeReceiver,
  makeScript,
  outcomeText,
  seenAs,
  submission
} from "../../support/jobs.ts"

export const cancelingTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  it.effect("one that is queued is never begun", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const idle = yield* instance()
      const job = yield* idle.submit(submission(freshNamespace(), "poem"))
      const canceled = Option.getOrThrow(yield* idle.cancel(job.namespace, job.id))
      assert.include(canceled, { status: "canceled", position: undefined, outcome: undefined })
      assert.isDefined(canceled.endedAt)
      assert.isDefined(canceled.expiresAt)
      const script = makeScript()
      const jobs = yield* instance({ script, workers: 1 })
      assert.strictEqual(outcomeText(yield* endOf(jobs, yield* jobs.submit(submission(job.namespace, "x")))), "live: x")
      assert.isFalse(script.seen.calls.has("poem"))
    }))

  it.effect("one that waits is tried no more", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const script = makeScript({ poem: [circuitOpen] })
      const jobs = yield* instance({ script })
      const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
      yield* seenAs(jobs, job, "waiting")
      const canceled = Option.getOrThrow(yield* jobs.cancel(job.namespace, job.id))
      assert.include(canceled, { status: "canceled", waitingFor: undefined, nextTryAt: undefined })
      yield* hasten("turns")
      yield* Effect.sleep("300 millis")
      assert.strictEqual(script.seen.calls.get("poem"), 1)
      assert.deepStrictEqual(Option.getOrThrow(yield* jobs.get(job.namespace, job.id)), canceled)
    }))

  it.effect("the provider of one that runs here is asked no longer, and its worker is free at once", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const script = makeScript({ poem: [Effect.never] })
      const jobs = yield* instance({ script, workers: 1, newsInterval: "1 hour" })
      const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
      yield* eventually(Effect.sync(() => script.seen.running.has("poem")), Boolean, "it runs")
      assert.strictEqual(Option.getOrThrow(yield* jobs.cancel(job.namespace, job.id)).status, "canceled")
      yield* eventually(
        Effect.sync(() => script.seen.interrupted),
        ({ length }) => length === 1,
        "it stops",
        "1 second"
      )
      const next = yield* jobs.submit(submission(job.namespace, "next"))
      yield* seenAs(jobs, next, "succeeded")
      assert.strictEqual((yield* seenAs(jobs, job, "canceled")).attempts, 0)
    }))

  it.effect("the provider of one that runs elsewhere is asked no longer after about two seconds", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const script = makeScript({ poem: [Effect.never] })
      yield* instance({ script, pollInterval: "1 second", newsInterval: "1 second" })
      const jobs = yield* instance()
      const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
      yield* seenAs(jobs, job, "running")
      yield* jobs.cancel(job.namespace, job.id)
      yield* eventually(
        Effect.sync(() => script.seen.interrupted),
        ({ length }) => length === 1,
        "it stops",
        "2 seconds"
      )
    }))

  it.effect("one that has ended stays as it was", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const jobs = yield* instance({ script: makeScript() })
      const namespace = freshNamespace()
      const end = yield* endOf(jobs, yield* jobs.submit(submission(namespace, "poem")))
      assert.deepStrictEqual(Option.getOrThrow(yield* jobs.cancel(namespace, end.id)), end)
      const canceled = yield* jobs.submit(submission(namespace, "poem"))
      yield* jobs.cancel(namespace, canceled.id)
      const first = yield* jobs.get(namespace, canceled.id)
      assert.deepStrictEqual(yield* jobs.cancel(namespace, canceled.id), first)
      assert.isTrue(Option.isNone(yield* jobs.cancel(namespace, JobId.make("job_unknown"))))
    }))

  it.effect("a late answer changes nothing", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const late = gated(Effect.succeed({ attempts: 1, result: Result.succeed(liveAnswer("late")) }))
      const script = makeScript({ poem: [Effect.uninterruptible(late.go)] })
      const jobs = yield* instance({ script, workers: 1 })
      const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
      yield* eventually(Effect.sync(() => script.seen.running.has("poem")), Boolean, "it runs")
      const canceled = yield* jobs.cancel(job.namespace, job.id)
      yield* late.open
      yield* endOf(jobs, yield* jobs.submit(submission(job.namespace, "next")))
      assert.deepStrictEqual(yield* jobs.get(job.namespace, job.id), canceled)
    }))

  it.effect("whoever comes first, the answer or the cancel, it ends once", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const namespace = freshNamespace()
      const receiver = makeReceiver()
      const prompts = Array.from({ length: 20 }, (_, n) => `poem ${n}`)
      const goes = prompts.map((prompt) => [prompt, gated(answered(prompt))] as const)
      const script = makeScript(Object.fromEntries(goes.map(([prompt, { go }]) => [prompt, [go]])))
      const jobs = yield* instance({ script, receiver, workers: 20 })
      const other = yield* instance()
      const callbackUrl = "https://example.com/x"
      yield* Effect.forEach(goes, ([prompt, { open }], n) =>
        Effect.gen(function*() {
          const job = yield* jobs.submit(submission(namespace, prompt, { callbackUrl }))
          yield* eventually(Effect.sync(() => script.seen.running.has(prompt)), Boolean, "it runs")
          const [canceled] = yield* Effect.all([
            Effect.delay(other.cancel(namespace, job.id), n % 5),
            open
          ], { concurrency: 2 })
          const end = yield* endOf(jobs, job)
          assert.include(["canceled", "succeeded"], end.status)
          const outcome = ({ outcome, status }: typeof end) => ({ outcome, status })
          assert.deepStrictEqual(outcome(Option.getOrThrow(canceled)), outcome(end))
        }), { concurrency: 4 })
      yield* eventually(Effect.sync(() => receiver.messages), ({ length }) => length >= 20, "all are told of")
      yield* Effect.sleep("200 millis")
      assert.lengthOf(new Set(receiver.messages.map(({ id }) => id)), 20)
      assert.lengthOf(receiver.messages, 20)
    }))
}
