/**
 * The client of callbacks: undici behind a connector that sees where each connection goes before it is opened.
 *
 * A name is looked up by the connection itself, once. Every address that comes back has to be allowed, and the
 * connection goes to one of these very addresses: there is no second lookup, whose answer could be another one. A host
 * that is written as an address is not looked up, so it is looked at apart. No connection is used twice: each attempt
 * sees where the name leads now. No proxy is asked, whatever the environment says.
 */
import { Effect, Layer } from "effect"
import { HttpClient } from "effect/http"
import { Dns, NetAddress } from "effect/net"
import type { LookupFunction } from "node:net"
import { buildConnector } from "undici"
import { type CallbackExceptions, hostNameOf, mayReach } from "../domain/callbacks/CallbackExceptions.ts"
import { addressOf } from "../domain/callbacks/CallbackUrl.ts"
import { CallbackHttp, NoPublicAddress } from "../services/callbacks/CallbackHttp.ts"
import * as UndiciHttpClient from "./UndiciHttpClient.ts"

/** Connects to public addresses only, but for the exceptions. */
export const layer = (exceptions: CallbackExceptions): Layer.Layer<CallbackHttp, never, Dns.Dns> =>
  Layer.unwrap(Effect.map(guarded(exceptions), (connect) =>
    Layer.effect(CallbackHttp, HttpClient.HttpClient).pipe(
      Layer.provide(UndiciHttpClient.layer({ connect, keepAlive: false, connections: 8, maxBodySize: 16 * 1024 }))
    )))

/** Milliseconds, the lookup and the handshake of TLS included. */
const connectTimeout = 5_000

const guarded = (
  exceptions: CallbackExceptions
): Effect.Effect<buildConnector.connector, never, Dns.Dns> =>
  Effect.contextWith((context) =>
    Effect.map(Dns.Dns, (dns): buildConnector.connector => {
      const run = Effect.runForkWith(context)

      const lookup: LookupFunction = (hostname, { all }, callback) => {
        run(Effect.match(reachableAt(dns, exceptions, hostname), {
          onFailure: (error) => callback(error, []),
          onSuccess: (addresses) => {
            const [first] = addresses
            if (all === true) callback(null, [...addresses])
            else callback(null, first.address, first.family)
          }
        }))
      }

      const connect = buildConnector({
        timeout: connectTimeout,
        lookup,
        allowH2: false,
        maxCachedSessions: 0,
        // Also where the environment says otherwise.
        rejectUnauthorized: true
      })

      return (options, callback) => {
        const literal = addressOf(options.hostname)
        if (literal === undefined || mayReach(exceptions, literal)) connect(options, callback)
        else queueMicrotask(() => callback(new NoPublicAddress(), null))
      }
    })
  )

interface Found {
  readonly address: string
  readonly family: 4 | 6
}

const reachableAt = Effect.fnUntraced(function*(
  dns: Dns.Dns["Service"],
  exceptions: CallbackExceptions,
  hostname: string
): Effect.fn.Return<readonly [Found, ...Array<Found>], NoPublicAddress> {
  const name = hostNameOf(hostname)
  if (name === undefined) return yield* new NoPublicAddress()
  const addresses = yield* addressesOf(dns, exceptions, name)
  const [first, ...others] = addresses.map((address): Found => ({
    address: NetAddress.formatIp(address),
    family: NetAddress.isIpv4Address(address) ? 4 : 6
  }))
  // One forbidden address among others is no mistake of an honest name.
  if (first === undefined || !addresses.every((address) => mayReach(exceptions, address, name))) {
    return yield* new NoPublicAddress()
  }
  return [first, ...others]
})

/**
 * Callers' names are asked of DNS alone: the system's own lookup knows the hosts file too, and each one blocks a thread
 * of the few that the whole process has for files and lookups until a name server answers. The operator's are few.
 */
const addressesOf = (
  dns: Dns.Dns["Service"],
  exceptions: CallbackExceptions,
  name: string
): Effect.Effect<ReadonlyArray<NetAddress.IpAddress>> =>
  exceptions.hosts.has(name)
    ? Effect.orElseSucceed(dns.lookup(name), () => [])
    : Effect.map(
      Effect.all([recordsOf(dns, name, "A"), recordsOf(dns, name, "AAAA")], { concurrency: "unbounded" }),
      (found) => found.flat()
    )

const recordsOf = (
  dns: Dns.Dns["Service"],
  name: string,
  type: "A" | "AAAA"
): Effect.Effect<ReadonlyArray<NetAddress.IpAddress>> =>
  Effect.match(dns.resolve(name, type), {
    onFailure: () => [],
    onSuccess: (records) => records.map(({ address }) => address)
  })
