/** What a request for an answer says in its headers. */
import { Effect } from "effect"
import type { HttpServerRequest } from "effect/http"
import { parseCacheControl } from "../../../domain/CacheControl.ts"
import type { GenerationRequest } from "../../../domain/Generation.ts"
import type { InvalidRequest } from "../../api/Problems.ts"
import { invalid } from "../body.ts"

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
