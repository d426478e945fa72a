/**
 * Effect's `HttpClient` over undici's `Agent.dispatch`, with as little as possible built for each request: no
 * `AbortController`, promise, merged context or Node stream, and a span only when somebody reads it.
 *
 * What callers can rely on:
 * - Before the response's headers everything that goes wrong is an `HttpClientError` with reason `TransportError`
 *   (refused, reset, DNS, TLS, connect timeout, broken status line or headers), `EncodeError` (the request itself cannot
 *   be sent) or `InvalidUrlError`. After the headers it is a `DecodeError` of the body's effect or stream, whose `cause`
 *   is a `BodyTooLarge` when the body went beyond `maxBodySize`, or beyond `maxStreamSize` when it is read as a stream.
 * - The response is there as soon as its headers are. Interruption, of the request or of whoever reads the body, aborts
 *   the transfer at once.
 * - Nothing has to be read: up to 64 KiB of an unread body drain by themselves and give the connection back; a larger
 *   or stalled one is aborted when its response is garbage, or when the layer's scope closes.
 * - Time is the caller's: of undici's timeouts only the one for connecting is on.
 * - Like Effect's own undici client it asks for no compression, decompresses nothing and follows no redirects.
 *   `HttpClient.withScope` cannot reach it (its registry is private to Effect): interrupt the reader instead.
 */
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Duration, Effect, Layer, Option, Result, Stream, Tracer } from "effect"
import { Headers, HttpClient, HttpClientError, type HttpClientRequest, type HttpClientResponse, Url } from "effect/http"
import { TracerEnabled } from "effect/References"
import { Readable } from "node:stream"
import { Agent, type buildConnector, type Dispatcher, errors, FormData } from "undici"
import { type BodyLimits, UndiciExchange } from "./UndiciExchange.ts"
import { UndiciResponse } from "./UndiciResponse.ts"

export { BodyTooLarge } from "./UndiciExchange.ts"

/** What a connection and a body may take. */
export interface Options {
  /** Open connections per origin; further requests wait for one. Default 256. */
  readonly connections?: number | undefined
  /** Largest response body in bytes that is read as a whole. Default 8 MiB. */
  readonly maxBodySize?: number | undefined
  /** Largest response body in bytes that is read as a stream. Default 64 MiB. */
  readonly maxStreamSize?: number | undefined
  /** Default 10 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** Opens the connections, within a time of its own. Default undici's. */
  readonly connect?: buildConnector.connector | undefined
  /** `false`: each request has a connection of its own, which is closed after it. Default `true`. */
  readonly keepAlive?: boolean | undefined
}

/** One pool of connections, destroyed with the layer's scope: build one layer per provider. */
export const layer = (options: Options = {}): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => makeAgent(options)),
        (agent) => Effect.promise(() => agent.destroy())
      ),
      (agent) =>
        make(agent, {
          buffered: options.maxBodySize ?? 8 * 1024 * 1024,
          streamed: options.maxStreamSize ?? 64 * 1024 * 1024
        })
    )
  )

type Request = HttpClientRequest.HttpClientRequest
type Sent = Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

const makeAgent = (options: Options) =>
  new Agent({
    connections: options.connections ?? 256,
    connectTimeout: Duration.toMillis(options.connectTimeout ?? "10 seconds"),
    headersTimeout: 0,
    bodyTimeout: 0,
    ...options.connect !== undefined && { connect: options.connect },
    ...options.keepAlive === false && { pipelining: 0, keepAliveTimeout: 1 },
    // On HTTP/2 one lost connection takes every request on it along.
    allowH2: false
  })

const make = (agent: Agent, limits: BodyLimits): HttpClient.HttpClient => {
  const locate = makeLocator()

  const send = (request: Request, target: Target): Sent => {
    switch (request.body._tag) {
      case "Empty":
        return dispatch(request, target, request.headers, null)
      case "Uint8Array":
        return dispatch(request, target, request.headers, request.body.body)
      case "Raw":
        return isSendable(request.body.body)
          ? dispatch(request, target, request.headers, request.body.body)
          : encodeError(request, "a raw body must be a string, a Uint8Array or a Node Readable")
      case "FormData": {
        const body = new FormData()
        for (const [name, value] of request.body.formData) body.append(name, value)
        return dispatch(request, target, Headers.remove(request.headers, "content-type"), body)
      }
      case "Stream": {
        const stream = Stream.mapError(request.body.stream, (cause) => new BodyFailure(cause))
        return Effect.flatMap(
          NodeStream.toReadable(stream),
          (body) => dispatch(request, target, request.headers, body)
        )
      }
    }
  }

  const dispatch = (
    request: Request,
    target: Target,
    headers: Headers.Headers,
    body: Dispatcher.DispatchOptions["body"] & {} | null
  ): Sent =>
    Effect.callback((resume) => {
      const exchange = new UndiciExchange(limits, () => {
        if (exchange.status === 0) return resume(requestError(request, exchange.failure))
        const response = new UndiciResponse(request, target.href, exchange)
        if (exchange.state === "running") unread.register(response, exchange)
        return resume(Effect.succeed(response))
      })
      agent.dispatch({ origin: target.origin, path: target.path, method: request.method, headers, body }, exchange)
      return Effect.sync(() => exchange.abort())
    })

  /** The stock client around the same dispatch: the same span, attributes and propagation as everywhere in Effect. */
  const traced = HttpClient.make((request, url) => send(request, toTarget(url)))

  const execute = (request: Request): Sent =>
    Effect.withFiber((fiber) => {
      if (
        fiber.getRef(Tracer.Tracer) !== Tracer.nativeTracer && fiber.getRef(TracerEnabled) &&
        !fiber.getRef(Tracer.DisablePropagation) && !fiber.getRef(HttpClient.TracerDisabledWhen)(request)
      ) {
        return traced.execute(request)
      }
      const target = locate(request)
      return Result.isSuccess(target) ? send(request, target.success) : Effect.fail(target.failure)
    })

  return HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
    Effect.flatMap(execute),
    Effect.succeed
  )
}

/** Closes the connection of a body that was too large to drain by itself and whose response nobody holds any more. */
const unread = new FinalizationRegistry<UndiciExchange>((exchange) => exchange.abort())

interface Target {
  readonly origin: string
  readonly path: string
  readonly href: string
}

const toTarget = (url: URL): Target => ({
  origin: url.origin,
  path: url.pathname + url.search,
  href: url.hash === "" ? url.href : url.href.slice(0, -url.hash.length)
})

/** A provider is called at the same URL again and again: remember the last one instead of parsing it every time. */
const makeLocator = () => {
  let lastUrl = ""
  let last: Result.Result<Target, HttpClientError.HttpClientError> | undefined
  return (request: Request): Result.Result<Target, HttpClientError.HttpClientError> => {
    const plain = request.urlParams.params.length === 0 && Option.isNone(request.hash)
    if (plain && last !== undefined && request.url === lastUrl) return last
    const url = Url.make(request.url, request.urlParams, Option.getOrUndefined(request.hash))
    if (Result.isFailure(url)) return invalidUrl(request, url.failure)
    if (url.success.protocol !== "http:" && url.success.protocol !== "https:") {
      return invalidUrl(request, new TypeError(`${url.success.protocol} is neither http: nor https:`))
    }
    const target = Result.succeed(toTarget(url.success))
    if (plain) {
      lastUrl = request.url
      last = target
    }
    return target
  }
}

/** Carries the failure of a request body's own stream through undici. */
class BodyFailure extends Error {
  constructor(cause: unknown) {
    super("the stream of the request's body failed", { cause })
  }
}

const isSendable = (body: unknown): body is string | Uint8Array | Readable =>
  typeof body === "string" || body instanceof Uint8Array || body instanceof Readable

const requestError = (request: Request, cause: unknown): Effect.Effect<never, HttpClientError.HttpClientError> =>
  cause instanceof BodyFailure || cause instanceof errors.InvalidArgumentError ||
    cause instanceof errors.RequestContentLengthMismatchError
    ? encodeError(request, cause.message, cause instanceof BodyFailure ? cause.cause : cause)
    : Effect.fail(
      new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })
    )

const encodeError = (
  request: Request,
  description: string,
  cause?: unknown
): Effect.Effect<never, HttpClientError.HttpClientError> =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.EncodeError({ request, description, cause }) })
  )

const invalidUrl = (request: Request, cause: unknown) =>
  Result.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.InvalidUrlError({ request, cause }) })
  )
