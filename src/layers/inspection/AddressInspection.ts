/** Whether the service could listen where it is told to, found out by doing so for a moment. */
import { Effect, Predicate, Schema } from "effect"
import { HttpClient } from "effect/http"
import { NetAddress } from "effect/net"
import { createServer } from "node:net"
import { exposure } from "../Exposure.ts"
import * as UndiciHttpClient from "../UndiciHttpClient.ts"

export interface AddressFacts {
  readonly state:
    | { readonly _tag: "Free" }
    | { readonly _tag: "TakenByUnderstudy"; readonly status: string }
    | { readonly _tag: "TakenByOther" }
    /** Of the system, such as `EACCES`. */
    | { readonly _tag: "Unusable"; readonly code: string }
  /** What to tell the operator of a service that asks for no key; absent: only this machine reaches it. */
  readonly exposure: string | undefined
}

/** Within four seconds. */
export const inspectAddress = Effect.fnUntraced(function*(host: string, port: number) {
  const tried = yield* listen(host, port)
  // Any port tells which address a name leads to.
  const address = tried._tag === "Listened" ? tried : yield* listen(host, 0)
  const facts: AddressFacts = {
    state: tried._tag === "Listened"
      ? { _tag: "Free" }
      : tried.code === "EADDRINUSE"
      ? yield* whoIsAt(host, port)
      : { _tag: "Unusable", code: tried.code },
    exposure: address._tag === "Listened" ? exposureOf(address.ip, port) : undefined
  }
  return facts
})

type Tried = { readonly _tag: "Listened"; readonly ip: string } | { readonly _tag: "Refused"; readonly code: string }

const listen = (host: string, port: number): Effect.Effect<Tried> =>
  Effect.callback<Tried>((resume) => {
    const server = createServer((socket) => socket.destroy())
    server.on("error", (error) => resume(Effect.succeed({ _tag: "Refused", code: codeOf(error) })))
    server.listen({ host, port }, () => {
      const address = server.address()
      const ip = Predicate.isObject(address) ? String(address["address"]) : ""
      server.close(() => resume(Effect.succeed({ _tag: "Listened", ip })))
    })
    return Effect.sync(() => server.close())
  }).pipe(Effect.timeoutOrElse({
    duration: "2 seconds",
    orElse: () => Effect.succeed<Tried>({ _tag: "Refused", code: "ETIMEDOUT" })
  }))

const codeOf = (error: Error): string => "code" in error && typeof error.code === "string" ? error.code : error.message

const exposureOf = (ip: string, port: number): string | undefined => {
  const address = NetAddress.inetAddressFromIpString(ip, port)
  return address._tag === "Success" ? exposure(address.success) : undefined
}

const Ready = Schema.Struct({ status: Schema.Literals(["ok", "degraded"]), degraded: Schema.Array(Schema.Unknown) })

const anyAddress: { readonly [host: string]: string | undefined } = { "0.0.0.0": "127.0.0.1", "::": "::1" }

/** Readiness tells more than liveness, whose `{"status":"ok"}` many a service says. */
const whoIsAt = (host: string, port: number): Effect.Effect<AddressFacts["state"]> => {
  const address = anyAddress[host] ?? host
  const url = `http://${address.includes(":") ? `[${address}]` : address}:${port}/health/ready`
  return Effect.gen(function*() {
    const response = yield* (yield* HttpClient.HttpClient).get(url)
    return yield* Schema.decodeUnknownEffect(Ready)(yield* response.json)
  }).pipe(
    Effect.timeout("2 seconds"),
    Effect.match({
      onFailure: (): AddressFacts["state"] => ({ _tag: "TakenByOther" }),
      onSuccess: ({ status }): AddressFacts["state"] => ({ _tag: "TakenByUnderstudy", status })
    }),
    Effect.provide(UndiciHttpClient.layer({ connections: 1, maxBodySize: 64 * 1024 }))
  )
}
