/** Which URLs callbacks may go to, as far as that can be said without asking anybody. Pure. */
import { Result } from "effect"
import { NetAddress } from "effect/net"
import { type CallbackExceptions, hostNameOf, isExcepted, mayReach } from "./CallbackExceptions.ts"

/** Characters. */
const maxUrlLength = 2_000

/**
 * The URL, or why it will not do. A name is not looked up: where it leads has to be seen when it is called, each time.
 * What must not be called is refused in the same words wherever it is, so that nobody learns what there is.
 */
export const callbackUrlOf = (text: string, exceptions: CallbackExceptions): Result.Result<URL, string> => {
  if (text.length > maxUrlLength) return refused(`must not be longer than ${maxUrlLength} characters`)
  const url = URL.parse(text)
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    return refused("must be a whole URL such as https://host/path")
  }
  if (url.username !== "" || url.password !== "") return refused("must not hold a user or a password")
  if (text.includes("#")) return refused("must not have a fragment")
  const target = targetOf(url.hostname)
  if (target === undefined) return refused("must name a host as DNS or IP know it")
  if (url.protocol === "http:" && !isAllowed(target, exceptions)) return refused("must begin with https://")
  return isForbidden(target, exceptions) ? refused("must lead to a public address") : Result.succeed(url)
}

const refused = (why: string) => Result.fail(`a callback URL ${why}`)

type Target =
  | { readonly _tag: "Address"; readonly address: NetAddress.IpAddress }
  | { readonly _tag: "Name"; readonly name: string }

/** `hostname`: as `URL` writes it, which has put every notation of an IPv4 address into the usual one. */
const targetOf = (hostname: string): Target | undefined => {
  const address = addressOf(hostname)
  if (address !== undefined) return { _tag: "Address", address }
  const name = hostNameOf(hostname)
  return name === undefined ? undefined : { _tag: "Name", name }
}

/** Of a host that is written as an address, as URLs do or without brackets. */
export const addressOf = (host: string): NetAddress.IpAddress | undefined =>
  Result.getOrUndefined(NetAddress.ipFromString(host.replace(/^\[(.*)\]$/, "$1")))

const isAllowed = (target: Target, exceptions: CallbackExceptions): boolean =>
  target._tag === "Address" ? isExcepted(exceptions, target.address) : exceptions.hosts.has(target.name)

const isForbidden = (target: Target, exceptions: CallbackExceptions): boolean =>
  target._tag === "Address"
    ? !mayReach(exceptions, target.address)
    : /(?:^|\.)localhost$/.test(target.name) && !exceptions.hosts.has(target.name)
