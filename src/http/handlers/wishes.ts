/** What the requests for an answer have in common, whatever their body looks like. */
import { Effect } from "effect"
import { type HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { parseCacheControl } from "../../domain/CacheControl.ts"
import type { AiRejected, GenerationUnavailable } from "../../domain/errors.ts"
import { fallbackReasonOf } from "../../domain/ErrorTable.ts"
import type { GenerationRequest } from "../../domain/Generation.ts"
import { formatRetryAfter } from "../../domain/RetryAfter.ts"
import { type InvalidRequest, RequestRefused, Unavailable } from "../api/Problems.ts"
import { invalid } from "./body.ts"

type Wishes = Pick<GenerationRequest, "maxAgeMillis" | "remember">

/** Of the headers: how old a fallback may be, and whether the answer may be kept. */
export const cacheWishes = (
  { headers }: HttpServerRequest.HttpServerRequest
): Effect.Effect<Wishes, InvalidRequest> => {
  const control = parseCacheControl(headers["cache-control"])
  return control._tag === "Failure"
    ? Effect.fail(invalid("header.cache-control", control.failure))
    : Effect.succeed({ maxAgeMillis: control.success.maxAgeMillis, remember: !control.success.noStore })
}

/** For clients whose body has no room for them. */
export const scopeWishes = (
  { headers }: HttpServerRequest.HttpServerRequest
): Pick<GenerationRequest, "contentType" | "locale"> => ({
  contentType: nameIn(headers["understudy-content-type"]),
  locale: nameIn(headers["understudy-locale"])
})

const nameIn = (header: string | undefined): string | undefined =>
  header === undefined || header.trim() === "" ? undefined : header.trim().slice(0, 200)

/** What is left of the ladder, as the problems of the contract. */
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
