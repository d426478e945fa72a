/** Those who work on jobs: several, interrupted, dying, and in the way of each other. */
import { assert, type Vitest } from "@effect/vitest"
import { Clock, Effect, Exit, Option, Result, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { AiUnavailable } from "../../../src/domain/errors.ts"
import { eventually } from "../../support/http.ts"
import {
  answered,
  emptyQueues,
  endOf,
  failedGo,
  freshNamespace,
  gated,
  instance,
  liveAnswer,
  makeScript,
  outcomeText,
  seenAs,
  seenWith,
  submission
} from "../../support/jobs.ts"

const down = new AiUnavailable({ provider: "p", status: 503, detail: "status 503" })

/** What a worker that was killed leaves behind: errands that it holds, and shows no life for. */
const die = (lastSignSeconds: number) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql`UPDATE understudy_queue SET acquired_by = '00000000-0000-0000-0000-00000000dead', attempts = attempts + 1,
          acquired_at = now() - ${lastSignSeconds}::float8 * interval '1 second'
        WHERE queue_name = 'turns' AND state = 'pending'`
  )

export const workersTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  it.effect("no more are worked on at a time than there are workers, and each by one", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const namespace = freshNamespace()
      const prompts = Array.from({ length: 30 }, (_, n) => `poem ${n}`)
      let [running, peak] = [0, 0]
      const go = (prompt: string) =>
        Effect.acquireUseRelease(
          Effect.sync(() => {
            running += 1
            peak = Math.max(peak, running)
          }),
          () => Effect.delay(answered(prompt), "20 millis"),
          () => Effect.sync(() => running -= 1)
        )
      const script = makeScript(Object.fromEntries(prompts.map((prompt) => [prompt, [go(prompt)]])))
      const one = yield* instance({ script, workers: 3 })
      const other = yield* instance({ script, workers: 2 })
      const jobs = yield* Effect.forEach(prompts, (prompt, n) =>
        (n % 2 === 0 ? one : other).submit(submission(namespace, prompt)), { concurrency: 5 })
      const ends = yield* Effect.forEach(jobs, (job) =>
        endOf(one, job), { concurrency: "unbounded" })
      assert.deepStrictEqual(ends.map(outcomeText), prompts)
      assert.isTrue([...script.seen.calls.values()].every((calls) =>
        calls === 1
      ))
      assert.isAtMost(peak, 5)
      assert.isAbove(peak, 1)
    }))

  it.effect("a worker that stops gives its job back at once, and another takes it", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const stopping = makeScript({ poem: [Effect.never] })
      const scope = yield* Scope.make()
      yield* Scope.provide(instance({ script: stopping, pollInterval: "1 second" }), scope)
      const jobs = yield* instance()
      const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
      yield* seenAs(jobs, job, "running")
      yield* instance({ script: makeScript(), pollInterval: "1 second" })
      const from = yield* Clock.currentTimeMillis
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(outcomeText(yield* endOf(jobs, job)), "live: poem")
      assert.isBelow((yield* Clock.currentTimeMillis) - from, 3_000)
      assert.deepStrictEqual(stopping.seen.interrupted, ["poem"])
    }))

  it.effect("a job that was given back is queued, and counts as one before others", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const jobs = yield* instance()
      const namespace = freshNamespace()
      const job = yield* jobs.submit(submission(namespace, "poem"))
      yield* Effect.scoped(Effect.andThen(
        instance({ script: makeScript({ poem: [Effect.never] }) }),
        seenAs(jobs, job, "running")
      ))
      const next = yield* jobs.submit(submission(namespace, "next"))
      assert.strictEqual(next.position, 1)
      assert.include(Option.getOrThrow(yield* jobs.get(namespace, job.id)), { status: "queued", position: 0 })
    }))

  it.effect("the job of a worker that died is taken over when its lease is over, and not before", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const jobs = yield* instance()
      const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
      yield* jobs.book.call("begin", job.namespace, jobs.book.table.begin({ ...job, turn: 0 }))
      yield* die(8)
      const from = yield* Clock.currentTimeMillis
      yield* instance({ script: makeScript(), pollInterval: "1 second" })
      assert.strictEqual((yield* seenAs(jobs, job, "running")).version, 2)
      assert.strictEqual(outcomeText(yield* endOf(jobs, job)), "live: poem")
      const took = (yield* Clock.currentTimeMillis) - from
      assert.isAbove(took, 1_500)
      assert.isBelow(took, 5_000)
    }))

  it.effect("a turn that two work on comes to one end, and counts the attempts of both", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const lost = gated(Effect.succeed({ attempts: 1, result: Result.succeed(liveAnswer("late")) }))
      const first = makeScript({ poem: [lost.go] })
      yield* instance({ script: first, workers: 1 })
      const jobs = yield* instance()
      const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
      yield* eventually(Effect.sync(() => first.seen.running.size), (size) => size === 1, "it runs")
      const second = makeScript({ poem: [failedGo(down, 2)] })
      yield* instance({ script: second })
      yield* die(20)
      yield* seenWith(jobs, job, (now) => now.attempts === 2 && now.status === "waiting", "the other's turn is over")
      yield* lost.open
      // It is an answer, and nobody has a better one.
      const end = yield* endOf(jobs, job)
      assert.strictEqual(outcomeText(end), "late")
      assert.strictEqual(end.attempts, 3)
    }))

  it.effect("what one that has lost its turn failed with changes nothing", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const lost = gated(failedGo(down, 1))
      const first = makeScript({ poem: [lost.go] })
      yield* instance({ script: first, workers: 1 })
      const jobs = yield* instance()
      const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
      yield* eventually(Effect.sync(() => first.seen.running.size), (size) => size === 1, "it runs")
      yield* instance({ script: makeScript() })
      yield* die(20)
      const end = yield* endOf(jobs, job)
      yield* lost.open
      yield* Effect.sleep("300 millis")
      assert.deepStrictEqual(Option.getOrThrow(yield* jobs.get(job.namespace, job.id)), end)
    }))

  it.effect("a turn that is delivered again, or late, is done once", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const script = makeScript({ poem: [failedGo(down)] })
      const jobs = yield* instance({ script })
      const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
      const waiting = yield* seenAs(jobs, job, "waiting")
      const sql = yield* SqlClient.SqlClient
      yield* sql`UPDATE understudy_queue SET state = 'pending', acquired_at = NULL
        WHERE queue_name = 'turns' AND id = ${`${job.id}:0`}`
      yield* eventually(
        sql<{ readonly state: string }>`SELECT state FROM understudy_queue WHERE id = ${`${job.id}:0`}
          AND queue_name = 'turns'`,
        ([row]) => row?.state === "completed",
        "it is done"
      )
      assert.strictEqual(script.seen.calls.get("poem"), 1)
      assert.deepStrictEqual(Option.getOrThrow(yield* jobs.get(job.namespace, job.id)), waiting)
    }))

  it.effect("errands that nobody can read do not stop the others", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const idle = yield* instance()
      const sql = yield* SqlClient.SqlClient
      for (const queue of ["turns", "deadlines", "callbacks"]) {
        for (
          const element of ["{}", "null", "{\"namespace\":\"\",\"id\":\"x\",\"turn\":0}", "[1,2]", "\"\""]
        ) {
          yield* sql`
            INSERT INTO understudy_queue (id, queue_name, element, state, attempts, visible_at, created_at, updated_at)
            VALUES (${`bad ${element}`}, ${queue}, ${element}, 'pending', 0, now(), now(), now())`
        }
      }
      const callbackUrl = "https://example.com/x"
      const job = yield* idle.submit(submission(freshNamespace(), "poem", { callbackUrl }))
      const late = yield* instance({ patience: "10 millis" })
      const shown = yield* late.submit(submission(freshNamespace(), "shown poem"))
      const jobs = yield* instance({ script: makeScript(), workers: 1 })
      assert.strictEqual(outcomeText(yield* endOf(jobs, job)), "live: poem")
      assert.strictEqual(outcomeText(yield* endOf(jobs, shown)), "a template")
      yield* seenWith(jobs, job, ({ callback }) => callback?.status === "delivered", "it is told of")
    }))

  it.effect("a job whose request cannot be read ends at its deadline", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const idle = yield* instance({ patience: "500 millis" })
      const job = yield* idle.submit(submission(freshNamespace(), "shown poem"))
      const sql = yield* SqlClient.SqlClient
      yield* idle.book.call(
        "break",
        job.namespace,
        sql`UPDATE understudy_jobs SET request = '{"of":"another release"}'`
      )
      const script = makeScript()
      const jobs = yield* instance({ script, workers: 1 })
      const next = yield* jobs.submit(submission(freshNamespace(), "next"))
      assert.strictEqual(outcomeText(yield* endOf(jobs, next)), "live: next")
      const end = yield* endOf(jobs, job)
      assert.deepStrictEqual(end.outcome, { _tag: "Unanswered", reason: "deadline" })
      assert.isFalse(script.seen.calls.has("shown poem"))
    }))

  for (const [how, go] of [["dies", Effect.die("a bug")], ["gives up", Effect.interrupt]] as const) {
    it.effect(`a provider whose client ${how} takes no worker away`, () =>
      Effect.gen(function*() {
        yield* emptyQueues
        const script = makeScript({ poem: [go, answered("at last")] })
        const jobs = yield* instance({ script, workers: 1 })
        const job = yield* jobs.submit(submission(freshNamespace(), "poem"))
        const next = yield* jobs.submit(submission(freshNamespace(), "next"))
        assert.strictEqual(outcomeText(yield* endOf(jobs, next)), "live: next")
        assert.strictEqual(outcomeText(yield* endOf(jobs, job)), "at last")
      }))
  }
}
