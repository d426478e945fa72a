/** How a job goes on, from turn to turn, to its end. */
import { assert, type Vitest } from "@effect/vitest"
import { Clock, Duration, Effect, Option } from "effect"
import type { SqlClient } from "effect/sql"
import {
  AiRateLimited,
  AiRejected,
  AiTimeout,
  AiUnavailable,
  LimitExceeded,
  type LiveError
} from "../../../src/domain/errors.ts"
import type { FallbackReason } from "../../../src/domain/Generation.ts"
import {
  answered,
  circuitOpen,
  emptyQueues,
  endOf,
  errandsLeft,
  failedGo,
  freshNamespace,
  gated,
  hasten,
  instance,
  makeScript,
  outcomeText,
  seenAs,
  seenWith,
  submission
} from "../../support/jobs.ts"

const down = new AiUnavailable({ provider: "p", status: 503, detail: "status 503" })
const limited = new LimitExceeded({ key: "p", reason: "would_miss_deadline", retryAfter: Duration.seconds(30) })
const slow = new AiTimeout({ provider: "p", after: Duration.seconds(3), shortened: false })

export const turnsTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  it.effect("a live answer ends it, and its attempts are those of all its turns", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const script = makeScript({ poem: [failedGo(down, 2), failedGo(limited, 0), answered("at last", 1)] })
      const jobs = yield* instance({ script })
      const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
      const waits = yield* seenAs(jobs, job, "waiting")
      assert.include(waits, { attempts: 2, waitingFor: "unavailable" })
      yield* hasten("turns")
      yield* seenWith(jobs, job, (now) => now.waitingFor === "overloaded", "it waits for the limiter")
      yield* hasten("turns")
      const end = yield* endOf(jobs, job)
      assert.include(end, { status: "succeeded", attempts: 3, waitingFor: undefined, nextTryAt: undefined })
      assert.deepInclude(end.outcome, { _tag: "Answered" })
      assert.strictEqual(end.outcome?._tag === "Answered" && end.outcome.generation.attempts, 3)
      assert.strictEqual(outcomeText(end), "at last")
      assert.strictEqual((end.expiresAt ?? 0) - (end.endedAt ?? 0), Duration.toMillis("3 days"))
      assert.isTrue(script.seen.leftMillis.every((left) => left > 890_000 && left <= 900_000))
    }))

  it.effect("a refusal ends it with what the provider said", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const message = "the policy \0 does not like \ud800 this"
      const refused = failedGo(new AiRejected({ provider: "p", status: 422, message }), 1)
      const jobs = yield* instance({ script: makeScript({ poem: [circuitOpen, refused] }) })
      const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
      yield* seenAs(jobs, job, "waiting")
      yield* hasten("turns")
      const end = yield* endOf(jobs, job)
      assert.include(end, { status: "failed", attempts: 1 })
      assert.deepStrictEqual(end.outcome, { _tag: "Refused", provider: "p", status: 422, message })
    }))

  const waits: ReadonlyArray<readonly [string, LiveError, FallbackReason, number]> = [
    ["a limit is reached", limited, "overloaded", 30_000],
    [
      "the provider wants a pause",
      new AiRateLimited({ provider: "p", retryAfter: Duration.seconds(20) }),
      "rate_limited",
      20_000
    ],
    ["the provider fails", down, "unavailable", 2_000],
    ["the provider is slow", slow, "timeout", 2_000]
  ]
  for (const [why, error, waitingFor, atLeastMillis] of waits) {
    it.effect(`while ${why} it waits and holds no worker`, () =>
      Effect.gen(function*() {
        yield* emptyQueues
        const script = makeScript({ poem: [failedGo(error), answered("at last")] })
        const jobs = yield* instance({ script, workers: 1 })
        const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
        const waiting = yield* seenAs(jobs, job, "waiting")
        const now = yield* Clock.currentTimeMillis
        assert.include(waiting, { waitingFor, position: undefined })
        assert.isAbove(waiting.nextTryAt ?? 0, now + atLeastMillis - 1_500)
        assert.isBelow(waiting.nextTryAt ?? Infinity, now + atLeastMillis * 2)
        const other = yield* jobs.submit(submission(freshNamespace(), "another"))
        assert.strictEqual(outcomeText(yield* endOf(jobs, other)), "live: another")
        assert.strictEqual((yield* seenAs(jobs, job, "waiting")).version, waiting.version)
        yield* hasten("turns")
        assert.strictEqual(outcomeText(yield* endOf(jobs, job)), "at last")
      }))
  }

  it.effect("while the circuit is open it waits, and goes live by itself afterwards", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const jobs = yield* instance({ script: makeScript({ poem: [circuitOpen, answered("at last")] }) })
      const from = yield* Clock.currentTimeMillis
      const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
      assert.strictEqual((yield* seenAs(jobs, job, "waiting")).waitingFor, "circuit_open")
      const end = yield* endOf(jobs, job)
      assert.strictEqual(outcomeText(end), "at last")
      assert.isAtLeast((end.endedAt ?? 0) - from, 1_000)
      assert.isBelow((end.endedAt ?? 0) - from, 9_000)
    }))

  it.effect("at its deadline it ends with the fallback, which says what has kept it", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const script = makeScript({ "shown poem": [failedGo(down, 2), failedGo(limited, 0)] })
      const jobs = yield* instance({ script, patience: "1 second" })
      const job = yield* jobs.submit(submission(freshNamespace(), "shown poem"))
      const waiting = yield* seenAs(jobs, job, "waiting")
      assert.isUndefined(waiting.nextTryAt, "its deadline comes first")
      const end = yield* endOf(jobs, job)
      assert.include(end, { status: "succeeded", attempts: 2 })
      assert.strictEqual(outcomeText(end), "a template")
      assert.deepStrictEqual(script.seen.fallbacks, [{ prompt: "shown poem", error: down, attempts: 2 }])
      assert.isAtLeast((end.endedAt ?? 0) - end.createdAt, 1_000)
      assert.isBelow((end.endedAt ?? 0) - end.createdAt, 5_000)
    }))

  it.effect("at its deadline it fails when there is nothing to show, and says why it has no answer", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const jobs = yield* instance({ script: makeScript({ poem: [circuitOpen], other: [Effect.never] }) })
      const namespace = freshNamespace()
      const job = yield* jobs.submit(submission(namespace, "poem"))
      yield* seenAs(jobs, job, "waiting")
      yield* hasten("deadlines")
      const end = yield* endOf(jobs, job)
      assert.strictEqual(end.status, "failed")
      assert.deepStrictEqual(end.outcome, { _tag: "Unanswered", reason: "circuit_open" })
      const never = yield* jobs.submit(submission(namespace, "other"))
      yield* hasten("deadlines")
      assert.deepStrictEqual((yield* endOf(jobs, never)).outcome, { _tag: "Unanswered", reason: "deadline" })
    }))

  it.effect("a job whose turn comes at its deadline is not begun any more", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const idle = yield* instance({ patience: "100 millis" })
      const job = yield* idle.submit(submission(freshNamespace(), "shown poem"))
      yield* Effect.sleep("150 millis")
      const script = makeScript()
      const jobs = yield* instance({ script })
      assert.strictEqual(outcomeText(yield* endOf(jobs, job)), "a template")
      assert.strictEqual(script.seen.calls.size, 0)
    }))

  it.effect("a job ends at its deadline although all workers are busy with others", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const busy = gated(answered("busy"))
      const script = makeScript({ busy: [busy.go] })
      const [long, jobs] = [yield* instance({ script, workers: 1 }), yield* instance({ patience: "200 millis" })]
      const first = yield* long.submit(submission(freshNamespace(), "busy"))
      yield* seenAs(jobs, first, "running")
      const job = yield* jobs.submit(submission(freshNamespace(), "shown poem"))
      assert.strictEqual(outcomeText(yield* endOf(jobs, job)), "a template")
      yield* busy.open
      assert.strictEqual(outcomeText(yield* endOf(jobs, first)), "busy")
    }))

  it.effect("a provider that is being asked at the deadline is asked no longer", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const script = makeScript({ "shown poem": [Effect.never] })
      const jobs = yield* instance({ script, workers: 1 })
      const job = yield* jobs.submit(submission(freshNamespace(), "shown poem"))
      yield* seenAs(jobs, job, "running")
      yield* hasten("deadlines")
      assert.strictEqual(outcomeText(yield* endOf(jobs, job)), "a template")
      const next = yield* jobs.submit(submission(freshNamespace(), "next"))
      assert.strictEqual(outcomeText(yield* endOf(jobs, next)), "live: next")
      assert.deepStrictEqual(script.seen.interrupted, ["shown poem"])
    }))

  it.effect("once it has ended nothing of it is left to do, but its deadline, which finds it done", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const script = makeScript()
      const jobs = yield* instance({ script })
      const job = yield* jobs.submit(submission(freshNamespace(), "shown poem"))
      const end = yield* endOf(jobs, job)
      yield* hasten("deadlines")
      yield* Effect.sleep("300 millis")
      assert.deepStrictEqual(Option.getOrThrow(yield* jobs.get(job.namespace, job.id)), end)
      assert.deepStrictEqual(script.seen.fallbacks, [])
      assert.deepStrictEqual(yield* Effect.all([errandsLeft("turns"), errandsLeft("deadlines")]), [0, 0])
    }))
}
