/** The words of a provider that refuses a request, made fit for our user. Pure. */
import { Predicate, Redacted } from "effect"
import { secretPattern } from "../../domain/text/Secrets.ts"

const maxLength = 500

/**
 * The message in an error body, in the shapes that providers use (`{error: {message}}`, `{error}`, `{message}`,
 * `{detail}`): one line, at most 500 characters, and never with our key in it.
 */
export const errorMessageOf = (body: string, apiKey: Redacted.Redacted | undefined): string => {
  const words = messageIn(body) ?? "the provider refused the request without saying why"
  const safe = (apiKey === undefined ? words : words.replaceAll(secretPattern(Redacted.value(apiKey)), "[key]"))
    .replaceAll(/\b(?:sk|key|Bearer)[-_ ][\w.-]{12,}/gi, "[key]")
    .replaceAll(/\s+/g, " ")
    .trim()
  return safe.length <= maxLength ? safe : `${safe.slice(0, maxLength - 1)}…`
}

const messageIn = (body: string): string | undefined => {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return undefined
  }
  if (!Predicate.isObject(json)) return undefined
  for (const candidate of [json["error"], json["message"], json["detail"]]) {
    if (Predicate.isString(candidate) && candidate.trim() !== "") return candidate
    const message = Predicate.isObject(candidate) ? candidate["message"] : undefined
    if (Predicate.isString(message) && message.trim() !== "") return message
  }
  return undefined
}
