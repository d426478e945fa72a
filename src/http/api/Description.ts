/** What of an endpoint its schemas do not say: request and response headers, and answers in events. For OpenAPI only. */
import { Predicate } from "effect"
import { OpenApi } from "effect/http-api"

interface HeaderText {
  readonly description: string
  readonly schema?: object
  readonly example?: string
}
type HeaderTexts = Readonly<Record<string, HeaderText>>

export interface Describing {
  readonly summary: string
  readonly description: string
  readonly requestHeaders: HeaderTexts
  /** The 200 as `text/event-stream`. */
  readonly events: { readonly description: string; readonly example: string }
  /** What a status means, where its schema does not say. */
  readonly statuses?: Readonly<Record<string, string>>
  /** On every response. */
  readonly everyResponse?: HeaderTexts
  /** On a 503, beside `Retry-After`. */
  readonly unavailable?: HeaderTexts
  readonly example: object
}

/** For an endpoint that generates: it needs a key, and is within that key's limits. */
export const describesGenerating = (
  { description, events, everyResponse = {}, example, requestHeaders, statuses = {}, summary, unavailable = {} }:
    Describing
) =>
  OpenApi.annotations({
    summary,
    description,
    transform: (operation) => ({
      ...operation,
      security: [{ bearer: [] }],
      parameters: [
        ...listOf(operation["parameters"]),
        ...Object.entries(requestHeaders).map(([name, text]) => ({
          name,
          in: "header",
          required: false,
          ...header(text)
        }))
      ],
      requestBody: changedIn(operation["requestBody"], "application/json", (media) => ({ ...media, example })),
      responses: Object.fromEntries(
        Object.entries(fieldsOf(operation["responses"])).map(([status, response]) => [status, {
          ...fieldsOf(status === "200" ? withEvents(response, events) : response),
          ...statuses[status] !== undefined && { description: statuses[status] },
          headers: headersOf({
            ...everyResponse,
            ...status === "401" ? unauthorized : limited,
            ...status === "200" && answered,
            ...retried.has(status) && retryAfter,
            ...status === "503" && unavailable
          })
        }])
      )
    })
  })

/** What may come with every request that generates. */
export const generatingHeaders: HeaderTexts = {
  "Cache-Control": {
    description: "`stale-if-error=N`: how old a cached answer may be in seconds, 0: none. `no-store`: this answer is " +
      "not remembered, and no call of the provider is shared",
    example: "stale-if-error=86400"
  },
  "Idempotency-Key": {
    description: "1 to 255 visible characters: the same request again gets the same answer",
    example: "8e03978e-40d5-43dd-bc93-6894a57f9324"
  }
}

const answered: HeaderTexts = {
  "Understudy-Source": {
    description: "Where the answer comes from",
    schema: { type: "string", enum: ["live", "cache", "template"] }
  },
  "Cache-Status": { description: "RFC 9211", example: "understudy; fwd=bypass; stored" },
  "Age": { description: "Of a cached answer, in seconds", schema: { type: "integer" } },
  "Idempotent-Replayed": { description: "`true`: this answer was given before, to the same `Idempotency-Key`" }
}

const limited: HeaderTexts = {
  "RateLimit-Policy": {
    description: "The limits of the key, if it has any",
    example: "\"minute\";q=60;w=60, \"concurrency\";q=4;qu=\"concurrent-requests\""
  },
  "RateLimit": { description: "What is left of them", example: "\"minute\";r=42;t=18, \"concurrency\";r=3" }
}

const unauthorized: HeaderTexts = { "WWW-Authenticate": { description: "How to authenticate", example: "Bearer" } }
const retryAfter: HeaderTexts = {
  "Retry-After": { description: "Seconds until another try makes sense", schema: { type: "integer" } }
}
const retried = new Set(["409", "429", "503"])

const header = ({ description, example, schema = { type: "string" } }: HeaderText): object => ({
  description,
  schema,
  ...example !== undefined && { example }
})

const headersOf = (texts: HeaderTexts): object =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, header(text)]))

const withEvents = (response: unknown, { description, example }: Describing["events"]): object => ({
  ...fieldsOf(response),
  content: {
    ...fieldsOf(fieldsOf(response)["content"]),
    "text/event-stream": { schema: { type: "string", description }, example }
  }
})

const changedIn = (body: unknown, type: string, change: (media: Fields) => object): object => {
  const content = fieldsOf(fieldsOf(body)["content"])
  return { ...fieldsOf(body), content: { ...content, [type]: change(fieldsOf(content[type])) } }
}

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields => Predicate.isObject(value) ? { ...value } : {}
const listOf = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []
