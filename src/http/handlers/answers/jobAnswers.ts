/** A job in the words of the contract: for its endpoints, and for whoever is told of its end. Pure. */
import { DateTime, Schema } from "effect"
import type { Generation } from "../../../domain/Generation.ts"
import type { Job, JobFailure, JobForm, JobSummary } from "../../../domain/jobs/Job.ts"
import type { JobResponse, JobSummaryResponse } from "../../api/Job.ts"
import { RequestRefused, Unavailable } from "../../api/Problems.ts"
import { openAiErrorOf } from "../openAiErrors.ts"
import { completionOf } from "./chatAnswers.ts"
import { toResponse } from "./generateAnswers.ts"
import { failureProblem } from "./refusals.ts"

/** As the schema of the contract has it; a completion may be whatever the provider has said. */
export interface JobJson extends Omit<typeof JobResponse.Type, "result" | "error"> {
  readonly result: object | null
  readonly error: object | null
}

export const jobJson = (job: Job): JobJson => {
  const { endedAt, form, outcome, position } = job
  return {
    ...jobSummaryJson(job),
    position: position ?? null,
    result: outcome?._tag === "Answered" ? answerJson(form, outcome.generation, endedAt ?? job.createdAt) : null,
    error: outcome === undefined || outcome._tag === "Answered" ? null : failureJson(form, outcome)
  }
}

/**
 * What is sent to a callback, in the form that Standard Webhooks recommends: the same at every attempt, and so without
 * what changes with them.
 */
export const callbackBody = (job: Job): string => {
  const { callback: _, expires_at: __, ...data } = jobJson(job)
  return JSON.stringify({ type: `job.${job.status}`, timestamp: iso(job.endedAt ?? job.createdAt), data })
}

export const jobSummaryJson = (job: JobSummary): typeof JobSummaryResponse.Type => ({
  id: job.id,
  object: "job",
  status: job.status,
  attempts: job.attempts,
  waiting_for: job.waitingFor ?? null,
  next_try_at: isoOrNull(job.nextTryAt),
  created_at: iso(job.createdAt),
  started_at: isoOrNull(job.startedAt),
  ended_at: isoOrNull(job.endedAt),
  deadline: iso(job.deadline),
  expires_at: isoOrNull(job.expiresAt),
  callback: job.callback === undefined ? null : {
    url: job.callback.url,
    status: job.callback.status,
    attempts: job.callback.attempts,
    last_error: job.callback.lastError ?? null
  },
  upgrade_of: job.upgradeOf ?? null
})

/** What the endpoint that was asked would have answered. */
export const answerJson = (form: JobForm, generation: Generation, endedAt: number): object =>
  form === "chat" ? completionOf(generation, Math.floor(endedAt / 1_000)) : toResponse(generation)

const failureJson = (form: JobForm, failure: JobFailure): object => {
  const problem = failureProblem(failure)
  return form === "chat" ? openAiErrorOf(problem).error : encodeProblem(problem)
}

const encodeProblem = Schema.encodeSync(Schema.Union([RequestRefused, Unavailable]))

const iso = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))
const isoOrNull = (millis: number | undefined): string | null => millis === undefined ? null : iso(millis)
