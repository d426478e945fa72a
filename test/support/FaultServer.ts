/**
 * A real HTTP server on the loopback that behaves as badly as a provider can. What it can do stands in `faults.ts`,
 * and for streams in `streamFaults.ts`.
 *
 * ```ts
 * const server = yield* FaultServer
 * yield* server.respondWithEach([Mode.resetBeforeHeaders, Mode.rateLimited("2")]) // then as before: it answers
 * // … call server.openAiUrl + "/chat/completions", or server.plainUrl
 * assert.strictEqual(server.counts().received, 2)
 * yield* server.until((counts) => counts.aborted === 1)
 * ```
 */
import { Context, Effect, Layer, type Scope } from "effect"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { Call } from "./FaultCall.ts"
import { Mode } from "./faults.ts"
import { embeddings, openAi, plain } from "./formats.ts"

export { Call } from "./FaultCall.ts"
export { Mode } from "./faults.ts"
export { StreamMode } from "./streamFaults.ts"

export interface Counts {
  /** Requests read completely. */
  readonly received: number
  /** Of these, still without a complete response. */
  readonly inFlight: number
  /** Responses sent to the end. */
  readonly answered: number
  /** Requests whose client went away before the end of the response. */
  readonly aborted: number
  /** Connections that are open. */
  readonly openSockets: number
  /** Connections that were ever opened. */
  readonly sockets: number
  /** Of bodies, as far as the socket has taken them. */
  readonly bytesSent: number
}

export class FaultServer extends Context.Service<FaultServer, {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** For `AI_BASE_URL` with `AI_PROTOCOL=openai`: up to and including `/v1`. */
  readonly openAiUrl: string
  /** For `AI_BASE_URL` with `AI_PROTOCOL=plain`: the full URL. */
  readonly plainUrl: string
  /** From now on, when the queue below is empty. At first: `Mode.answer`. */
  readonly respondWith: (mode: Mode) => Effect.Effect<void>
  /** One mode for each of the next requests, in the order of their arrival; replaces what is still queued. */
  readonly respondWithEach: (modes: ReadonlyArray<Mode>) => Effect.Effect<void>
  readonly counts: () => Counts
  /** Every request so far. */
  readonly calls: () => ReadonlyArray<Call>
  /** Waits until the counts are so; looks again whenever one changes. */
  readonly until: (condition: (counts: Counts) => boolean) => Effect.Effect<Counts>
}>()("understudy/test/FaultServer") {
  /** One server; for several at once use it several times. */
  static readonly make: Effect.Effect<FaultServer["Service"], never, Scope.Scope> = Effect.suspend(() => start())
  static readonly layer: Layer.Layer<FaultServer> = Layer.effect(FaultServer, FaultServer.make)
}

const start = Effect.fnUntraced(function*() {
  let standing: Mode = Mode.answer
  let queue: ReadonlyArray<Mode> = []
  let sockets = 0
  let openSockets = 0
  let answered = 0
  let aborted = 0
  let ended = 0
  const calls: Array<Call> = []
  const watchers = new Set<() => void>()
  const changed = () => watchers.forEach((watch) => watch())

  const counts = (): Counts => ({
    received: calls.length,
    inFlight: calls.length - ended,
    answered,
    aborted,
    openSockets,
    sockets,
    bytesSent: calls.reduce((sum, call) => sum + call.bytesSent, 0)
  })

  const server = createServer((request, response) => {
    void receive(request).then((body) => {
      const call = accept(request, response, body)
      if (call === undefined) return response.writeHead(404).end()
      calls.push(call)
      response.on("close", () => {
        ended++
        if (response.writableFinished) answered++
        else if (!call.brokenByServer) aborted++
        changed()
      })
      const [mode = standing, ...rest] = queue
      queue = rest
      changed()
      return mode(call)
    }, () => response.destroy())
  })
  server.on("connection", (socket) => {
    sockets++
    openSockets++
    socket.on("error", () => {})
    socket.on("close", () => {
      openSockets--
      changed()
    })
    changed()
  })

  const url = yield* Effect.acquireRelease(listen(server), () => stop(server))
  return FaultServer.of({
    url,
    openAiUrl: `${url}/v1`,
    plainUrl: `${url}/plain`,
    respondWith: (mode) => Effect.sync(() => void (standing = mode)),
    respondWithEach: (modes) => Effect.sync(() => void (queue = modes)),
    counts,
    calls: () => calls,
    until: (condition) =>
      Effect.callback((resume) => {
        const watch = () => {
          const now = counts()
          if (!condition(now)) return
          watchers.delete(watch)
          resume(Effect.succeed(now))
        }
        watchers.add(watch)
        watch()
        return Effect.sync(() => watchers.delete(watch))
      })
  })
})

const accept = (request: IncomingMessage, response: ServerResponse, text: string): Call | undefined => {
  const path = request.url ?? ""
  const body = parse(text)
  const seen = { path, headers: request.headers, body }
  if (path === "/v1/chat/completions") return new Call(seen, openAi(body), response)
  if (path === "/v1/embeddings") return new Call(seen, embeddings(body), response)
  if (path === "/plain") return new Call(seen, plain, response)
  return undefined
}

const receive = async (request: IncomingMessage): Promise<string> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString("utf8")
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const listen = (server: Server) =>
  Effect.callback<string>((resume) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(Effect.succeed(`http://127.0.0.1:${port}`))
    })
  })

const stop = (server: Server) =>
  Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })
