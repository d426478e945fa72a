/** Effect's view of one response over undici. */
import { Cause, Effect, Option, type Schema, Stream } from "effect"
import {
  Cookies,
  Headers,
  HttpClientError,
  type HttpClientRequest,
  HttpClientResponse,
  HttpIncomingMessage,
  UrlParams
} from "effect/http"
import * as Inspectable from "effect/Inspectable"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import { isUtf8 } from "node:buffer"
import type { UndiciExchange } from "./UndiciExchange.ts"

type Body<A> = Effect.Effect<A, HttpClientError.HttpClientError>

/**
 * `text`, `json` and `arrayBuffer` buffer the body and may be read again; `stream` consumes it. Whatever goes wrong
 * after the headers is a `DecodeError`.
 */
export class UndiciResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse, Pipeable {
  readonly [HttpIncomingMessage.TypeId]: typeof HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: typeof HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly request: HttpClientRequest.HttpClientRequest
  readonly url: string
  readonly status: number
  private readonly exchange: UndiciExchange
  private cachedHeaders: Headers.Headers | undefined = undefined
  private cachedCookies: Cookies.Cookies | undefined = undefined

  constructor(request: HttpClientRequest.HttpClientRequest, url: string, exchange: UndiciExchange) {
    super()
    this.request = request
    this.url = url
    this.status = exchange.status
    this.exchange = exchange
  }

  get headers(): Headers.Headers {
    return this.cachedHeaders ??= Headers.fromInput(this.exchange.headers)
  }

  get cookies(): Cookies.Cookies {
    return this.cachedCookies ??= Cookies.fromSetCookie(this.exchange.headers["set-cookie"] ?? [])
  }

  get remoteAddress(): Option.Option<string> {
    return Option.none()
  }

  /** As UTF-8, where what is not UTF-8 becomes U+FFFD; without its byte order mark. */
  get text(): Body<string> {
    return Effect.map(this.bytes, decodeText)
  }

  /** `null` for an empty body. JSON is UTF-8: other bytes are a `DecodeError`, not replaced in silence. */
  get json(): Body<Schema.Json> {
    return Effect.flatMap(this.bytes, (bytes) => {
      if (bytes.length === 0) return Effect.succeed(null)
      if (!isUtf8(bytes)) return this.decodeError(undefined, "the body is not UTF-8")
      try {
        return Effect.succeed(JSON.parse(decodeText(bytes)))
      } catch (cause) {
        return this.decodeError(cause)
      }
    })
  }

  get arrayBuffer(): Body<ArrayBuffer> {
    return Effect.map(this.bytes, (bytes) => new Uint8Array(bytes).buffer)
  }

  get urlParamsBody(): Body<UrlParams.UrlParams> {
    return Effect.map(
      this.text,
      // A leading "?" is form data; URLSearchParams would drop it as a query prefix.
      (text) => UrlParams.fromInput(new URLSearchParams(text.replace(/^\?/, "%3F")))
    )
  }

  get formData(): Body<FormData> {
    return Effect.flatMap(this.arrayBuffer, (body) =>
      Effect.tryPromise({
        try: () => new Response(body, { headers: { "content-type": this.headers["content-type"] ?? "" } }).formData(),
        catch: (cause) => this.error(cause)
      }))
  }

  /** With back-pressure: a slow reader pauses the socket. A reader that stops early aborts the transfer. */
  get stream(): Stream.Stream<Uint8Array, HttpClientError.HttpClientError> {
    return Stream.suspend(() => {
      const exchange = this.exchange
      if (exchange.mode === "buffered") return Stream.fromEffect(this.bytes)
      if (exchange.mode === "streamed") return Stream.fromEffect(this.alreadyStreamed)
      exchange.claim("streamed")
      const pull: Effect.Effect<
        readonly [Uint8Array, ...Array<Uint8Array>],
        HttpClientError.HttpClientError | Cause.Done
      > = Effect.suspend(() => {
        const [first, ...rest] = exchange.take()
        if (first !== undefined) return Effect.succeed([first, ...rest] as const)
        if (exchange.state === "ended") return Cause.done()
        if (exchange.state === "failed") return this.decodeError(exchange.failure)
        return Effect.flatMap(exchange.changed, () => pull)
      })
      return Stream.ensuring(Stream.fromPull(Effect.succeed(pull)), Effect.sync(() => exchange.abort()))
    })
  }

  /** This client asks for no upgrade. */
  get upgrade(): Effect.Effect<never, HttpClientError.HttpClientError> {
    return Effect.suspend(() =>
      Effect.fail(
        new HttpClientError.HttpClientError({
          reason: new HttpClientError.StatusCodeError({
            request: this.request,
            response: this,
            description: "this client cannot hand over the connection of an HTTP upgrade"
          })
        })
      )
    )
  }

  private get bytes(): Body<Uint8Array> {
    return Effect.suspend(() => {
      const exchange = this.exchange
      if (exchange.mode === "streamed") return this.alreadyStreamed
      exchange.claim("buffered")
      return exchange.state === "running" ? Effect.flatMap(exchange.changed, () => this.result()) : this.result()
    })
  }

  private result(): Body<Uint8Array> {
    return this.exchange.state === "ended"
      ? Effect.succeed(this.exchange.whole())
      : this.decodeError(this.exchange.failure)
  }

  private get alreadyStreamed(): Body<never> {
    return this.decodeError(undefined, "the body was already read as a stream")
  }

  private decodeError(cause: unknown, description?: string): Body<never> {
    return Effect.fail(this.error(cause, description))
  }

  private error(cause: unknown, description?: string): HttpClientError.HttpClientError {
    return new HttpClientError.HttpClientError({
      reason: new HttpClientError.DecodeError({ request: this.request, response: this, cause, description })
    })
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "effect/http/HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }

  pipe() {
    return pipeArguments(this, arguments)
  }
}

const byteOrderMark = 0xfeff

const decodeText = (bytes: Uint8Array): string => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text
}
