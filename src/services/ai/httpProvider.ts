/** What every provider over HTTP has in common: the statuses, the body, and how failures are told apart. */
import { Clock, type Duration, Effect, type Redacted, Stream } from "effect"
import {
  HttpBody,
  type HttpClient,
  type HttpClientError,
  HttpClientRequest,
  type HttpClientResponse
} from "effect/http"
import type { AiAnswer, AiPart, AiRequest } from "../../domain/Ai.ts"
import {
  type AiError,
  AiMalformed,
  AiRateLimited,
  AiRejected,
  AiUnauthorized,
  AiUnavailable
} from "../../domain/errors.ts"
import { parseRetryAfter } from "../../domain/ladder/RetryAfter.ts"
import { beyondText, isBeyondText } from "../../domain/TextOnly.ts"
import { errorMessageOf } from "./errorMessage.ts"
import { inOnePiece } from "./inOnePiece.ts"
import type { Json } from "./json.ts"
import type { Protocol, Streaming } from "./protocol.ts"
import { describe, drained, failureOf, isJson, isSuccess, isUnavailable, limitsOf, readParts } from "./responses.ts"

interface Options {
  readonly provider: string
  readonly apiKey?: Redacted.Redacted | undefined
}

type Response = HttpClientResponse.HttpClientResponse

export const makeHttpProvider = (http: HttpClient.HttpClient, options: Options, protocol: Protocol) => {
  const { provider } = options
  const anonymous = HttpClientRequest.post(protocol.url, { acceptJson: true })
  const base = options.apiKey === undefined ? anonymous : HttpClientRequest.bearerToken(anonymous, options.apiKey)
  const streamed = HttpClientRequest.accept(base, "text/event-stream")

  const unreachable = (error: HttpClientError.HttpClientError): Effect.Effect<never, AiUnavailable> =>
    Effect.fail(new AiUnavailable({ provider, detail: describe(error) }))

  /** Once a success has begun, whatever cuts it short or makes it unreadable is a broken answer. */
  const read = <A>(
    response: Response,
    request: AiRequest,
    onAnswer: (answer: AiAnswer, body: Json) => A
  ): Effect.Effect<A, AiError> =>
    Effect.matchEffect(response.json, {
      onFailure: (error): Effect.Effect<A, AiError> =>
        Effect.fail(new AiMalformed({ provider, detail: `the body could not be read: ${describe(error)}` })),
      onSuccess: (json): Effect.Effect<A, AiError> => {
        const decoded = protocol.decode(json, request)
        if (decoded._tag === "Failure") return Effect.fail(failureOf(decoded.failure, provider, response))
        return Effect.map(limitsOf(response), (limits) =>
          onAnswer(limits === undefined ? decoded.success : { ...decoded.success, limits }, json))
      }
    })

  const retryAfter = (response: Response): Effect.Effect<Duration.Duration | undefined> =>
    Effect.map(Clock.currentTimeMillis, (now) => parseRetryAfter(response.headers["retry-after"], now))

  /** What a status other than success means. */
  const refusal = (response: Response): Effect.Effect<never, AiError> => {
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

  /** Sends the request, and reads a success. */
  const call = <A>(
    request: AiRequest,
    head: HttpClientRequest.HttpClientRequest,
    encode: Protocol["encode"],
    onSuccess: (response: Response) => Effect.Effect<A, AiError>
  ): Effect.Effect<A, AiError> => {
    if (protocol.takesTextOnly === true && isBeyondText(request)) return Effect.fail(beyondText(provider))
    const body = HttpBody.text(JSON.stringify(encode(request)), "application/json")
    return Effect.matchEffect(http.execute(HttpClientRequest.setBody(head, body)), {
      onFailure: unreachable,
      onSuccess: (response): Effect.Effect<A, AiError> => isSuccess(response) ? onSuccess(response) : refusal(response)
    })
  }

  const generate = (request: AiRequest): Effect.Effect<AiAnswer, AiError> =>
    call(request, base, protocol.encode, (response) => read(response, request, (answer) => answer))

  const streamWith = (streaming: Streaming) => (request: AiRequest): Stream.Stream<AiPart, AiError> =>
    Stream.unwrap(
      Effect.suspend(() =>
        call(request, streamed, streaming.encode, (response): Effect.Effect<Stream.Stream<AiPart, AiError>, AiError> =>
          isJson(response)
            ? read(response, request, (answer, body) =>
              Stream.fromArray(streaming.piecesOf(body, answer, request)))
            : Effect.map(limitsOf(response), (limits) =>
              readParts(response, streaming.read(request, limits), provider)))
      )
    )

  const { streaming } = protocol
  const { takesTextOnly } = protocol
  return {
    provider,
    takesTextOnly,
    generate,
    stream: streaming === undefined ? inOnePiece(generate) : streamWith(streaming)
  }
}
