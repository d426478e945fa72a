/** Reads a JSON body into a schema, with a problem for each way in which it can be wrong. */
import { ByteSize, Effect, Schema, SchemaIssue } from "effect"
import { HttpIncomingMessage, type HttpServerError, type HttpServerRequest } from "effect/http"
import { BodyTooLarge, InvalidRequest, UnsupportedMediaType } from "../api/Problems.ts"

/** A prompt of the greatest length in the widest characters fits twice. */
const maxBodySize = ByteSize.mebibytes(2)

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const segment = (part: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof part === "object" ? part.key : part)

/** A problem that names one wrong value. */
export const invalid = (path: string, message: string): InvalidRequest =>
  new InvalidRequest({ detail: `${path}: ${message}`, errors: [{ path, message }] })

const fromIssues = (error: Schema.SchemaError): InvalidRequest => {
  const errors = formatIssues(error.issue).issues.map(({ message, path = [] }) => ({
    path: ["body", ...path.map(segment)].join("."),
    message
  }))
  return new InvalidRequest({ detail: errors.map(({ message, path }) => `${path}: ${message}`).join("; "), errors })
}

const unreadable = (error: HttpServerError.HttpServerError): BodyTooLarge | InvalidRequest =>
  error.reason._tag === "RequestParseError" && error.reason.reason === "BodyTooLarge"
    ? new BodyTooLarge({ detail: `Send at most ${ByteSize.toNumberUnsafe(maxBodySize)} bytes` })
    : invalid("body", "The body could not be read to its end")

/** Builds the reader of one schema, once. */
export const jsonBodyOf = <A, I>(schema: Schema.Codec<A, I>) => {
  const decode = Schema.decodeUnknownEffect(schema, { errors: "all", onExcessProperty: "error" })
  return (
    request: HttpServerRequest.HttpServerRequest
  ): Effect.Effect<A, BodyTooLarge | InvalidRequest | UnsupportedMediaType> => {
    const contentType = request.headers["content-type"]
    if (contentType !== undefined && !/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType.trim())) {
      return Effect.fail(new UnsupportedMediaType({ detail: `Send application/json, not ${contentType}` }))
    }
    const text = Effect.provideService(request.text, HttpIncomingMessage.MaxBodySize, maxBodySize)
    return Effect.flatMap(Effect.mapError(text, unreadable), (body) => {
      let json: unknown
      try {
        json = JSON.parse(body)
      } catch {
        return Effect.fail(
          invalid("body", body.trim() === "" ? "Expected a JSON object, got nothing" : "Not valid JSON")
        )
      }
      return Effect.mapErrorEager(decode(json), fromIssues)
    })
  }
}
