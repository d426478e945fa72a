/** Finds the namespace of a caller by its key. */
import { Effect, Layer } from "effect"
import { HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { ApiKeys } from "../../services/ApiKeys.ts"
import { Authorization, CurrentNamespace } from "../api/Authorization.ts"
import { Unauthorized } from "../api/Problems.ts"

export const AuthorizationMiddleware = Layer.effect(
  Authorization,
  Effect.map(
    ApiKeys,
    ({ namespaceOf }) => (handled) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
        const namespace = namespaceOf(bearerOf(headers["authorization"]))
        return namespace === undefined ? unauthorized : Effect.provideService(handled, CurrentNamespace, namespace)
      })
  )
)

const bearerOf = (header: string | undefined): string => /^bearer +(\S+)\s*$/i.exec(header ?? "")?.[1] ?? ""

const unauthorized = Effect.map(
  Effect.suspend(() =>
    HttpServerRespondable.toResponse(
      new Unauthorized({ detail: "Send Authorization: Bearer KEY with one of the configured API_KEYS" })
    )
  ),
  HttpServerResponse.setHeader("www-authenticate", "Bearer")
)
