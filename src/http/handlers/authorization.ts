/** What a key opens, with refusals as problem details. Who calls, and whether it may go on, says `admission.ts`. */
import { Effect, Layer } from "effect"
import { HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { formatRetryAfter } from "../../domain/ladder/RetryAfter.ts"
import { ApiKeys } from "../../services/ApiKeys.ts"
import { AdminAuthorization, Admission, Authorization, CurrentNamespace } from "../api/Authorization.ts"
import { ChatAdmission, ChatAuthorization } from "../api/Chat.ts"
import { RateLimited, Unauthorized } from "../api/Problems.ts"
import { admit, bearerOf, callerOf, type KeyLimited, KeyUnknown } from "./admission.ts"

const authorization = Effect.map(
  ApiKeys,
  (keys) => <E, R>(handled: Handled<E, R>) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
      const caller = callerOf(keys, headers)
      return caller === undefined ? unauthorized : Effect.provideService(handled, CurrentNamespace, caller.namespace)
    })
)

const admission = Effect.map(ApiKeys, (keys) => {
  const admitted = admit(keys)
  return <E, R>(handled: Handled<E, R>) =>
    Effect.matchEffect(admitted, {
      onFailure: (error) => error._tag === "KeyUnknown" ? unauthorized : limited(error),
      onSuccess: ({ namespace }) => Effect.provideService(handled, CurrentNamespace, namespace)
    })
})

type Handled<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

export const AuthorizationMiddleware = Layer.effect(Authorization, authorization)
export const AdmissionMiddleware = Layer.effect(Admission, admission)
// The same problems, which leave in OpenAI's words: see openAiErrors.ts.
export const ChatAuthorizationMiddleware = Layer.effect(ChatAuthorization, authorization)
export const ChatAdmissionMiddleware = Layer.effect(ChatAdmission, admission)

export const AdminAuthorizationMiddleware = Layer.effect(
  AdminAuthorization,
  Effect.map(ApiKeys, ({ isAdmin }) => (handled) =>
    Effect.flatMap(
      HttpServerRequest.HttpServerRequest,
      ({ headers }) => isAdmin(bearerOf(headers["authorization"])) ? handled : notAdmin
    ))
)

const refuse = (detail: string) =>
  Effect.map(
    Effect.suspend(() => HttpServerRespondable.toResponse(new Unauthorized({ detail }))),
    HttpServerResponse.setHeader("www-authenticate", "Bearer")
  )

const unauthorized = refuse(new KeyUnknown().message)
const notAdmin = refuse("Send Authorization: Bearer KEY with one of the configured ADMIN_KEYS")

const limited = (error: KeyLimited) => {
  const seconds = formatRetryAfter(error.retryAfter)
  const problem = new RateLimited({ detail: error.message, retry_after: Number(seconds) })
  return Effect.map(HttpServerRespondable.toResponse(problem), HttpServerResponse.setHeader("retry-after", seconds))
}
