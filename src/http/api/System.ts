/** For operators: is it alive, what is degraded, and the numbers. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Authorization, needsKey } from "./Authorization.ts"

const Liveness = Schema.Struct({ status: Schema.Literal("ok") })

const Readiness = Schema.Struct({
  status: Schema.Literals(["ok", "degraded"]).annotate({ description: "Both mean that requests are answered" }),
  degraded: Schema.Array(Schema.Struct({
    what: Schema.Literals(["provider", "circuit", "cache", "database", "embedder", "queue"]),
    why: Schema.String
  })),
  providers: Schema.Array(Schema.Struct({
    name: Schema.String,
    circuit: Schema.Literals(["closed", "half_open", "open"]),
    running: Schema.Int.annotate({ description: "Attempts under way" }),
    waiting: Schema.Int.annotate({ description: "Requests waiting for a permit" })
  })).annotate({ description: "In the order in which they are asked" })
})

/** The endpoints for whoever watches the process. */
export class HealthApi extends HttpApiGroup.make("health", { topLevel: true }).add(
  HttpApiEndpoint.get("live", "/health/live", { success: Liveness })
    .annotateMerge(OpenApi.annotations({ summary: "The process runs" })),
  HttpApiEndpoint.get("ready", "/health/ready", { success: Readiness })
    .annotateMerge(OpenApi.annotations({ summary: "Requests are answered; what is degraded" }))
) {}

/** The endpoint for Prometheus. */
export class MetricsApi extends HttpApiGroup.make("metrics", { topLevel: true }).add(
  HttpApiEndpoint.get("metrics", "/metrics", {
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" }))
  }).annotateMerge(OpenApi.annotations({ summary: "Prometheus metrics" })).annotateMerge(needsKey)
).middleware(Authorization) {}
