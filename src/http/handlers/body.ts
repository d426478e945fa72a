/** Reads a JSON body into a schema, with a problem for each way in which it can be wrong. */
import { ByteSize, Context, Effect, Schema, SchemaIssue } from "effect"
import { HttpIncomingMessage, type HttpServerRequest } from "effect/http"
import { boundBroken, type JsonBounds } from "../../domain/JsonBounds.ts"
import { BodyTooLarge, InvalidRequest, UnsupportedMediaType } from "../api/Problems.ts"

/** Why a body could not be read. */
export type Unreadable = "too_large" | "broken"

/**
 * Reads a whole body as text, at most so many bytes of it. Replaceable, because reading it straight from the platform's
 * own request is a good part of the cost of a small one.
 */
export const ReadBody = Context.Reference<
  (request: HttpServerRequest.HttpServerRequest, maxBytes: number) => Effect.Effect<string, Unreadable>
>("understudy/http/ReadBody", {
  defaultValue: () => (request, maxBytes) =>
    request.text.pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(maxBytes)),
      Effect.mapError(({ reason }): Unreadable =>
        reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge" ? "too_large" : "broken"
      )
    )
})

/** A prompt of the greatest length fits, in any script and escaped as JSON allows. */
const maxBodySize = 2 * 1024 * 1024

/** Nobody reads on after so many wrong values. */
const maxNamed = 100

/** Of a longer body only the first wrong value is looked for: millions of them would take all memory. */
const maxSearched = 64 * 1024

/**
 * More than anybody writes, whatever the bytes allow. So deep a value is far from where recursion over it would end, and
 * so many take tenths of a second.
 */
const bounds: JsonBounds = { levels: 200, values: 100_000 }

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const segment = (part: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof part === "object" ? part.key : part)

/** A problem that names one wrong value. */
export const invalid = (path: string, message: string): InvalidRequest =>
  new InvalidRequest({ detail: `${path}: ${message}`, errors: [{ path, message }] })

/** A problem that names what is wrong in one part of a request: `body`, or `path` and `query` for its parameters. */
export const invalidFrom = (part: "body" | "path" | "query", error: Schema.SchemaError): InvalidRequest => {
  const errors = formatIssues(error.issue).issues.slice(0, maxNamed).map(({ message, path = [] }) => ({
    path: [part, ...path.map(segment)].join("."),
    message
  }))
  return new InvalidRequest({ detail: errors.map(({ message, path }) => `${path}: ${message}`).join("; "), errors })
}

const fromUnreadable = (why: Unreadable, maxBytes: number): BodyTooLarge | InvalidRequest =>
  why === "too_large"
    ? new BodyTooLarge({ detail: `Send at most ${maxBytes} bytes` })
    : invalid("body", "The body could not be read to its end")

export interface BodyOptions {
  /** Default 2 MiB. */
  readonly maxBytes?: number | undefined
}

/** A body, and the very text that it was read from. */
export interface BodyWithText<A> {
  readonly body: A
  readonly text: string
}

/** Builds the reader of one schema, once. */
export const jsonBodyOf = Effect.fnUntraced(function*<A, I>(
  schema: Schema.Codec<A, I>,
  { maxBytes = maxBodySize }: BodyOptions = {}
) {
  const read = yield* ReadBody
  const decode = Schema.decodeUnknownEffect(schema, { errors: "all", onExcessProperty: "error" })
  const decodeLong = Schema.decodeUnknownEffect(schema, { errors: "first", onExcessProperty: "error" })

  const parse = (text: string): Effect.Effect<BodyWithText<A>, InvalidRequest> => {
    const broken = boundBroken(text, bounds)
    if (broken !== undefined) return Effect.fail(invalid("body", `Expected at most ${bounds[broken]} ${broken}`))
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch {
      return Effect.fail(invalid("body", text.trim() === "" ? "Expected a JSON object, got nothing" : "Not valid JSON"))
    }
    return Effect.mapBothEager(text.length > maxSearched ? decodeLong(json) : decode(json), {
      onFailure: (error) => invalidFrom("body", error),
      onSuccess: (body) => ({ body, text })
    })
  }

  return (
    request: HttpServerRequest.HttpServerRequest
  ): Effect.Effect<BodyWithText<A>, BodyTooLarge | InvalidRequest | UnsupportedMediaType> => {
    const contentType = request.headers["content-type"]
    if (contentType !== undefined && !isJson.test(contentType)) {
      return Effect.fail(new UnsupportedMediaType({ detail: `Send application/json, not ${contentType}` }))
    }
    return Effect.matchEffect(read(request, maxBytes), {
      onFailure: (why) => Effect.fail(fromUnreadable(why, maxBytes)),
      onSuccess: parse
    })
  }
})

const isJson = /^\s*application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i
