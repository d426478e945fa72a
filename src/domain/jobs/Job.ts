/** A generation that somebody comes back for. Times are milliseconds since the epoch, by the database's clock. */
import { Schema } from "effect"
import type { FallbackReason, Generation, GenerationId, GenerationRequest, Namespace } from "../Generation.ts"
import type { JobId } from "./JobId.ts"

/**
 * `queued`: waits for a worker. `running`: a worker asks a provider. `waiting`: nobody could be asked just now, and it
 * is tried again later. The other three are ends: `succeeded` with an answer, live or not; `failed` with none.
 */
export const JobStatus = Schema.Literals(["queued", "running", "waiting", "succeeded", "failed", "canceled"])
export type JobStatus = typeof JobStatus.Type

/** Nothing about it changes any more but its callback. */
export const hasEnded = (status: JobStatus): boolean =>
  status === "succeeded" || status === "failed" || status === "canceled"

/** Whose words the result is written in. */
export const JobForm = Schema.Literals(["generate", "chat"])
export type JobForm = typeof JobForm.Type

/** What is asked for. */
export interface JobSubmission {
  readonly form: JobForm
  readonly request: GenerationRequest
  /** Told once the job has ended. */
  readonly callbackUrl?: string | undefined
  /** The fallback that was shown meanwhile. */
  readonly upgradeOf?: GenerationId | undefined
}

/** Why a job has no answer. */
export type JobFailure = JobRefused | JobUnanswered

/** The provider refuses the request itself. */
export interface JobRefused {
  readonly _tag: "Refused"
  readonly provider: string
  readonly status: number
  readonly message: string
}

/** Its deadline came, and there was nothing to show instead. */
export interface JobUnanswered {
  readonly _tag: "Unanswered"
  readonly reason: FallbackReason
}

/** What came of a job: an answer, which may be a fallback, or why there is none. */
export type JobOutcome =
  | { readonly _tag: "Answered"; readonly generation: Generation }
  | JobFailure

/** `failed`: given up after a day of tries. It can be sent again. */
export const CallbackStatus = Schema.Literals(["pending", "delivered", "failed"])
export type CallbackStatus = typeof CallbackStatus.Type

/** Who is told of the end, and how far that is. */
export interface JobCallback {
  readonly url: string
  readonly status: CallbackStatus
  readonly attempts: number
  /** What the last attempt failed with, in our words. */
  readonly lastError: string | undefined
}

/** Everything that its asker may see. */
export interface Job {
  readonly id: JobId
  readonly namespace: Namespace
  readonly form: JobForm
  readonly status: JobStatus
  /** While it is queued: how many are taken before it, whosever they are; 1,000 for so many and more. */
  readonly position: number | undefined
  /** That reached a provider, so far. */
  readonly attempts: number
  /** While it waits: why. */
  readonly waitingFor: FallbackReason | undefined
  /** While it waits: when it is tried again. */
  readonly nextTryAt: number | undefined
  readonly createdAt: number
  readonly startedAt: number | undefined
  readonly endedAt: number | undefined
  /** When it ends with a fallback, if it has not before. */
  readonly deadline: number
  /** When it is forgotten; known once it has ended. */
  readonly expiresAt: number | undefined
  /** Changes with each change of the job. */
  readonly version: number
  readonly outcome: JobOutcome | undefined
  readonly callback: JobCallback | undefined
  readonly upgradeOf: GenerationId | undefined
}

/** In a list nobody's texts are carried along. */
export type JobSummary = Omit<Job, "outcome" | "position">
