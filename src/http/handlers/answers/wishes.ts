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

/** Asks for the configured model, whatever that is. */
export const ourModel = "understudy"

/** The model that a request names; none where it asks for the configured one. */
export const modelWish = (model: string | null | undefined): string | undefined =>
  model === null || model === undefined || model === "" || model === ourModel ? undefined : model

/** Whether it would rather have server-sent events than JSON. */
export const wantsEvents = ({ headers: { accept } }: HttpServerRequest.HttpServerRequest): boolean => {
  // Most ask for JSON or for anything.
  if (accept === undefined || !/event-stream/i.test(accept)) return false
  const weights = new Map(
    accept.split(",").map((range) => {
      const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase())
      const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2)
      return [type, weight === undefined ? 1 : Number(weight) || 0]
    })
  )
  const events = weights.get("text/event-stream") ?? 0
  return events > 0 && events >= (weights.get("application/json") ?? 0)
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
