/** Finds the namespace of a caller by its key. */
import { Effect, Layer, Redacted } from "effect"
import { HttpServerRespondable, HttpServerResponse } from "effect/http"
import { ApiKeys } from "../../services/ApiKeys.ts"
import { Authorization, CurrentNamespace } from "../api/Authorization.ts"
import { Unauthorized } from "../api/Problems.ts"

export const AuthorizationMiddleware = Layer.effect(
  Authorization,
  Effect.map(ApiKeys, (keys) => ({
    bearer: (handled, { credential }) => {
      const namespace = keys.namespaceOf(Redacted.value(credential))
      return namespace === undefined ? unauthorized : Effect.provideService(handled, CurrentNamespace, namespace)
    }
  }))
)

const unauthorized = Effect.map(
  Effect.suspend(() =>
    HttpServerRespondable.toResponse(
      new Unauthorized({ detail: "Send Authorization: Bearer KEY with one of the configured API_KEYS" })
    )
  ),
  HttpServerResponse.setHeader("www-authenticate", "Bearer")
)
