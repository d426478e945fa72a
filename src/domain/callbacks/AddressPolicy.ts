/** Which addresses a callback may go to without having been allowed. Pure. */
import { IpNetwork, NetAddress } from "effect/net"

/**
 * Whether it is an address of the public internet. A cloud's metadata service has none, nor has anything that stands
 * for an IPv4 address within IPv6, wherever that may lead.
 */
export const isPublic = (address: NetAddress.IpAddress): boolean =>
  NetAddress.isIpv4Address(address)
    ? !isIn(notPublicV4, address)
    : IpNetwork.contains(globalUnicast, address) && !isIn(notPublicV6, address)

const isIn = (networks: ReadonlyArray<IpNetwork.IpNetwork>, address: NetAddress.IpAddress): boolean =>
  networks.some((network) => IpNetwork.contains(network, address))

/** IANA's special-purpose registry, and what clouds have put among the public addresses. */
const notPublicV4 = [
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private
  "100.64.0.0/10", // behind a carrier's NAT
  "127.0.0.0/8", // loopback
  "168.63.129.16/32", // Azure's own services, on every machine there
  "169.254.0.0/16", // link-local
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // relays of 6to4
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4" // reserved, broadcast
].map(IpNetwork.fromStringUnsafe)

/**
 * Everything else in IPv6 is special or not given out: loopback, unspecified, IPv4 (mapped, compatible, NAT64),
 * link-local, unique local, multicast.
 */
const globalUnicast = IpNetwork.fromStringUnsafe("2000::/3")

const notPublicV6 = [
  "2001::/23", // protocol assignments, among them Teredo, which holds an IPv4 address
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4, which holds an IPv4 address
  "3fff::/20" // documentation
].map(IpNetwork.fromStringUnsafe)
