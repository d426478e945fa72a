/** Everything the server serves: the contract's endpoints, its description and the docs page. */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { HttpApiBuilder, HttpApiScalar } from "effect/http-api"
import { Api } from "../api/Api.ts"
import { AdminHandlers } from "./admin.ts"
import {
  AdminAuthorizationMiddleware,
  AdmissionMiddleware,
  AuthorizationMiddleware,
  ChatAdmissionMiddleware,
  ChatAuthorizationMiddleware
} from "./authorization.ts"
import { ChatHandlers } from "./chat.ts"
import { GenerateHandlers } from "./generate.ts"
import { GenerationsHandlers, NamespacesHandlers } from "./generations.ts"
import { JobsHandlers } from "./jobs.ts"
import { problemDetails } from "./problems.ts"
import { HealthHandlers, MetricsHandlers } from "./system.ts"

/** The paths of the contract and the two that describe it, with the methods they take; `{…}` is any one segment. */
const knownPaths = (): ReadonlyMap<string, ReadonlySet<string>> => {
  const paths = new Map<string, Set<string>>([["/openapi.json", new Set(["GET"])], ["/docs", new Set(["GET"])]])
  for (const group of Object.values(Api.groups)) {
    for (const endpoint of Object.values(group.endpoints)) {
      const path = endpoint.path.replaceAll(/:(\w+)/g, "{$1}")
      paths.set(path, (paths.get(path) ?? new Set()).add(endpoint.method))
    }
  }
  return paths
}

/** Whoever opens the root in a browser wants the docs. */
const Root = HttpRouter.add("GET", "/", Effect.succeed(HttpServerResponse.redirect("/docs")))

/** What an HTTP server serves. Needs the services behind the endpoints, and names no platform. */
export const Routes = Layer.mergeAll(
  HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
    Layer.provide([GenerateHandlers, ChatHandlers, GenerationsHandlers, HealthHandlers, MetricsHandlers]),
    Layer.provide([JobsHandlers, AdminHandlers, NamespacesHandlers]),
    Layer.provide([AuthorizationMiddleware, AdmissionMiddleware, AdminAuthorizationMiddleware]),
    Layer.provide([ChatAuthorizationMiddleware, ChatAdmissionMiddleware])
  ),
  HttpApiScalar.layer(Api, { path: "/docs", scalar: { withDefaultFonts: false } }),
  Root,
  problemDetails(knownPaths())
)
