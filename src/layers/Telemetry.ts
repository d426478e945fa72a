/** Where traces, metrics and logs go: to an OTLP endpoint, when there is one. */
import { ConfigProvider, Duration, Effect, Layer, Option, Redacted, References, Tracer } from "effect"
import { HttpClient, HttpClientError, type HttpClientRequest, HttpMiddleware, UrlParams } from "effect/http"
import { OtlpLogger, OtlpMetrics, OtlpSerialization, OtlpTracer } from "effect/observability"
import { version } from "../version.ts"
import type { AppConfig } from "./AppConfig.ts"
import { pairsOf } from "./config/pairs.ts"
import * as UndiciHttpClient from "./UndiciHttpClient.ts"

type TelemetryConfig = Pick<
  AppConfig,
  | "otlpEndpoint"
  | "otlpHeaders"
  | "tracesExporter"
  | "metricsExporter"
  | "logsExporter"
  | "tracesShare"
  | "serviceName"
  | "resourceAttributes"
>

/**
 * Spans only when somebody reads them: without an endpoint, or without traces on it, none is made. `patience`: the
 * longest that the endpoint may take for a request.
 */
export const telemetry = (config: TelemetryConfig, patience: Duration.Input = "10 seconds"): Layer.Layer<never> => {
  const { otlpEndpoint } = config
  if (otlpEndpoint === undefined) return noSpans
  const to = optionsOf(otlpEndpoint, config)
  return Layer.mergeAll(
    config.tracesExporter === "otlp" ? traces(to("traces"), config.tracesShare) : noSpans,
    config.metricsExporter === "otlp" ? OtlpMetrics.layer(to("metrics")) : Layer.empty,
    config.logsExporter === "otlp" ? OtlpLogger.layer({ ...to("logs"), mergeWithExisting: true }) : Layer.empty,
    HttpMiddleware.layerTracerDisabledForUrls(unseen),
    Layer.succeed(HttpMiddleware.SpanNameGenerator, nameOf),
    // Nothing of ours is in a query, and so whatever somebody has put there is not for others to read.
    Layer.succeed(UrlParams.CurrentRedactedNames, [/^/u])
  ).pipe(
    Layer.provide([
      OtlpSerialization.layerJson,
      Layer.provide(reporting(patience), UndiciHttpClient.layer({ connections: 4 }))
    ]),
    // The exporters would read the variables a second time, and die of what is not to their taste.
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({})))
  )
}

const noSpans = Layer.succeed(References.TracerEnabled, false)

/** What is asked every few seconds, and says nothing of anybody's request. */
const unseen = ["/health/live", "/health/ready", "/metrics"]

/** `GET /jobs/{id}`. A path that is none of ours gives no name: there is no end of them. */
const nameOf = ({ method, url }: { readonly method: string; readonly url: string }): string => {
  const [, path, id, action = ""] = paths.exec(url) ?? []
  return path === undefined ? method : `${method} ${path}${id === undefined ? "" : "/{id}"}${action}`
}

const paths = new RegExp(
  "^(/generate|/v1/chat/completions|/v1/models|/jobs|/generations|/admin/circuits|/admin/namespaces)"
    + "(/[^/?]+)?(/events|/callback|/quarantine)?(?:[?].*)?$",
  "u"
)

const optionsOf = (endpoint: string, { otlpHeaders, resourceAttributes, serviceName }: TelemetryConfig) => {
  const attributes = pairsOf(resourceAttributes ?? "") ?? {}
  const { "service.name": ownName, "service.version": ownVersion, ...others } = attributes
  const common = {
    headers: otlpHeaders === undefined ? undefined : pairsOf(Redacted.value(otlpHeaders)),
    resource: {
      serviceName: serviceName ?? ownName ?? "understudy",
      serviceVersion: ownVersion ?? version,
      attributes: others
    }
  }
  return (signal: "traces" | "metrics" | "logs") => ({
    ...common,
    url: `${endpoint.replace(/\/+$/u, "")}/v1/${signal}`
  })
}

/**
 * Traces begin with a request or with a job, so the statements of upkeep, which nobody asked for, are left out. Of the
 * traces that begin here a share is kept; those that come from elsewhere are kept as their beginning was.
 */
const traces = (options: Parameters<typeof OtlpTracer.layer>[0], share: number) =>
  Layer.effect(Tracer.Tracer, Effect.map(Tracer.Tracer, (inner) => sampled(inner, share))).pipe(
    Layer.provide(OtlpTracer.layer(options))
  )

export const sampled = (inner: Tracer.Tracer, share: number): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      if (Option.isSome(options.parent)) return inner.span(options)
      const begins = options.kind === "server" || options.kind === "consumer"
      const span = inner.span({ ...options, sampled: options.sampled && begins })
      return isKept(span.traceId, share) ? span : inner.span({ ...options, sampled: false })
    }
  })

/** By the random end of the trace's id, as the specification has it: whoever keeps the same share keeps the same ones. */
const isKept = (traceId: string, share: number): boolean =>
  share >= 1 || Number.parseInt(traceId.slice(-14), 16) >= (1 - share) * 2 ** 56

/** Requests under way, beyond which what comes is lost. */
const mostUnderWay = 16

/**
 * One line when an endpoint begins to fail, and one when it works again: the exporters themselves say nothing, and would
 * wait for ever for one that takes a request and never answers, with all that they have collected meanwhile.
 */
const reporting = (patience: Duration.Input) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) => {
      const tooLong = `no answer within ${Duration.format(Duration.fromInputUnsafe(patience))}`
      const failing = new Set<string>()
      let underWay = 0
      const lost = (url: string, why: string) =>
        Effect.suspend(() => {
          if (failing.has(url)) return Effect.void
          failing.add(url)
          return Effect.logWarning(`${url} takes no telemetry (${why}): it is lost until it does`)
        })
      const taken = (url: string) =>
        Effect.suspend(() => failing.delete(url) ? Effect.logInfo(`${url} takes telemetry again`) : Effect.void)
      const failed = (request: HttpClientRequest.HttpClientRequest, description: string) =>
        Effect.fail(
          new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, description }) })
        )
      return client.pipe(
        HttpClient.transform((answered, request) =>
          Effect.suspend(() =>
            underWay >= mostUnderWay
              ? failed(request, "too many requests wait for an answer")
              : Effect.acquireUseRelease(
                Effect.sync(() => void (underWay += 1)),
                // With the body: the exporters read it too, to its end.
                () =>
                  Effect.timeoutOrElse(Effect.tap(answered, (response) => Effect.ignore(response.arrayBuffer)), {
                    duration: patience,
                    orElse: () => failed(request, tooLong)
                  }),
                () => Effect.sync(() => void (underWay -= 1))
              )
          )
        ),
        HttpClient.tap(({ request, status }) =>
          status >= 200 && status < 300 ? taken(request.url) : lost(request.url, `status ${status}`)
        ),
        HttpClient.tapError(({ reason, request }) =>
          lost(
            request.url,
            "description" in reason && reason.description !== undefined ? reason.description : reason._tag
          )
        )
      )
    })
  )
