/** Who can reach an address that the service listens on. */
import { NetAddress } from "effect/net"

/**
 * What to tell an operator whose service asks for no key: `undefined` when only this machine reaches it. Goes by the
 * address that is really listened on, which a host name does not show.
 */
export const exposure = (listensOn: NetAddress.SocketAddress): string | undefined => {
  if (!NetAddress.isInetAddress(listensOn)) return undefined
  const { address, port } = NetAddress.toCanonical(listensOn)
  if (NetAddress.isLoopback(address)) return undefined
  const where = NetAddress.isUnspecified(address)
    ? "every network interface of this machine"
    : `the network interface ${NetAddress.formatIp(address)}`
  return `NO KEY IS NEEDED: it listens on ${where}, and whoever reaches port ${port} can spend your provider's money and `
    + "read what the cache holds. Set API_KEYS or API_KEYS_FILE, or HOST=127.0.0.1"
}
