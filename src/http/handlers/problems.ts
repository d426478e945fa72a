/** Turns failures into problem details; nothing of a key, a stack or another tenant's text gets into one. */
import { Cause, Effect } from "effect"
import { HttpRouter, HttpServerError, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { InternalError, MethodNotAllowed, NotFound } from "../api/Problems.ts"

/**
 * Renders whatever no handler has rendered: unknown paths, wrong methods and bugs. `paths` are the known paths with
 * their methods.
 */
export const problemDetails = (paths: ReadonlyMap<string, ReadonlySet<string>>) =>
  HttpRouter.middleware(
    (handled) =>
      Effect.catchCause(handled, (cause) => {
        // The client has gone, or the server stops: there is nobody to tell.
        if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
        const error: unknown = Cause.squash(cause)
        if (HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound") {
          return notRouted(paths, error.reason.request.url)
        }
        return Effect.andThen(
          Effect.logError("a request died", cause),
          HttpServerRespondable.toResponse(new InternalError({ detail: "The failure is in the log of this server" }))
        )
      }),
    { global: true }
  )

const notRouted = (
  paths: ReadonlyMap<string, ReadonlySet<string>>,
  url: string
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const path = url.replace(/[?#].*$/, "")
  const allowed = [...paths.get(path) ?? []].join(", ")
  if (allowed === "") {
    const known = [...paths.keys()].join(", ")
    return HttpServerRespondable.toResponse(new NotFound({ detail: `Known paths: ${known}` }))
  }
  return Effect.map(
    HttpServerRespondable.toResponse(new MethodNotAllowed({ detail: `Use ${allowed}` })),
    HttpServerResponse.setHeader("allow", allowed)
  )
}
