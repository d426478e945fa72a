/**
 * Turns failures into problem details, or what OpenAI's clients expect; nothing of a key, a stack or another tenant's
 * text gets into one.
 */
import { Cause, Clock, Effect, Random } from "effect"
import { HttpRouter, HttpServerError, HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { HttpApiError } from "effect/http-api"
import { uniqueNames } from "../../domain/GenerationId.ts"
import { InternalError, MethodNotAllowed, NotFound } from "../api/Problems.ts"
import { invalidFrom } from "./body.ts"
import { inOpenAiWords } from "./openAiErrors.ts"

/**
 * Renders whatever no handler has rendered: unknown paths, wrong methods and bugs. `paths` are the known paths with
 * their methods. Below `/v1/` every error is in OpenAI's words, and every response names its request.
 */
export const problemDetails = (paths: ReadonlyMap<string, ReadonlySet<string>>) =>
  HttpRouter.middleware(
    Effect.map(requestIds, (newRequestId) => (handled) => {
      const rendered = Effect.catchCause(handled, (cause) => failed(paths, cause))
      return Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers, url }) =>
        belowV1.test(url)
          ? Effect.map(
            rendered,
            (response) =>
              HttpServerResponse.setHeader(inOpenAiWords(response), "x-request-id", askedId(headers) ?? newRequestId())
          )
          : rendered)
    }),
    { global: true }
  )

/** As the router reads paths: a client whose base URL ends in a slash sends `//v1/`. */
const belowV1 = /^\/+v1\//i

const requestIds = Effect.gen(function*() {
  return uniqueNames("req", yield* Clock.currentTimeMillis, yield* Random.nextInt, yield* Random.nextInt)
})

/** A caller's own name for its request, if it can stand in a header as it is. */
const askedId = ({ "x-request-id": asked }: Readonly<Record<string, string | undefined>>): string | undefined =>
  asked !== undefined && /^[\w.:-]{1,128}$/.test(asked) ? asked : undefined

const failed = <E>(
  paths: ReadonlyMap<string, ReadonlySet<string>>,
  cause: Cause.Cause<E>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E> => {
  // The client has gone, or the server stops: there is nobody to tell.
  if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
  const error: unknown = Cause.squash(cause)
  if (HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound") {
    return notRouted(paths, error.reason.request)
  }
  if (HttpApiError.HttpApiSchemaError.is(error) && (error.kind === "Params" || error.kind === "Query")) {
    return HttpServerRespondable.toResponse(invalidFrom(error.kind === "Params" ? "path" : "query", error.cause))
  }
  return Effect.andThen(
    Effect.logError("a request died", cause),
    HttpServerRespondable.toResponse(new InternalError({ detail: "The failure is in the log of this server" }))
  )
}

const notRouted = (
  paths: ReadonlyMap<string, ReadonlySet<string>>,
  { method, url }: { readonly method: string; readonly url: string }
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const allowed = methodsOf(paths, url.replace(/[?#].*$/, ""))
  // Where the method is right, the router has found the path broken, as in /generations/%zz.
  if (allowed.length === 0 || allowed.includes(method)) {
    const known = [...paths.keys()].join(", ")
    return HttpServerRespondable.toResponse(new NotFound({ detail: `Known paths: ${known}` }))
  }
  const allow = allowed.join(", ")
  return Effect.map(
    HttpServerRespondable.toResponse(new MethodNotAllowed({ detail: `Use ${allow}` })),
    HttpServerResponse.setHeader("allow", allow)
  )
}

/** Of every path that fits, for `/a/{b}` and `/a/c` may take different ones. */
const methodsOf = (paths: ReadonlyMap<string, ReadonlySet<string>>, path: string): ReadonlyArray<string> => {
  const segments = path.split("/")
  const fits = (pattern: ReadonlyArray<string>) =>
    pattern.length === segments.length
    && pattern.every((part, n) => part.startsWith("{") ? segments[n] !== "" : part === segments[n])
  return [...new Set([...paths].flatMap(([pattern, methods]) => fits(pattern.split("/")) ? [...methods] : []))]
}
