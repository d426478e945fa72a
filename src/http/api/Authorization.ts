/** Who calls: with `API_KEYS` set every call needs a key, and the key names the namespace. */
import { Context } from "effect"
import { HttpApiMiddleware, OpenApi } from "effect/http-api"
import type { Namespace } from "../../domain/Generation.ts"
import { RateLimited, Unauthorized } from "./Problems.ts"

/** Whose request it is: what every handler reads and writes for. */
export class CurrentNamespace
  extends Context.Service<CurrentNamespace, Namespace>()("understudy/http/CurrentNamespace")
{}

/**
 * Reads the `Authorization` header itself. `HttpApiSecurity` would wrap each credential in a `Redacted`, whose weak map
 * makes every request dearer for the garbage collector than the whole ladder is.
 */
export class Authorization extends HttpApiMiddleware.Service<Authorization, {
  provides: CurrentNamespace
}>()("understudy/http/Authorization", { error: Unauthorized }) {}

/** For the endpoints that generate: a key, and within its limits until the last byte of the answer is sent. */
export class Admission extends HttpApiMiddleware.Service<Admission, {
  provides: CurrentNamespace
}>()("understudy/http/Admission", { error: [Unauthorized, RateLimited] }) {}

/** For operators: an admin key, apart from the users' keys. */
export class AdminAuthorization
  extends HttpApiMiddleware.Service<AdminAuthorization>()("understudy/http/AdminAuthorization", { error: Unauthorized })
{}

/** The OpenAPI side of all three: for an endpoint behind it, and for the API as a whole. */
export const needsKey = OpenApi.annotations({ override: { security: [{ bearer: [] }] } })
/** Declares the scheme that `needsKey` refers to. */
export const describesKeys = OpenApi.annotations({
  transform: (spec) => ({
    ...spec,
    components: { ...spec["components"], securitySchemes: { bearer: { type: "http", scheme: "bearer" } } }
  })
})
