/** Targets that the operator allows although they are not public. Pure. */
import { Result } from "effect"
import { Host, IpNetwork, NetAddress } from "effect/net"
import { isPublic } from "./AddressPolicy.ts"

/** Where callbacks may go although it is not public. */
export interface CallbackExceptions {
  readonly networks: ReadonlyArray<IpNetwork.IpNetwork>
  /** In lower case, without a dot at the end. */
  readonly hosts: ReadonlySet<string>
}

/** Public addresses only. */
export const noExceptions: CallbackExceptions = { networks: [], hosts: new Set() }

/**
 * Reads networks (`10.1.2.0/24`), addresses and host names with commas between them; `undefined` when one is none of
 * these. A network with bits beyond its prefix is none: who writes it means something else.
 */
export const exceptionsOf = (list: string): CallbackExceptions | undefined => {
  const networks: Array<IpNetwork.IpNetwork> = []
  const hosts = new Set<string>()
  for (const item of list.split(",").map((item) => item.trim())) {
    const address = NetAddress.ipFromString(item)
    const network = Result.isSuccess(address)
      ? IpNetwork.fromAddress(address.success, NetAddress.width(address.success))
      : IpNetwork.fromString(item)
    if (Result.isSuccess(network)) networks.push(network.success)
    else {
      const name = hostNameOf(item)
      if (name === undefined) return undefined
      hosts.add(name)
    }
  }
  return { networks, hosts }
}

/** As names are compared; `undefined`: it is no name. */
export const hostNameOf = (text: string): string | undefined => {
  const name = Result.getOrUndefined(Host.domainNameFromString(text))
  return name === undefined || name === "." ? undefined : Host.toRelative(name)
}

/** Whether this address has been allowed by itself. */
export const isExcepted = ({ networks }: CallbackExceptions, address: NetAddress.IpAddress): boolean =>
  networks.some((network) => IpNetwork.contains(network, address))

/** Whether a callback to an address may be sent; `name`: the host whose address it is, if it came from a name. */
export const mayReach = (exceptions: CallbackExceptions, address: NetAddress.IpAddress, name?: string): boolean =>
  isPublic(address) || isExcepted(exceptions, address) || (name !== undefined && exceptions.hosts.has(name))
