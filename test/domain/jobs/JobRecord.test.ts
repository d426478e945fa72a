import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import {
  AiMalformed,
  AiRateLimited,
  AiTimeout,
  AiUnauthorized,
  AiUnavailable,
  CircuitOpen,
  DeadlineExceeded,
  LimitExceeded
} from "../../../src/domain/errors.ts"
import { FallbackReason, Namespace } from "../../../src/domain/Generation.ts"
import { JobId } from "../../../src/domain/jobs/JobId.ts"
import { failureCodec, outcomeCodec, requestCodec } from "../../../src/domain/jobs/JobRecord.ts"
import { type AnswerCodec, AnyGeneration } from "../../../src/domain/RecordedAnswer.ts"
import { jobOf, type JobRow, summaryOf } from "../../../src/services/jobs/JobRow.ts"

/** Any text, halves of pairs too. */
const text = Schema.Array(Schema.Literals(["a", "\0", "\ud83d", "\ude00", "🙂", "\"", "\\", "\u2028", "é"]))
const Request = Schema.Struct({
  prompt: text,
  maxTokens: Schema.Int,
  model: Schema.optionalKey(Schema.String),
  context: Schema.optionalKey(Schema.String),
  maxAgeMillis: Schema.optionalKey(Schema.Finite),
  remember: Schema.Boolean,
  isExactOnly: Schema.optionalKey(Schema.Boolean),
  body: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
})

const Failure = Schema.Union([
  AiTimeout,
  AiRateLimited,
  AiUnavailable,
  AiMalformed,
  AiUnauthorized,
  CircuitOpen,
  LimitExceeded,
  DeadlineExceeded
])

const Status = Schema.Int.check(Schema.isBetween({ minimum: 400, maximum: 599 }))

const namespace = Namespace.make("site")

/** As it would be read by another process: JSON knows no undefined, and its one zero. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const back = <A>(codec: AnswerCodec<A>, value: A): A =>
  Option.getOrThrow(Option.flatMap(codec.encode(value), codec.decode))

describe("what is kept of a job", () => {
  it.prop("comes back as it was asked", [Request], ([{ body, prompt, ...request }]) => {
    const asked = {
      ...request,
      namespace,
      prompt: prompt.join(""),
      ...body && { chat: { body, transcript: prompt.join(""), isTextOnly: false } }
    }
    assert.deepStrictEqual(plain(back(requestCodec, asked)), plain(asked))
    assert.notInclude(Option.getOrThrow(requestCodec.encode(asked)), "\0")
  })

  it.prop("comes back as it was answered", [AnyGeneration, text], ([generation, words]) => {
    const outcome = { _tag: "Answered", generation: { ...generation, text: words.join("") } } as const
    assert.deepStrictEqual(plain(back(outcomeCodec, outcome)), plain(outcome))
  })

  it.prop("comes back as it failed", [text, FallbackReason, Status], ([words, reason, status]) => {
    for (
      const outcome of [
        { _tag: "Refused", provider: "p", status, message: words.join("") },
        { _tag: "Unanswered", reason }
      ] as const
    ) assert.deepStrictEqual(back(outcomeCodec, outcome), outcome)
  })

  it.prop("comes back with what it waits for", [Failure], ([error]) => {
    const read = back(failureCodec, error)
    assert.strictEqual(read.constructor, error.constructor)
    assert.deepStrictEqual(plain(read), plain(error))
    assert.strictEqual(read.message, error.message)
  })

  it("is nothing when it was written by somebody else", () => {
    for (const { decode } of [requestCodec, outcomeCodec, failureCodec]) {
      for (const other of ["", "null", "{}", "[]", "{\"_tag\":\"AiRejected\"}", "{\"_tag\":\"Later\"}"]) {
        assert.isTrue(decode(other)._tag === "None", other)
      }
    }
  })
})

const row: JobRow = {
  seq: "1",
  id: "job_1",
  form: "generate",
  status: "queued",
  version: 1,
  attempts: 0,
  waiting_for: null,
  next_try_at: null,
  created_at: 1,
  started_at: null,
  ended_at: null,
  deadline: 2,
  expires_at: null,
  upgrade_of: null,
  callback_url: null,
  callback_status: null,
  callback_attempts: 0,
  callback_error: null,
  position: 0,
  outcome: null
}

describe("a row", () => {
  it("is a job without what it has not, and a first place is a place", () => {
    const job = jobOf(namespace, row)
    assert.deepInclude(job, { id: JobId.make("job_1"), position: 0, callback: undefined, upgradeOf: undefined })
    assert.isFalse(Object.values(job).includes(null))
    assert.notProperty(summaryOf(namespace, row), "outcome")
  })

  it("of another release is read as far as it goes", () => {
    const later = {
      ...row,
      waiting_for: "the moon",
      outcome: "{\"_tag\":\"Later\"}",
      callback_url: "https://example.com"
    }
    const job = jobOf(namespace, later)
    assert.isUndefined(job.waitingFor)
    assert.deepStrictEqual(job.outcome, { _tag: "Unanswered", reason: "malformed" })
    assert.deepInclude(job.callback, { status: "pending", lastError: undefined })
  })
})
