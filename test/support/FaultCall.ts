/** One request at the fault server, with everything a mode may do to it. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from "node:http"
import type { Format } from "./formats.ts"

export const eventStream = "text/event-stream; charset=utf-8"

export const eventOf = (data: unknown): string => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`

export class Call {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** The request's body as JSON; `undefined` when it is none. */
  readonly body: unknown
  readonly prompt: string
  readonly format: Format
  /** `false` as soon as either side has ended the response or the connection. */
  open = true
  /** The server itself breaks the connection: not to be counted as the client's abort. */
  brokenByServer = false
  bytesSent = 0
  private readonly response: ServerResponse
  private readonly timers = new Set<NodeJS.Timeout>()

  constructor(
    request: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: unknown },
    format: Format,
    response: ServerResponse
  ) {
    this.path = request.path
    this.headers = request.headers
    this.body = request.body
    this.format = format
    this.prompt = format.prompt(request.body)
    this.response = response
    response.on("close", () => {
      this.open = false
      this.timers.forEach(clearTimeout)
    })
  }

  json(status: number, body: unknown, headers: OutgoingHttpHeaders = {}): void {
    this.send(status, "application/json", JSON.stringify(body), headers)
  }

  send(status: number, contentType: string, body: string | Uint8Array, headers: OutgoingHttpHeaders = {}): void {
    this.head(status, { "content-type": contentType, "content-length": Buffer.byteLength(body), ...headers })
    this.bytesSent += Buffer.byteLength(body)
    this.response.end(body)
  }

  get hasHead(): boolean {
    return this.response.headersSent
  }

  /** Sends the headers now. */
  head(status: number, headers: OutgoingHttpHeaders): void {
    this.response.writeHead(status, headers)
    this.response.flushHeaders()
  }

  /** The headers of the whole body, and the first part of it. */
  part(status: number, body: string, share: number, contentType = "application/json"): void {
    const bytes = Buffer.from(body)
    this.head(status, { "content-type": contentType, "content-length": bytes.length })
    this.write(bytes.subarray(0, Math.ceil(bytes.length * share)))
  }

  /** Sends the headers of a stream of events now. */
  events(headers: OutgoingHttpHeaders = {}): void {
    this.head(200, { "content-type": eventStream, "cache-control": "no-cache", ...headers })
  }

  /** One event; text goes out as it is, anything else as JSON. `false`: the socket is full, wait for `onDrain`. */
  event(data: unknown): boolean {
    return this.write(eventOf(data))
  }

  /** `false`: the socket is full, wait for `onDrain`. */
  write(chunk: string | Uint8Array): boolean {
    this.bytesSent += Buffer.byteLength(chunk)
    return this.response.write(chunk)
  }

  onDrain(then: () => void): void {
    this.response.once("drain", then)
  }

  end(): void {
    this.response.end()
  }

  /** Past HTTP, straight to the socket. */
  raw(text: string, afterwards: "close" | "keep open"): void {
    this.brokenByServer = true
    const socket = this.response.socket
    if (afterwards === "close") socket?.end(text)
    else socket?.write(text)
  }

  /** FIN, once what was written is out. */
  hangUp(): void {
    this.brokenByServer = true
    this.response.socket?.end()
  }

  /** RST. */
  reset(): void {
    this.brokenByServer = true
    this.response.socket?.resetAndDestroy()
  }

  /** FIN. */
  close(): void {
    this.brokenByServer = true
    this.response.socket?.destroy()
  }

  /** In real time: this is the remote side. Forgotten when the connection closes. */
  after(millis: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      then()
    }, millis)
    this.timers.add(timer)
  }
}
