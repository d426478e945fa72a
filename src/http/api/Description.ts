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
      parameters: parametersOf(operation, requestHeaders),
      requestBody: changedIn(operation["requestBody"], "application/json", (media) => ({ ...media, example })),
      responses: Object.fromEntries(
        Object.entries(fieldsOf(operation["responses"])).map(([status, response]) => [status, {
          ...fieldsOf(status === "200" ? withEvents(response, events) : response),
          ...statuses[status] !== undefined && { description: statuses[status] },
          headers: headersOf({
            ...everyResponse,
            ...status === "401" ? unauthorized : limited,
            ...status === "200" && answered,
            ...status === "202" && accepted,
            ...retried.has(status) && retryAfter,
            ...status === "503" && unavailable
          })
        }])
      )
    })
  })

export interface DescribingJobs {
  readonly summary: string
  readonly description: string
  readonly requestHeaders?: HeaderTexts
  readonly statuses?: Readonly<Record<string, string>>
  /** Of the events. */
  readonly example?: string
}

/** For an endpoint about jobs: it needs a key. */
export const describesJobs = (
  { description, example, requestHeaders = {}, statuses = {}, summary }: DescribingJobs
) =>
  OpenApi.annotations({
    summary,
    description,
    transform: (operation) => ({
      ...operation,
      security: [{ bearer: [] }],
      parameters: parametersOf(operation, requestHeaders),
      responses: Object.fromEntries(
        Object.entries(fieldsOf(operation["responses"])).map(([status, response]) => [status, {
          ...fieldsOf(changedIn(response, "text/event-stream", (media) => ({ ...media, example }))),
          ...statuses[status] !== undefined && { description: statuses[status] },
          headers: headersOf({
            ...status === "401" && unauthorized,
            ...status.startsWith("2") && unkept,
            ...retried.has(status) && retryAfter
          })
        }])
      )
    })
  })

const parametersOf = (operation: Fields, requestHeaders: HeaderTexts): ReadonlyArray<unknown> => [
  ...listOf(operation["parameters"]),
  ...Object.entries(requestHeaders).map(([name, text]) => ({ name, in: "header", required: false, ...header(text) }))
]

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
  },
  "Prefer": {
    description:
      "RFC 7240. `respond-async`: the answer is made in the background, and this is answered with 202 and the job. " +
      "`wait=N`: the same, unless the answer is there within N seconds, at most 600: then it comes as usual. `upgrade`: " +
      "an answer that is not live is followed by a live one, from a job. Others are ignored",
    example: "respond-async, wait=10"
  }
}

const replayed = { description: "`true`: this answer was given before, to the same `Idempotency-Key`" }

const answered: HeaderTexts = {
  "Understudy-Source": {
    description: "Where the answer comes from",
    schema: { type: "string", enum: ["live", "cache", "template"] }
  },
  "Cache-Status": { description: "RFC 9211", example: "understudy; fwd=bypass; stored" },
  "Age": { description: "Of a cached answer, in seconds", schema: { type: "integer" } },
  "Idempotent-Replayed": replayed,
  "Preference-Applied": { description: "What of `Prefer` has been applied, RFC 7240", example: "upgrade" },
  "Understudy-Upgrade": {
    description: "The job that fetches the live answer meanwhile, for whoever has asked for that",
    example: "/jobs/job_1"
  }
}

/** A job is nobody's to keep, for it is another one a moment later. */
const unkept: HeaderTexts = { "Cache-Control": { description: "As it says", example: "no-store" } }

const accepted: HeaderTexts = {
  "Location": { description: "The job", example: "/jobs/job_1" },
  "Preference-Applied": { description: "What of `Prefer` has been applied, RFC 7240", example: "respond-async" },
  "Idempotent-Replayed": replayed,
  ...unkept
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
const retried = new Set(["202", "409", "429", "503"])

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

/** What has no such content stays as it is. */
const changedIn = (body: unknown, type: string, change: (media: Fields) => object): object => {
  const content = fieldsOf(fieldsOf(body)["content"])
  if (content[type] === undefined) return fieldsOf(body)
  return { ...fieldsOf(body), content: { ...content, [type]: change(fieldsOf(content[type])) } }
}

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields => Predicate.isObject(value) ? { ...value } : {}
const listOf = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []
