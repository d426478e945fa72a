/** Who calls: with `API_KEYS` set every call needs a key, and the key names the namespace. */
import { Context } from "effect"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"
import type { Namespace } from "../../domain/Generation.ts"
import { Unauthorized } from "./Problems.ts"

export class CurrentNamespace
  extends Context.Service<CurrentNamespace, Namespace>()("understudy/http/CurrentNamespace")
{}

export class Authorization extends HttpApiMiddleware.Service<Authorization, {
  provides: CurrentNamespace
}>()("understudy/http/Authorization", {
  security: { bearer: HttpApiSecurity.bearer },
  error: Unauthorized
}) {}
