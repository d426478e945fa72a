/** What is left of the ladder, as the problems of the contract. */
import { Duration, Effect } from "effect"
import { HttpServerRespondable, HttpServerResponse } from "effect/http"
import type { AiRejected, GenerationUnavailable } from "../../../domain/errors.ts"
import type { FallbackReason } from "../../../domain/Generation.ts"
import type { JobFailure } from "../../../domain/jobs/Job.ts"
import { fallbackReasonOf } from "../../../domain/ladder/ErrorTable.ts"
import { formatRetryAfter } from "../../../domain/ladder/RetryAfter.ts"
import { RequestRefused, Unavailable } from "../../api/Problems.ts"

/** For `Effect.catchTags`. */
export const refusals = {
  AiRejected: (error: AiRejected) => Effect.fail(refused(error)),
  GenerationUnavailable: (error: GenerationUnavailable) =>
    respondLater(unanswered(fallbackReasonOf(error.cause), error.retryAfter))
}

/** Why a job has no answer: the very problem that its asker would have been answered. */
export const failureProblem = (failure: JobFailure): RequestRefused | Unavailable =>
  failure._tag === "Refused" ? refused(failure) : unanswered(failure.reason, afterAJob)

/** The same as a response. */
export const failureResponse = (failure: JobFailure): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const problem = failureProblem(failure)
  return "retry_after" in problem ? respondLater(problem) : HttpServerRespondable.toResponse(problem)
}

/** A job has waited for as long as it may: nobody knows better than that it needs some time more. */
const afterAJob = Duration.seconds(30)

const refused = ({ message, provider, status }: Pick<AiRejected, "message" | "provider" | "status">) =>
  new RequestRefused({ detail: message, provider, provider_status: status })

const unanswered = (reason: FallbackReason, retryAfter: Duration.Duration) =>
  new Unavailable({
    detail: `No live answer (${reason}), nothing like it in the cache, and no template`,
    retry_after: Number(formatRetryAfter(retryAfter))
  })

/** With a `Retry-After` that says the same. */
export const respondLater = (problem: HttpServerRespondable.Respondable & { readonly retry_after: number }) =>
  Effect.map(
    HttpServerRespondable.toResponse(problem),
    HttpServerResponse.setHeader("retry-after", String(problem.retry_after))
  )
