/** Endpoints for callbacks on the loopback, and names that lead to them. */
import { Effect, Layer, Redacted } from "effect"
import { Dns, NetAddress } from "effect/net"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { type CallbackExceptions, noExceptions } from "../../src/domain/callbacks/CallbackExceptions.ts"
import { defaultNamespace } from "../../src/domain/Generation.ts"
import * as CallbackHttpLayer from "../../src/layers/CallbackHttpLayer.ts"
import { CallbackSender, type CallbackSenderOptions } from "../../src/services/CallbackSender.ts"

export interface Delivery {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: Record<string, string>
  readonly body: string
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void

export const answering = (status: number, headers: Record<string, string> = {}, body = "") => (
  (response: ServerResponse) => void response.writeHead(status, headers).end(body)
)

/** Listens until the scope closes; `connections` counts whoever has come, with a request or without. */
export const receiver = (answer: Answer, host = "127.0.0.1") =>
  Effect.acquireRelease(
    Effect.callback<Receiver>((resume) => {
      const deliveries: Array<Delivery> = []
      let connections = 0
      let open = 0
      const server = createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => {
          const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)])
          deliveries.push({
            method: request.method,
            url: request.url,
            headers: Object.fromEntries(headers),
            body: Buffer.concat(chunks).toString()
          })
          answer(response, request)
        })
      })
      server.on("connection", (socket) => {
        connections += 1
        open += 1
        socket.on("close", () => open -= 1)
      })
      server.listen(0, host, () => {
        const address = server.address()
        resume(Effect.succeed({
          port: typeof address === "object" && address !== null ? address.port : 0,
          deliveries,
          connections: () => connections,
          open: () => open,
          close: () => server.closeAllConnections() ?? server.close()
        }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

export interface Receiver {
  readonly port: number
  readonly deliveries: ReadonlyArray<Delivery>
  readonly connections: () => number
  /** Connections that are still there. */
  readonly open: () => number
  readonly close: () => void
}

/** What each name leads to; a function is asked anew each time. `lookups` tells who was asked for. */
export const names = (zone: Record<string, ReadonlyArray<string> | (() => ReadonlyArray<string>)>) => {
  const lookups: Array<string> = []
  const addresses = (name: string) => {
    lookups.push(name)
    const found = zone[name] ?? []
    return (typeof found === "function" ? found() : found).map(NetAddress.ipFromStringUnsafe)
  }
  const dns = Dns.make({
    lookup: (name) => Effect.sync(() => addresses(name)),
    resolve: (name, type) =>
      Effect.sync(() =>
        addresses(name).flatMap((address): ReadonlyArray<Dns.DnsRecord> => {
          if (NetAddress.isIpv4Address(address)) return type === "A" ? [Dns.makeRecordUnsafe("A", { address })] : []
          return type === "AAAA" ? [Dns.makeRecordUnsafe("AAAA", { address })] : []
        })
      ),
    reverse: () => Effect.succeed([])
  })
  return { lookups, layer: Layer.succeed(Dns.Dns, dns) }
}

export const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`

/** The sender over real sockets. */
export const senderWith = (
  options: Partial<CallbackSenderOptions> = {},
  dns: Layer.Layer<Dns.Dns> = names({}).layer
) => {
  const exceptions: CallbackExceptions = options.exceptions ?? noExceptions
  const secrets = new Map([[defaultNamespace, [Redacted.make(secret)]]])
  return CallbackSender.layer({ secrets, ...options }).pipe(
    Layer.provide(CallbackHttpLayer.layer(exceptions)),
    Layer.provide(dns)
  )
}
