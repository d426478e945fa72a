/** Health and metrics. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { PrometheusMetrics } from "effect/observability"
import { Readiness } from "../../services/Readiness.ts"
import { Api } from "../api/Api.ts"

const circuitNames = { Closed: "closed", HalfOpen: "half_open", Open: "open" } as const

export const HealthHandlers = HttpApiBuilder.group(
  Api,
  "health",
  Effect.fnUntraced(function*(handlers) {
    const readiness = yield* Readiness
    return handlers
      .handle("live", () => Effect.succeed({ status: "ok" as const }))
      .handle("ready", () =>
        Effect.map(readiness.report, ({ degraded, providers }) => ({
          status: degraded.length === 0 ? "ok" as const : "degraded" as const,
          degraded,
          providers: providers.map((provider) => ({ ...provider, circuit: circuitNames[provider.circuit] }))
        })))
  })
)

export const MetricsHandlers = HttpApiBuilder.group(
  Api,
  "metrics",
  (handlers) => handlers.handle("metrics", () => PrometheusMetrics.format({ metricNameMapper: nameOf }))
)

/** With the unit at the end, as Prometheus has it. OpenTelemetry's names have none. */
const nameOf = (name: string): string => name === "gen_ai.client.operation.duration" ? `${name}.seconds` : name
