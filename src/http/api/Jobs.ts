/** What a caller may do with the jobs of its own namespace. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { CallbackStatus, JobStatus } from "../../domain/jobs/Job.ts"
import { JobId } from "../../domain/jobs/JobId.ts"
import { Authorization } from "./Authorization.ts"
import { describesJobs } from "./Description.ts"
import { isName } from "./Generations.ts"
import { JobResponse, JobSummaryResponse } from "./Job.ts"
import { DatabaseUnavailable, InternalError, InvalidRequest, NotFound } from "./Problems.ts"

const params = { id: JobId.check(isName).annotate({ description: "The `id` of a job, as `Location` names it" }) }
const error = [InvalidRequest, NotFound, InternalError, DatabaseUnavailable] as const

/** How many a page has unless it is said. */
export const usualJobs = 20

const limitMessage = { message: "Expected a whole number from 1 to 100" }

const query = {
  status: Schema.optionalKey(JobStatus).annotate({ description: "Those that are so" }),
  callback: Schema.optionalKey(CallbackStatus).annotate({
    description: "Those whose callback is so: `failed` are the dead letters"
  }),
  limit: Schema.optionalKey(
    Schema.FiniteFromString.check(
      Schema.isInt(limitMessage),
      Schema.isBetween({ minimum: 1, maximum: 100 }, limitMessage)
    )
  ).annotate({ description: `At most so many, 1 to 100; ${usualJobs} when left out` }),
  cursor: Schema.optionalKey(
    Schema.String.check(Schema.isMaxLength(1_000, { message: "Expected at most 1000 characters" }))
  ).annotate({ description: "`next` of the page before" })
}

const text = "event: job\nid: 3\ndata: {\"id\":\"job_1\",\"object\":\"job\",\"status\":\"succeeded\", …}\n\n" +
  "event: done\nid: 3\ndata: {\"id\":\"job_1\",\"status\":\"succeeded\"}\n\n"

/** The endpoints for jobs. */
export class JobsApi extends HttpApiGroup.make("jobs").add(
  HttpApiEndpoint.get("list", "/jobs", {
    query,
    success: Schema.Struct({
      jobs: Schema.Array(JobSummaryResponse),
      next: Schema.NullOr(Schema.String).annotate({ description: "`cursor` of the next page; null after the last" })
    }),
    error: [InvalidRequest, InternalError, DatabaseUnavailable]
  }).annotateMerge(describesJobs({
    summary: "List the jobs of your namespace",
    description: "The newest first, without their results."
  })),
  HttpApiEndpoint.get("get", "/jobs/:id", { params, success: JobResponse, error }).annotateMerge(describesJobs({
    summary: "A generation in the background",
    description: "How far it is, and its result once it has one. 404: your namespace has no such job, or not any more.",
    statuses: { 200: "The job" }
  })),
  HttpApiEndpoint.delete("cancel", "/jobs/:id", { params, success: JobResponse, error }).annotateMerge(describesJobs({
    summary: "Cancel a job",
    description: "Ends it, and answers the job as it is then. One that has ended stays as it is.",
    statuses: { 200: "The job" }
  })),
  HttpApiEndpoint.get("events", "/jobs/:id/events", {
    params,
    success: [
      Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/event-stream" })),
      HttpApiSchema.NoContent
    ],
    error
  }).annotateMerge(describesJobs({
    summary: "Follow a job",
    description:
      "Server-sent events: `job` with the job now and whenever something of it has changed, then `done`. Each has the " +
      "job's version as its id. An EventSource that has seen the end gets 204 when it comes back, and stops.",
    requestHeaders: {
      "Last-Event-ID": { description: "The last id that was seen; an EventSource sends it", example: "3" }
    },
    statuses: { 200: "Events until the job has ended", 204: "The job has ended, and this was seen before" },
    example: text
  })),
  HttpApiEndpoint.post("sendAgain", "/jobs/:id/callback", {
    params,
    success: JobResponse.annotate({ httpApiStatus: 202 }),
    error
  }).annotateMerge(describesJobs({
    summary: "Send a callback once more",
    description:
      "For one that was given up: it is tried again from the beginning. 404: your namespace has no such job, or its " +
      "callback was not given up.",
    statuses: { 202: "The job: its callback is under way" }
  }))
).middleware(Authorization) {}
