/** What every provider's response over HTTP needs. */
import { Array as Arr, Cause, Clock, Effect, Exit, Scope, Stream } from "effect"
import type { HttpClientError, HttpClientResponse } from "effect/http"
import type { AiPart } from "../../domain/Ai.ts"
import { type AiError, AiMalformed, AiRejected } from "../../domain/errors.ts"
import { parseRateLimitHeaders, type ProviderLimits } from "../../domain/limits/RateLimitHeaders.ts"
import type { NoAnswer, StreamReader } from "./protocol.ts"

type Response = HttpClientResponse.HttpClientResponse

/** Runs a reader over the body: one array of parts for each read of the socket, and what goes wrong after its parts. */
export const readParts = (
  response: Response,
  reader: StreamReader,
  provider: string
): Stream.Stream<AiPart, AiError> =>
  Stream.unwrap(Effect.gen(function*() {
    const body = yield* Scope.make()
    const upstream = yield* Effect.acquireRelease(
      Scope.provide(Stream.toPull(response.stream), body),
      (upstream) =>
        reader.outcome === "ended"
          ? restOf(upstream, Scope.close(body, Exit.void))
          : Scope.close(body, Exit.void)
    )

    const next: Effect.Effect<Arr.NonEmptyReadonlyArray<AiPart>, AiError | Cause.Done> = Effect.suspend(() => {
      const parts = reader.take()
      if (Arr.isReadonlyArrayNonEmpty(parts)) return Effect.succeed(parts)
      if (reader.outcome === "ended") return Cause.done()
      return reader.outcome === undefined ? more : Effect.fail(failureOf(reader.outcome, provider, response))
    })

    const more = Effect.matchEffect(upstream, {
      onSuccess: (chunks) => {
        for (const chunk of chunks) reader.feed(chunk)
        return next
      },
      onFailure: (error) => {
        if (!Cause.isDone(error)) {
          return Effect.fail(new AiMalformed({ provider, detail: `the stream broke off: ${describe(error)}` }))
        }
        reader.end()
        return next
      }
    })

    return Stream.fromPull(Effect.succeed(next))
  }))

export const failureOf = (no: NoAnswer, provider: string, { status }: Response): AiMalformed | AiRejected =>
  no._tag === "Malformed"
    ? new AiMalformed({ provider, detail: no.detail, ...no.words !== undefined && { words: no.words } })
    : new AiRejected({ provider, status, message: no.message })

/**
 * Reads a body that nobody wants, off the answer's path, so that its connection can be used again; one that does not end
 * soon loses the connection, for a stalled body must not keep one from those who wait.
 */
export const drained = (response: Response): Effect.Effect<unknown> =>
  Effect.forkDetach(Effect.timeoutOption(Effect.ignore(response.arrayBuffer), "500 millis"))

/** The same for the rest of a stream. */
const restOf = <E>(upstream: Effect.Effect<unknown, E>, close: Effect.Effect<void>): Effect.Effect<unknown> =>
  Effect.forkDetach(
    Effect.ensuring(Effect.timeoutOption(Effect.ignore(Effect.forever(upstream)), "500 millis"), close)
  )

/** What the headers say of the provider's limits. */
export const limitsOf = ({ headers }: Response): Effect.Effect<ProviderLimits | undefined> =>
  Clock.clockWith((clock) => Effect.succeed(parseRateLimitHeaders(headers, clock.currentTimeMillisUnsafe())))

/** Redirects count too: following one would send the prompt and the key to a place nobody configured. */
export const isUnavailable = (status: number): boolean =>
  status >= 500 || status === 408 || status === 409 || status === 425 || status < 400

export const isSuccess = ({ status }: Response): boolean => status >= 200 && status < 300

/** Anything else may be a stream: not every server says so. */
export const isJson = ({ headers }: Response): boolean =>
  /^\s*application\/(?:[\w.-]+\+)?json\b/i.test(headers["content-type"] ?? "")

/** The innermost system error, such as `ECONNREFUSED`, without the URL: it can hold credentials. */
export const describe = (error: HttpClientError.HttpClientError): string => {
  let cause: unknown = "cause" in error.reason ? error.reason.cause : undefined
  let found = "description" in error.reason ? error.reason.description : undefined
  for (let depth = 0; cause instanceof Error && depth < 5; depth++) {
    found = "code" in cause && typeof cause.code === "string"
      ? `${cause.message || cause.name} (${cause.code})`
      : cause.message
    cause = cause.cause
  }
  return found ?? error.reason._tag
}
