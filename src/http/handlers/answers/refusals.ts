/** What is left of the ladder, as the problems of the contract. */
import { Effect } from "effect"
import { HttpServerRespondable, HttpServerResponse } from "effect/http"
import type { AiRejected, GenerationUnavailable } from "../../../domain/errors.ts"
import { fallbackReasonOf } from "../../../domain/ladder/ErrorTable.ts"
import { formatRetryAfter } from "../../../domain/ladder/RetryAfter.ts"
import { RequestRefused, Unavailable } from "../../api/Problems.ts"

/** For `Effect.catchTags`. */
export const refusals = {
  AiRejected: (error: AiRejected) =>
    Effect.fail(
      new RequestRefused({ detail: error.message, provider: error.provider, provider_status: error.status })
    ),
  GenerationUnavailable: (error: GenerationUnavailable) => {
    const seconds = formatRetryAfter(error.retryAfter)
    const problem = new Unavailable({
      detail: `No live answer (${fallbackReasonOf(error.cause)}), nothing like it in the cache, and no template`,
      retry_after: Number(seconds)
    })
    return Effect.map(HttpServerRespondable.toResponse(problem), HttpServerResponse.setHeader("retry-after", seconds))
  }
}
