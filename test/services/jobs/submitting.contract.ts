/** What becomes of a job from its submission to its first turn. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { SqlClient } from "effect/sql"
import { StoreUnavailable } from "../../../src/domain/errors.ts"
import type { GenerationRequest } from "../../../src/domain/Generation.ts"
import { GenerationId } from "../../../src/domain/Generation.ts"
import { JobId } from "../../../src/domain/jobs/JobId.ts"
import { JobBook } from "../../../src/services/jobs/JobBook.ts"
import { makePostgres } from "../../../src/services/jobs/JobsPostgres.ts"
import { eventually } from "../../support/http.ts"
import {
  answered,
  emptyQueues,
  endOf,
  freshNamespace,
  gated,
  instance,
  makeScript,
  outcomeText,
  seenAs,
  submission
} from "../../support/jobs.ts"

export const submittingTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  it.effect("a job is there for every process once its submission returns", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const namespace = freshNamespace()
      const more = {
        form: "chat",
        callbackUrl: "https://example.com/x",
        upgradeOf: GenerationId.make("gen_0")
      } as const
      const job = yield* Effect.scoped(
        Effect.flatMap(instance({ patience: "1 minute" }), (own) => own.submit(submission(namespace, "a poem", more)))
      )
      assert.include(job, { namespace, form: "chat", status: "queued", position: 0, attempts: 0 })
      assert.strictEqual(job.upgradeOf, more.upgradeOf)
      assert.strictEqual(job.deadline - job.createdAt, 60_000)
      assert.deepStrictEqual([job.startedAt, job.endedAt, job.expiresAt, job.outcome], Array(4).fill(undefined))
      assert.deepStrictEqual(job.callback, {
        url: "https://example.com/x",
        status: "pending",
        attempts: 0,
        lastError: undefined
      })
      const other = yield* instance({ script: makeScript() })
      assert.strictEqual(outcomeText(yield* endOf(other, job)), "live: a poem")
    }))

  it.effect("a job whose submission was stored and not heard of is taken back", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      const jobs = yield* instance()
      const stored: Array<number> = []
      const unheard = new StoreUnavailable({ operation: "Jobs.submit", cause: new Error("the connection is gone") })
      const book = JobBook.of({
        ...jobs.book,
        call: (operation, within, statements) =>
          operation === "submit"
            ? jobs.book.call(operation, within, statements).pipe(
              Effect.andThen(jobs.list(namespace, { limit: 10 })),
              Effect.tap((page) => Effect.sync(() => stored.push(page.jobs.length))),
              Effect.andThen(Effect.fail(unheard))
            )
            : jobs.book.call(operation, within, statements)
      })
      const { submit } = yield* Effect.provideService(makePostgres({}), JobBook, book)
      assert.strictEqual(yield* Effect.flip(submit(submission(namespace, "a poem"))), unheard)
      assert.deepStrictEqual(stored, [1])
      yield* eventually(
        Effect.orDie(jobs.list(namespace, { limit: 10 })),
        (page) => page.jobs.length === 0,
        "it is taken back"
      )
    }))

  it.effect("a job that was submitted while nobody works waits for whoever does", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const jobs = yield* instance()
      const job = yield* jobs.submit(submission(freshNamespace(), "a poem"))
      yield* Effect.sleep("200 millis")
      assert.deepInclude(Option.getOrThrow(yield* jobs.get(job.namespace, job.id)), { status: "queued", version: 1 })
      yield* instance({ script: makeScript() })
      const end = yield* endOf(jobs, job)
      assert.strictEqual(outcomeText(end), "live: a poem")
      assert.isAtLeast(end.startedAt ?? 0, end.createdAt)
      assert.isAtLeast(end.endedAt ?? 0, end.startedAt ?? Infinity)
    }))

  it.effect("no job is taken beyond the limit of its namespace, and others are not affected", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const [full, other] = [freshNamespace(), freshNamespace()]
      const jobs = yield* instance({ limit: 2 })
      const first = yield* jobs.submit(submission(full, "one"))
      yield* jobs.submit(submission(full, "two"))
      const error = yield* Effect.flip(jobs.submit(submission(full, "three")))
      assert.deepInclude(error, { _tag: "JobsFull", limit: 2 })
      assert.lengthOf((yield* jobs.list(full, { limit: 10 })).jobs, 2)
      yield* jobs.submit(submission(other, "one"))
      yield* jobs.cancel(full, first.id)
      yield* jobs.submit(submission(full, "three"))
    }))

  it.effect("the position counts those before it, whosever they are, and goes down", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const first = gated(answered("one"))
      const script = makeScript({ one: [first.go] })
      const jobs = yield* instance()
      const submitted = yield* Effect.forEach(
        ["one", "two", "three"],
        (prompt) => jobs.submit(submission(freshNamespace(), prompt))
      )
      assert.deepStrictEqual(submitted.map((job) => job.position), [0, 1, 2])
      yield* instance({ script, workers: 1 })
      const [one, , three] = submitted
      if (one === undefined || three === undefined) return assert.fail()
      assert.isUndefined((yield* seenAs(jobs, one, "running")).position)
      assert.strictEqual(Option.getOrThrow(yield* jobs.get(three.namespace, three.id)).position, 1)
      yield* first.open
      assert.isUndefined((yield* endOf(jobs, three)).position)
      assert.deepStrictEqual(script.seen.requests.map(({ prompt }) => prompt), ["one", "two", "three"])
    }))

  it.effect("a worker gets what was asked as it was", () =>
    Effect.gen(function*() {
      yield* emptyQueues
      const namespace = freshNamespace()
      const script = makeScript()
      const jobs = yield* instance({ script })
      const hostile = "a NUL \0, half a pair \ud83d, the other half \ude00, a face 🙂, \u2028 and \"quotes\\"
      const plain = { namespace, maxTokens: 10, remember: true }
      const requests: ReadonlyArray<GenerationRequest> = [
        { ...plain, prompt: hostile, context: hostile, contentType: hostile, locale: "de-AT", model: "m\0" },
        { ...plain, prompt: "x🙂".repeat(100_000), remember: false, maxAgeMillis: 0, isExactOnly: true },
        {
          ...plain,
          prompt: "last message",
          chat: {
            body: {
              messages: [{ role: "user", content: hostile, extra: [null, 1e300, {}] }],
              unknown: { "": [hostile] }
            },
            transcript: hostile,
            isTextOnly: false
          }
        }
      ]
      for (const request of requests) {
        const job = yield* jobs.submit({ form: "chat", request })
        const end = yield* endOf(jobs, job)
        assert.deepStrictEqual(script.seen.requests.at(-1), request)
        assert.strictEqual(outcomeText(end), `live: ${request.prompt}`)
      }
    }))

  it.effect("an id that was never given names nothing, whatever is in it", () =>
    Effect.gen(function*() {
      const jobs = yield* instance()
      const namespace = freshNamespace()
      for (const id of ["", "job_1", "a\0b", "\ud800", "'; --", "x".repeat(10_000)].map((text) => JobId.make(text))) {
        assert.isTrue(Option.isNone(yield* jobs.get(namespace, id)), id)
        assert.isTrue(Option.isNone(yield* jobs.cancel(namespace, id)), id)
        assert.isTrue(Option.isNone(yield* jobs.sendAgain(namespace, id)), id)
      }
    }))
}
