/** A generation in the background, as its asker sees it. */
import { Schema } from "effect"
import { FallbackReason } from "../../domain/Generation.ts"
import { CallbackStatus, JobStatus } from "../../domain/jobs/Job.ts"
import { JobId } from "../../domain/jobs/JobId.ts"
import { ChatCompletion, ChatError, GenerateResponse } from "./Answers.ts"

/** What the body of a request may say of the background, beside its `Prefer` header. */
export const backgroundFields = {
  callback_url: Schema.optionalKey(Schema.NullOr(
    Schema.String.check(
      Schema.isMinLength(1, { message: "Expected a URL, or leave it out" }),
      Schema.isMaxLength(2_000, { message: "Expected at most 2000 characters" })
    ).annotate({ description: "Told once the job has ended; with `Prefer` or `upgrade`, for it needs a job" })
  )),
  upgrade: Schema.optionalKey(Schema.NullOr(Schema.Boolean)).annotate({
    description: "As `Prefer: upgrade`: an answer that is not live is followed by a live one, from a job"
  })
}

const nullable = <S extends Schema.Constraint>(schema: S, description: string) =>
  Schema.NullOr(schema).annotate({ description })

const time = (description: string) => nullable(Schema.String, `${description}, ISO 8601`)

/** What the endpoint would have said in place of an answer. */
const JobError = Schema.Union([
  Schema.Struct({
    type: Schema.String,
    title: Schema.String,
    status: Schema.Int,
    detail: Schema.String,
    provider: Schema.optionalKey(Schema.String),
    provider_status: Schema.optionalKey(Schema.Int),
    retry_after: Schema.optionalKey(Schema.Int)
  }),
  ChatError.fields.error
])

const summary = {
  id: JobId,
  object: Schema.Literal("job"),
  status: JobStatus.annotate({
    description: "queued, running, waiting (nobody could be asked just now); or at its end succeeded, failed, canceled"
  }),
  attempts: Schema.Int.annotate({ description: "Attempts that reached the provider so far" }),
  waiting_for: nullable(FallbackReason, "Why it waits; null unless it does"),
  next_try_at: time("When a waiting job is tried again"),
  created_at: Schema.String.annotate({ description: "ISO 8601, as all times" }),
  started_at: time("When a worker took it first"),
  ended_at: time("When it ended"),
  deadline: Schema.String.annotate({ description: "When it ends with a fallback, if it has not before" }),
  expires_at: time("When it is forgotten; known once it has ended"),
  callback: nullable(
    Schema.Struct({
      url: Schema.String,
      status: CallbackStatus.annotate({ description: "failed: given up; it can be sent once more" }),
      attempts: Schema.Int,
      last_error: Schema.NullOr(Schema.String)
    }),
    "null without `callback_url`"
  ),
  upgrade_of: nullable(Schema.String, "The `id` of the fallback that was shown meanwhile")
}

/** In a list: without what is long, and what is another thing a moment later. */
export const JobSummaryResponse = Schema.Struct(summary).annotate({ identifier: "JobSummary" })

/** A job with its result: 202 of what generates, and 200 of `GET /jobs/{id}`. */
export const JobResponse = Schema.Struct({
  ...summary,
  position: nullable(Schema.Int, "While it is queued: how many are taken before it, whosever they are"),
  result: nullable(
    Schema.Union([GenerateResponse, ChatCompletion]),
    "What the endpoint that was asked would have answered; null before, and when there is no answer"
  ),
  error: nullable(
    JobError,
    "The problem that POST /generate would have answered, or the `error` of POST /v1/chat/completions; else null"
  )
}).annotate({ identifier: "Job" })
