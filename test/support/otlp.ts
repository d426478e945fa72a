/** An OTLP collector on the loopback: keeps what it is sent, and finds spans, logs and metrics in it. */
import { Effect, Schema } from "effect"
import { type Delivery, receiver } from "./receivers.ts"

const Value = Schema.Struct({
  stringValue: Schema.optionalKey(Schema.String),
  intValue: Schema.optionalKey(Schema.Union([Schema.Int, Schema.String])),
  doubleValue: Schema.optionalKey(Schema.Finite),
  boolValue: Schema.optionalKey(Schema.Boolean),
  arrayValue: Schema.optionalKey(Schema.Struct({ values: Schema.Array(Schema.Unknown) }))
})
const Attributes = Schema.Array(Schema.Struct({ key: Schema.String, value: Value }))

const Resource = Schema.Struct({ attributes: Attributes })

const Span = Schema.Struct({
  traceId: Schema.String,
  spanId: Schema.String,
  parentSpanId: Schema.optionalKey(Schema.String),
  name: Schema.String,
  kind: Schema.Int,
  startTimeUnixNano: Schema.String,
  endTimeUnixNano: Schema.String,
  attributes: Attributes,
  events: Schema.Array(Schema.Struct({ name: Schema.String, attributes: Attributes })),
  links: Schema.Array(Schema.Struct({ traceId: Schema.String, spanId: Schema.String })),
  status: Schema.Struct({ code: Schema.Int, message: Schema.optionalKey(Schema.String) })
})
const Traces = Schema.Struct({
  resourceSpans: Schema.Array(Schema.Struct({
    resource: Resource,
    scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(Span) }))
  }))
})

const Log = Schema.Struct({
  body: Value,
  severityText: Schema.String,
  traceId: Schema.optionalKey(Schema.String),
  spanId: Schema.optionalKey(Schema.String)
})
const Logs = Schema.Struct({
  resourceLogs: Schema.Array(Schema.Struct({
    resource: Resource,
    scopeLogs: Schema.Array(Schema.Struct({ logRecords: Schema.Array(Log) }))
  }))
})

const Points = Schema.Struct({
  dataPoints: Schema.Array(Schema.Struct({
    attributes: Attributes,
    count: Schema.optionalKey(Schema.Int),
    sum: Schema.optionalKey(Schema.Finite),
    asDouble: Schema.optionalKey(Schema.Finite),
    explicitBounds: Schema.optionalKey(Schema.Array(Schema.Finite))
  }))
})
const Metric = Schema.Struct({
  name: Schema.String,
  unit: Schema.String,
  sum: Schema.optionalKey(Points),
  histogram: Schema.optionalKey(Points)
})
const Metrics = Schema.Struct({
  resourceMetrics: Schema.Array(Schema.Struct({
    resource: Resource,
    scopeMetrics: Schema.Array(Schema.Struct({ metrics: Schema.Array(Metric) }))
  }))
})

export type OtlpSpan = typeof Span.Type

/** Plain values by their keys. */
export const attributesOf = ({ attributes }: { readonly attributes: typeof Attributes.Type }) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]))

const plain = (value: typeof Value.Type): unknown =>
  value.arrayValue === undefined
    ? value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue
    : value.arrayValue.values.map((item) => plain(decodeValue(item)))

const decodeValue = Schema.decodeUnknownSync(Value)
const [decodeTraces, decodeLogs, decodeMetrics] = [
  Schema.decodeUnknownSync(Schema.fromJsonString(Traces)),
  Schema.decodeUnknownSync(Schema.fromJsonString(Logs)),
  Schema.decodeUnknownSync(Schema.fromJsonString(Metrics))
]

export const collector = Effect.map(
  receiver((response) => void response.writeHead(200, { "content-type": "application/json" }).end("{}")),
  ({ deliveries, port }) => {
    const at = (path: string): ReadonlyArray<Delivery> => deliveries.filter(({ url }) => url === path)
    return {
      url: `http://127.0.0.1:${port}`,
      deliveries,
      /** All that has come, as it came. */
      everything: () => deliveries.map(({ body }) => body).join("\n"),
      spans: () =>
        at("/v1/traces").flatMap(({ body }) => decodeTraces(body).resourceSpans).flatMap(({ scopeSpans }) => scopeSpans)
          .flatMap(({ spans }) => spans),
      logs: () =>
        at("/v1/logs").flatMap(({ body }) => decodeLogs(body).resourceLogs).flatMap(({ scopeLogs }) => scopeLogs)
          .flatMap(({ logRecords }) => logRecords),
      /** Of the last delivery, for each holds all that there is. */
      metrics: () =>
        at("/v1/metrics").slice(-1).flatMap(({ body }) => decodeMetrics(body).resourceMetrics)
          .flatMap(({ scopeMetrics }) => scopeMetrics).flatMap(({ metrics }) => metrics),
      resources: () =>
        [
          ...at("/v1/traces").flatMap(({ body }) => decodeTraces(body).resourceSpans),
          ...at("/v1/logs").flatMap(({ body }) => decodeLogs(body).resourceLogs),
          ...at("/v1/metrics").flatMap(({ body }) => decodeMetrics(body).resourceMetrics)
        ].map(({ resource }) => attributesOf(resource))
    }
  }
)

/** A trace as text, a line for each span, those below others further in: `name {what is asked for}`. */
export const drawn = (spans: ReadonlyArray<OtlpSpan>, keys: ReadonlyArray<string> = []): ReadonlyArray<string> => {
  const inOrder = [...spans].sort((one, other) => {
    const [a, b] = [BigInt(one.startTimeUnixNano), BigInt(other.startTimeUnixNano)]
    return a < b ? -1 : a > b ? 1 : 0
  })
  const ids = new Set(spans.map(({ spanId }) => spanId))
  const line = (span: OtlpSpan, depth: number): ReadonlyArray<string> => {
    const held = attributesOf(span)
    const shown = keys.filter((key) => held[key] !== undefined).map((key) => ` ${key}=${String(held[key])}`)
    return [
      `${"  ".repeat(depth)}${span.name}${shown.join("")}`,
      ...inOrder.filter(({ parentSpanId }) => parentSpanId === span.spanId).flatMap((child) => line(child, depth + 1))
    ]
  }
  return inOrder.filter(({ parentSpanId }) => parentSpanId === undefined || !ids.has(parentSpanId)).flatMap((root) =>
    line(root, 0)
  )
}
