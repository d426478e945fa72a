/** What every provider over HTTP has in common: the statuses, the body, and how failures are told apart. */
import { Clock, type Duration, Effect, type Redacted, type Result } from "effect"
import {
  HttpBody,
  type HttpClient,
  type HttpClientError,
  HttpClientRequest,
  type HttpClientResponse
} from "effect/http"
import type { AiAnswer, AiRequest } from "../../domain/Ai.ts"
import {
  type AiError,
  AiMalformed,
  AiRateLimited,
  AiRejected,
  AiUnauthorized,
  AiUnavailable
} from "../../domain/errors.ts"
import { parseRateLimitHeaders } from "../../domain/RateLimitHeaders.ts"
import { parseRetryAfter } from "../../domain/RetryAfter.ts"
import { errorMessageOf } from "./errorMessage.ts"
import { inOnePiece } from "./inOnePiece.ts"

/** Why a decoded success holds no answer: unusable, or a refusal that the user must hear. */
export type NoAnswer =
  | { readonly _tag: "Malformed"; readonly detail: string }
  | { readonly _tag: "Refused"; readonly message: string }

/** What is particular to one way of speaking. */
export interface Protocol {
  readonly url: string
  readonly encode: (request: AiRequest) => unknown
  /** Decodes the JSON body of a success, strictly. */
  readonly decode: (body: unknown, request: AiRequest) => Result.Result<AiAnswer, NoAnswer>
}

interface Options {
  readonly provider: string
  readonly apiKey?: Redacted.Redacted | undefined
}

export const makeHttpProvider = (http: HttpClient.HttpClient, options: Options, protocol: Protocol) => {
  const { provider } = options
  const anonymous = HttpClientRequest.post(protocol.url, { acceptJson: true })
  const base = options.apiKey === undefined ? anonymous : HttpClientRequest.bearerToken(anonymous, options.apiKey)

  const malformed = (detail: string) => new AiMalformed({ provider, detail })

  const unreachable = (error: HttpClientError.HttpClientError): Effect.Effect<never, AiUnavailable> =>
    Effect.fail(new AiUnavailable({ provider, detail: describe(error) }))

  /** Once a success has begun, whatever cuts it short or makes it unreadable is a broken answer. */
  const answer = (
    response: HttpClientResponse.HttpClientResponse,
    request: AiRequest
  ): Effect.Effect<AiAnswer, AiError> =>
    Effect.matchEffect(response.json, {
      onFailure: (error): Effect.Effect<AiAnswer, AiError> =>
        Effect.fail(malformed(`the body could not be read: ${describe(error)}`)),
      onSuccess: (json): Effect.Effect<AiAnswer, AiError> => {
        const decoded = protocol.decode(json, request)
        if (decoded._tag === "Success") return withLimits(decoded.success, response)
        return decoded.failure._tag === "Malformed"
          ? Effect.fail(malformed(decoded.failure.detail))
          : Effect.fail(new AiRejected({ provider, status: response.status, message: decoded.failure.message }))
      }
    })

  const retryAfter = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<Duration.Duration | undefined> =>
    Effect.map(Clock.currentTimeMillis, (now) => parseRetryAfter(response.headers["retry-after"], now))

  /** What a status other than success means. */
  const refusal = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<never, AiError> => {
    const { status } = response
    if (status === 401 || status === 402 || status === 403) {
      return Effect.andThen(drained(response), Effect.fail(new AiUnauthorized({ provider, status })))
    }
    if (status === 429 || isUnavailable(status)) {
      return Effect.andThen(
        drained(response),
        Effect.flatMap(retryAfter(response), (wait) => {
          const asked = wait === undefined ? {} : { retryAfter: wait }
          return Effect.fail(
            status === 429
              ? new AiRateLimited({ provider, ...asked })
              : new AiUnavailable({ provider, status, detail: `status ${status}`, ...asked })
          )
        })
      )
    }
    return Effect.flatMap(
      Effect.orElseSucceed(response.text, () => ""),
      (body) => Effect.fail(new AiRejected({ provider, status, message: errorMessageOf(body, options.apiKey) }))
    )
  }

  const generate = (request: AiRequest): Effect.Effect<AiAnswer, AiError> => {
    const body = HttpBody.text(JSON.stringify(protocol.encode(request)), "application/json")
    return Effect.matchEffect(http.execute(HttpClientRequest.setBody(base, body)), {
      onFailure: unreachable,
      onSuccess: (response): Effect.Effect<AiAnswer, AiError> =>
        response.status >= 200 && response.status < 300 ? answer(response, request) : refusal(response)
    })
  }

  return { provider, generate, stream: inOnePiece(generate) }
}

/**
 * Reads a body that nobody wants, off the answer's path, so that its connection can be used again; one that does not end
 * soon loses the connection, for a stalled body must not keep one from those who wait.
 */
const drained = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<unknown> =>
  Effect.forkDetach(Effect.timeoutOption(Effect.ignore(response.arrayBuffer), "500 millis"))

/** The answer, with what the headers say of the provider's limits. */
const withLimits = (
  answer: AiAnswer,
  { headers }: HttpClientResponse.HttpClientResponse
): Effect.Effect<AiAnswer> =>
  Clock.clockWith((clock) => {
    const limits = parseRateLimitHeaders(headers, clock.currentTimeMillisUnsafe())
    return Effect.succeed(limits === undefined ? answer : { ...answer, limits })
  })

/** Redirects count too: following one would send the prompt and the key to a place nobody configured. */
const isUnavailable = (status: number): boolean =>
  status >= 500 || status === 408 || status === 409 || status === 425 || status < 400

/** The innermost system error, such as `ECONNREFUSED`, without the URL: it can hold credentials. */
const describe = (error: HttpClientError.HttpClientError): string => {
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
