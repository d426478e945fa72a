/** Those who wanted to be told that a job has ended. */
import { assert, type Vitest } from "@effect/vitest"
import { Duration, Effect, Option } from "effect"
import { SqlClient } from "effect/sql"
import { AiRejected } from "../../../src/domain/errors.ts"
import type { Job } from "../../../src/domain/jobs/Job.ts"
import { CallbackFailed } from "../../../src/services/CallbackSender.ts"
import { eventually } from "../../support/http.ts"
import {
  emptyQueues,
  failedGo,
  freshNamespace,
  hasten,
  instance,
  makeReceiver,
  makeScript,
  seenAs,
  seenWith,
  submission
} from "../../support/jobs.ts"

const callbackUrl = "https://example.com/hook"
const away = new CallbackFailed({ detail: "status 503", isFinal: false })
const gone = new CallbackFailed({ detail: "status 410", isFinal: true })

const isTold = ({ callback }: Job) => callback?.status === "delivered"
const isGivenUp = ({ callback }: Job) => callback?.status === "failed"

/** Those that still wait, in milliseconds. */
const waitMillis = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql<{ readonly millis: number }>`
      SELECT (extract(epoch FROM visible_at - now()) * 1000)::float8 AS millis FROM understudy_queue
      WHERE queue_name = 'callbacks' AND state = 'pending'`,
    (rows) => rows.map(({ millis }) => millis)
  ))

export const callbackTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  it.effect("a namespace whose receivers never answer leaves room for those of others", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const [slow, quick] = [freshNamespace(), freshNamespace()]
      const waiting = { now: 0 }
      const receiver = makeReceiver((message) =>
        message.namespace === slow ? Effect.andThen(Effect.sync(() => waiting.now++), Effect.never) : Effect.void
      )
      const jobs = yield* instance({ script: makeScript(), receiver })
      for (let n = 0; n < 30; n++) yield* jobs.submit(submission(slow, `slow ${n}`, { callbackUrl }))
      yield* eventually(Effect.sync(() => waiting.now), (count) => count > 0, "the slow ones are told")
      const job = yield* jobs.submit(submission(quick, "quick", { callbackUrl }))
      yield* seenWith(jobs, job, isTold, "it is told of")
      assert.isAtMost(waiting.now, 4)
    }))

  it.effect("each end is told of once, whichever it is", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const namespace = freshNamespace()
      const receiver = makeReceiver()
      const refused = failedGo(new AiRejected({ provider: "p", status: 422, message: "no" }))
      const script = makeScript({ runs: [Effect.never], refused: [refused], "shown never": [Effect.never] })
      const jobs = yield* instance({ script, receiver, workers: 4 })
      const submit = (prompt: string) => jobs.submit(submission(namespace, prompt, { callbackUrl }))
      const told = (job: Job) => seenWith(jobs, job, isTold, "it is told of")
      yield* jobs.submit(submission(namespace, "without"))
      const late = yield* submit("shown never")
      yield* hasten("deadlines")
      yield* told(late)
      const all = [late, yield* submit("live"), yield* submit("refused"), yield* submit("runs")]
      const running = all[3]
      if (running === undefined) return assert.fail()
      yield* seenAs(jobs, running, "running")
      yield* jobs.cancel(namespace, running.id)
      yield* jobs.cancel(namespace, running.id)
      const ends = yield* Effect.forEach(all, told)
      yield* Effect.sleep("200 millis")
      assert.deepStrictEqual(
        new Map(receiver.messages.map((message) => [message.id, message])),
        new Map(ends.map(({ id, outcome, status }) => [`msg_${id}`, {
          namespace,
          url: callbackUrl,
          id: `msg_${id}`,
          body: JSON.stringify({ id, status, outcome })
        }]))
      )
      assert.lengthOf(receiver.messages, 4)
      assert.deepStrictEqual(ends.map(({ status }) => status), ["succeeded", "succeeded", "failed", "canceled"])
      assert.deepStrictEqual(ends.map(({ callback }) => callback?.attempts), [1, 1, 1, 1])
    }))

  it.effect("one that is not taken is sent again, the same under the same id, later each time", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const receiver = makeReceiver([away, away, away, Effect.void])
      const jobs = yield* instance({ script: makeScript(), receiver })
      const job = yield* jobs.submit(submission(freshNamespace(), "poem", { callbackUrl }))
      const waits: Array<number> = []
      for (const attempts of [1, 2, 3]) {
        const now = yield* seenWith(jobs, job, ({ callback }) => callback?.attempts === attempts, "it was tried")
        assert.deepInclude(now.callback, { status: "pending", lastError: "status 503" })
        assert.strictEqual(now.status, "succeeded")
        waits.push(...yield* waitMillis)
        yield* hasten("callbacks")
      }
      const told = yield* seenWith(jobs, job, isTold, "it was taken")
      assert.deepStrictEqual(told.callback, {
        url: callbackUrl,
        status: "delivered",
        attempts: 4,
        lastError: undefined
      })
      assert.lengthOf(new Set(receiver.messages.map((message) => JSON.stringify(message))), 1)
      assert.lengthOf(receiver.messages, 4)
      assert.deepStrictEqual(waits, waits.toSorted((a, b) => a - b))
      assert.lengthOf(waits, 3)
    }))

  it.effect("a receiver that asks for time gets it", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const busy = new CallbackFailed({ detail: "status 429", isFinal: false, retryAfter: Duration.minutes(10) })
      const jobs = yield* instance({ script: makeScript(), receiver: makeReceiver([busy]) })
      const job = yield* jobs.submit(submission(freshNamespace(), "poem", { callbackUrl }))
      yield* seenWith(jobs, job, ({ callback }) => callback?.attempts === 1, "it was tried")
      const [wait = 0] = yield* waitMillis
      assert.isAbove(wait, 590_000)
    }))

  it.effect("one that will never be taken is given up at once, and delivered when it is sent again", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const receiver = makeReceiver([gone, away, Effect.void])
      const jobs = yield* instance({ script: makeScript(), receiver })
      const job = yield* jobs.submit(submission(freshNamespace(), "poem", { callbackUrl }))
      const { namespace } = job
      const givenUp = yield* seenWith(jobs, job, isGivenUp, "it is given up")
      assert.deepInclude(givenUp.callback, { attempts: 1, lastError: "status 410" })
      assert.deepStrictEqual(yield* waitMillis, [])
      assert.deepStrictEqual((yield* jobs.list(namespace, { limit: 9, callback: "failed" })).jobs.map(({ id }) => id), [
        job.id
      ])
      const again = Option.getOrThrow(yield* jobs.sendAgain(namespace, job.id))
      assert.deepInclude(again.callback, { status: "pending", attempts: 0 })
      yield* seenWith(
        jobs,
        job,
        ({ callback }) => callback?.attempts === 1 && callback.status === "pending",
        "it was tried"
      )
      yield* hasten("callbacks")
      yield* seenWith(jobs, job, isTold, "it is told of")
      assert.lengthOf(new Set(receiver.messages.map(({ id }) => id)), 1)
      assert.isTrue(Option.isNone(yield* jobs.sendAgain(namespace, job.id)), "it was taken")
      assert.lengthOf(receiver.messages, 3)
    }))

  it.effect("nothing is sent again of a job that has no callback, is under way, or is told of just now", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const namespace = freshNamespace()
      const jobs = yield* instance()
      const plain = yield* jobs.submit(submission(namespace, "plain"))
      const underWay = yield* jobs.submit(submission(namespace, "under way", { callbackUrl }))
      const pending = yield* jobs.submit(submission(namespace, "pending", { callbackUrl }))
      yield* jobs.cancel(namespace, plain.id)
      yield* jobs.cancel(namespace, pending.id)
      for (const { id } of [plain, underWay, pending]) {
        assert.isTrue(Option.isNone(yield* jobs.sendAgain(namespace, id)))
      }
    }))

  for (
    const [how, step] of [
      ["dies", Effect.die("a bug")],
      ["gives up", Effect.interrupt],
      ["fails with hostile words", new CallbackFailed({ detail: "a NUL \0 and half a pair \ud83d", isFinal: false })]
    ] as const
  ) {
    it.effect(`a sender that ${how} is asked again`, () =>
      Effect.gen(function*() {
        yield* emptyQueues
        const receiver = makeReceiver([step, Effect.void])
        const jobs = yield* instance({ script: makeScript(), receiver })
        const job = yield* jobs.submit(submission(freshNamespace(), "poem", { callbackUrl }))
        yield* eventually(Effect.sync(() => receiver.messages.length), (count) => count >= 1, "it was tried")
        const told = yield* eventually(
          Effect.andThen(hasten("callbacks"), Effect.flatMap(jobs.get(job.namespace, job.id), Effect.fromOption)),
          isTold,
          "it is told of",
          "5 seconds"
        )
        assert.lengthOf(receiver.messages, 2)
        assert.isUndefined(told.callback?.lastError)
      }))
  }

  it.effect("a callback outlives the process that was to send it", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const namespace = freshNamespace()
      const silent = makeReceiver([Effect.never])
      const job = yield* Effect.scoped(Effect.gen(function*() {
        const jobs = yield* instance({ script: makeScript(), receiver: silent })
        const job = yield* jobs.submit(submission(namespace, "poem", { callbackUrl }))
        yield* eventually(Effect.sync(() => silent.messages.length), (count) => count === 1, "it is being sent")
        return job
      }))
      const receiver = makeReceiver()
      const jobs = yield* instance({ script: makeScript(), receiver })
      yield* seenWith(jobs, job, isTold, "it is told of")
      assert.deepStrictEqual(receiver.messages, silent.messages)
    }))
}
