/** Finds out who calls by the key: a namespace, or an operator. */
import { Effect, Layer } from "effect"
import { HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { ApiKeys } from "../../services/ApiKeys.ts"
import { AdminAuthorization, Authorization, CurrentNamespace } from "../api/Authorization.ts"
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

export const AdminAuthorizationMiddleware = Layer.effect(
  AdminAuthorization,
  Effect.map(ApiKeys, ({ isAdmin }) => (handled) =>
    Effect.flatMap(
      HttpServerRequest.HttpServerRequest,
      ({ headers }) => isAdmin(bearerOf(headers["authorization"])) ? handled : notAdmin
    ))
)

const bearerOf = (header: string | undefined): string => /^bearer +(\S+)\s*$/i.exec(header ?? "")?.[1] ?? ""

const refuse = (detail: string) =>
  Effect.map(
    Effect.suspend(() => HttpServerRespondable.toResponse(new Unauthorized({ detail }))),
    HttpServerResponse.setHeader("www-authenticate", "Bearer")
  )

const unauthorized = refuse("Send Authorization: Bearer KEY with one of the configured API_KEYS")
const notAdmin = refuse("Send Authorization: Bearer KEY with one of the configured ADMIN_KEYS")
