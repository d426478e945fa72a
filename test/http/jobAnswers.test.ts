/** A job in JSON, for its endpoints and its callback. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { GenerationId, Namespace } from "../../src/domain/Generation.ts"
import { CallbackStatus, type Job, JobForm, JobStatus } from "../../src/domain/jobs/Job.ts"
import { JobId } from "../../src/domain/jobs/JobId.ts"
import { JobResponse, JobSummaryResponse } from "../../src/http/api/Job.ts"
import { jobJson, jobSummaryJson } from "../../src/http/handlers/answers/jobAnswers.ts"
import { answered, refused, unanswered } from "../support/jobService.ts"

const strict = { onExcessProperty: "error" } as const
const decodeJob = Schema.decodeUnknownSync(Schema.fromJsonString(JobResponse), strict)
const decodeSummary = Schema.decodeUnknownSync(Schema.fromJsonString(JobSummaryResponse), strict)

const time = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_000_000_000_000 }))
const maybeTime = Schema.UndefinedOr(time)

const Outlines = Schema.Struct({
  form: JobForm,
  status: JobStatus,
  times: Schema.Tuple([time, maybeTime, maybeTime, time, maybeTime, maybeTime]),
  outcome: Schema.Literals(["none", "answered", "cached", "refused", "unanswered"]),
  callback: Schema.UndefinedOr(CallbackStatus),
  words: Schema.String,
  attempts: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 }))
})

const outcomes = {
  none: undefined,
  answered,
  cached: {
    _tag: "Answered",
    generation: {
      source: "cache",
      id: GenerationId.make("gen_earlier"),
      text: "an earlier answer",
      attempts: 1,
      model: "m-1",
      usage: undefined,
      reason: "deadline",
      match: "similar",
      similarity: 0.9,
      ageMillis: 1_000
    }
  },
  refused,
  unanswered
} as const

const jobOf = ({ attempts, callback, form, outcome, status, times, words }: typeof Outlines.Type): Job => ({
  id: JobId.make("job_1"),
  namespace: Namespace.make("alpha"),
  form,
  status,
  position: times[1],
  attempts,
  waitingFor: undefined,
  nextTryAt: times[1],
  createdAt: times[0],
  startedAt: times[1],
  endedAt: times[2],
  deadline: times[3],
  expiresAt: times[4],
  version: 7,
  outcome: outcomes[outcome],
  callback: callback === undefined ? undefined : { url: words, status: callback, attempts, lastError: words },
  upgradeOf: undefined
})

describe("a job in JSON", () => {
  it.prop("is as the contract has it, and says nothing of whose it is", [Outlines], ([outline]) => {
    const job = jobOf(outline)
    const text = JSON.stringify(jobJson(job))
    const { error, position: _, result, ...summary } = decodeJob(text)
    assert.strictEqual(result !== null, outline.outcome === "answered" || outline.outcome === "cached")
    assert.strictEqual(error !== null, outline.outcome === "refused" || outline.outcome === "unanswered")
    assert.notInclude(text, "alpha")
    assert.deepStrictEqual(decodeSummary(JSON.stringify(jobSummaryJson(job))), summary)
    assert.strictEqual(Date.parse(summary.created_at), job.createdAt)
    if (result !== null && "created" in result) {
      assert.strictEqual(result.created, Math.floor((job.endedAt ?? job.createdAt) / 1_000))
    }
  })

  it("has the error of the endpoint that was asked", () => {
    const base = {
      status: "failed",
      times: [0, undefined, 0, 0, 0, undefined],
      callback: undefined,
      words: "",
      attempts: 1
    } as const
    const errorOf = (form: JobForm, outcome: "refused" | "unanswered") =>
      jobJson(jobOf({ ...base, form, outcome })).error
    assert.deepEqual(errorOf("generate", "refused"), {
      type: "urn:understudy:problem:request-refused",
      status: 422,
      title: "The AI provider refused this request",
      detail: "against our policy",
      provider: "scripted",
      provider_status: 400
    })
    assert.deepInclude(errorOf("generate", "unanswered"), {
      type: "urn:understudy:problem:unavailable",
      status: 503,
      detail: "No live answer (circuit_open), nothing like it in the cache, and no template"
    })
    assert.deepEqual(errorOf("chat", "unanswered"), {
      message: "No live answer (circuit_open), nothing like it in the cache, and no template",
      type: "server_error",
      param: null,
      code: "unavailable"
    })
  })
})
