/** Jobs that are forgotten, by time or by order. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { SqlClient } from "effect/sql"
import { CallbackFailed } from "../../../src/services/CallbackSender.ts"
import { eventually } from "../../support/http.ts"
import {
  age,
  circuitOpen,
  emptyQueues,
  endOf,
  freshNamespace,
  hasten,
  instance,
  makeReceiver,
  makeScript,
  outcomeText,
  seenAs,
  seenWith,
  submission
} from "../../support/jobs.ts"

export const expiryTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  it.effect("what has expired is deleted, and nothing else", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const [old, recent] = [freshNamespace(), freshNamespace()]
      const jobs = yield* instance({
        script: makeScript({ waits: [circuitOpen] }),
        ttl: "1 hour",
        purgeEvery: "100 millis"
      })
      const kept = yield* Effect.forEach([old, recent], (namespace) =>
        Effect.all({
          ended: Effect.flatMap(jobs.submit(submission(namespace, "ends")), (job) => endOf(jobs, job)),
          waiting: Effect.flatMap(jobs.submit(submission(namespace, "waits")), (job) => seenAs(jobs, job, "waiting"))
        }))
      const [own, other] = kept
      if (own === undefined || other === undefined) return assert.fail()
      assert.strictEqual((own.ended.expiresAt ?? 0) - (own.ended.endedAt ?? 0), 3_600_000)
      yield* age(old, 3_600_001)
      yield* eventually(jobs.get(old, own.ended.id), Option.isNone, "it is deleted")
      yield* Effect.sleep("300 millis")
      assert.deepStrictEqual(yield* jobs.get(recent, other.ended.id), Option.some(other.ended))
      assert.isTrue(Option.isSome(yield* jobs.get(old, own.waiting.id)), "one under way does not expire")
      assert.isTrue(Option.isSome(yield* jobs.get(recent, other.waiting.id)))
    }))

  it.effect("hundreds that have expired are deleted in one round", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const namespace = freshNamespace()
      const idle = yield* instance()
      yield* Effect.forEach(
        Array.from({ length: 230 }),
        () => Effect.flatMap(idle.submit(submission(namespace, "x")), ({ id }) => idle.cancel(namespace, id)),
        { concurrency: 10 }
      )
      yield* age(namespace, 259_200_001)
      yield* instance({ purgeEvery: "3 seconds" })
      const left = Effect.map(idle.list(namespace, { limit: 100 }), ({ jobs }) => jobs.length)
      assert.strictEqual(yield* left, 100)
      yield* eventually(left, (count) => count === 0, "all are deleted", "5500 millis")
    }))

  it.effect("one whose callback is still to be taken stays, and as long as it is kept after that", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const namespace = freshNamespace()
      const away = new CallbackFailed({ detail: "status 503", isFinal: false })
      const receiver = makeReceiver([away, away, Effect.void])
      const jobs = yield* instance({ script: makeScript(), receiver, purgeEvery: "100 millis", ttl: "1 hour" })
      const job = yield* jobs.submit(submission(namespace, "poem", { callbackUrl: "https://example.com/x" }))
      yield* seenWith(jobs, job, ({ callback }) => callback?.attempts === 1, "it was tried once")
      yield* age(namespace, 7_200_000)
      yield* Effect.sleep("400 millis")
      assert.strictEqual(outcomeText(yield* seenAs(jobs, job, "succeeded")), "live: poem")
      yield* hasten("callbacks")
      yield* seenWith(jobs, job, ({ callback }) => callback?.attempts === 2, "it was tried twice")
      yield* hasten("callbacks")
      const told = yield* seenWith(jobs, job, ({ callback }) => callback?.status === "delivered", "it was taken")
      yield* Effect.sleep("300 millis")
      assert.deepStrictEqual(Option.getOrThrow(yield* jobs.get(namespace, job.id)), told)
      yield* age(namespace, 3_600_001)
      yield* eventually(jobs.get(namespace, job.id), Option.isNone, "it is deleted")
    }))

  it.effect("erasing takes everything of a namespace, and who works on it stops", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const [own, other] = [freshNamespace(), freshNamespace()]
      const script = makeScript({ runs: [Effect.never], waits: [circuitOpen] })
      const working = yield* instance({ script, workers: 2 })
      const jobs = yield* instance()
      const kept = yield* endOf(jobs, yield* jobs.submit(submission(other, "kept")))
      yield* endOf(jobs, yield* jobs.submit(submission(own, "ended")))
      yield* seenAs(jobs, yield* jobs.submit(submission(own, "waits")), "waiting")
      yield* seenAs(jobs, yield* jobs.submit(submission(own, "runs")), "running")
      yield* Effect.forEach(Array.from({ length: 120 }), () =>
        Effect.flatMap(jobs.submit(submission(own, "x")), ({ id }) => jobs.cancel(own, id)), { concurrency: 10 })
      assert.strictEqual(yield* jobs.erase(own), 123)
      assert.deepStrictEqual(yield* jobs.list(own, { limit: 10 }), { jobs: [], next: undefined })
      assert.strictEqual(yield* jobs.erase(own), 0)
      yield* eventually(
        Effect.sync(() =>
          script.seen.interrupted
        ),
        ({ length }) => length === 1,
        "it stops"
      )
      yield* hasten("turns")
      yield* hasten("deadlines")
      yield* endOf(working, yield* working.submit(submission(other, "next")))
      assert.strictEqual(script.seen.calls.get("waits"), 1)
      assert.deepStrictEqual(yield* jobs.get(other, kept.id), Option.some(kept))
      assert.deepStrictEqual((yield* jobs.list(own, { limit: 10 })).jobs, [])
    }))
}
