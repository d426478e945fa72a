/** Whether the collector takes what the service would send: an empty export of each signal. */
import { Effect, Redacted } from "effect"
import { HttpBody, HttpClient, HttpClientRequest } from "effect/http"
import type { AppConfig } from "../layers/AppConfig.ts"
import { pairsOf } from "../layers/config/pairs.ts"
import * as UndiciHttpClient from "../layers/UndiciHttpClient.ts"
import { describe } from "../services/ai/responses.ts"
import { type Finding, findingsOf } from "./doctorReport.ts"

const { notChecked, ok, warning } = findingsOf("telemetry")

const signals = [
  { name: "traces", exporter: "tracesExporter", variable: "OTEL_TRACES_EXPORTER", nothing: "{\"resourceSpans\":[]}" },
  {
    name: "metrics",
    exporter: "metricsExporter",
    variable: "OTEL_METRICS_EXPORTER",
    nothing: "{\"resourceMetrics\":[]}"
  },
  { name: "logs", exporter: "logsExporter", variable: "OTEL_LOGS_EXPORTER", nothing: "{\"resourceLogs\":[]}" }
] as const
type Signal = typeof signals[number]

/** Of each signal. */
const longest = "3 seconds"

/** The values of the headers that go along, such as a backend's key; short ones are words like `production`. */
export const telemetrySecrets = ({ otlpHeaders }: AppConfig): ReadonlyArray<Redacted.Redacted> =>
  Object.values(headersOf(otlpHeaders))
    .flatMap((value) => [value, value.replace(/^\w+ +/, "")])
    .filter((value) => value.length > 12)
    .map((value) => Redacted.make(value))

/** The service works without, so what is wrong is a warning. */
export const checkTelemetry = (config: AppConfig, isOffline: boolean): Effect.Effect<ReadonlyArray<Finding>> => {
  const { otlpEndpoint } = config
  const wanted = signals.filter(({ exporter }) => config[exporter] === "otlp")
  if (otlpEndpoint === undefined) return Effect.succeed([])
  if (wanted.length === 0) return Effect.succeed([ok(`${otlpEndpoint} is sent nothing: each OTEL_…_EXPORTER is none`)])
  if (isOffline) return Effect.succeed([notChecked(`${otlpEndpoint}: --offline asks nobody`)])
  return Effect.forEach(wanted, (signal) => ask(otlpEndpoint, headersOf(config.otlpHeaders), signal), {
    concurrency: "unbounded"
  }).pipe(Effect.provide(UndiciHttpClient.layer({ connections: wanted.length, maxBodySize: 64 * 1024 })))
}

const headersOf = (list: AppConfig["otlpHeaders"]) =>
  (list === undefined ? undefined : pairsOf(Redacted.value(list))) ?? {}

const ask = Effect.fnUntraced(function*(endpoint: string, headers: Readonly<Record<string, string>>, signal: Signal) {
  const url = `${endpoint.replace(/\/+$/u, "")}/v1/${signal.name}`
  const request = HttpClientRequest.post(url, { headers, body: HttpBody.text(signal.nothing, "application/json") })
  const http = yield* HttpClient.HttpClient
  return yield* http.execute(request).pipe(
    Effect.map(({ status }) =>
      status >= 200 && status < 300
        ? ok(`${url} takes ${signal.name}`)
        : warning(`${url} takes no ${signal.name} (status ${status})`, adviceOn(status, signal))
    ),
    Effect.timeoutOrElse({
      duration: longest,
      orElse: () => Effect.succeed(warning(`${url} gave no answer within ${longest}`, unreachable))
    }),
    Effect.catch((error) => Effect.succeed(warning(`${url} cannot be reached: ${describe(error)}`, unreachable)))
  )
})

const unreachable =
  "is the collector up, and is OTEL_EXPORTER_OTLP_ENDPOINT right? OTLP over HTTP is usually at port 4318"

const adviceOn = (status: number, { name, variable }: Signal): string => {
  if (status === 401 || status === 403) {
    return "is the key in OTEL_EXPORTER_OTLP_HEADERS right (name=value, percent-encoded)?"
  }
  if (status === 404 || status === 405) {
    return `OTEL_EXPORTER_OTLP_ENDPOINT goes up to /v1/${name} and without it; ${variable}=none for a backend without ${name}`
  }
  return status === 415 || status === 400
    ? `it has to take OTLP as JSON over HTTP, or set ${variable}=none`
    : "look at the collector: what it does not take is lost"
}
