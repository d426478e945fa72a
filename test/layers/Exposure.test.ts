import { assert, describe, it } from "@effect/vitest"
import { NetAddress } from "effect/net"
import { exposure } from "../../src/layers/Exposure.ts"

const at = (address: string) => exposure(NetAddress.inetAddressUnsafe(NetAddress.ipFromStringUnsafe(address), 3_000))

describe("a service that asks for no key", () => {
  it("is nobody else's on the loopback, all of it", () => {
    for (const address of ["127.0.0.1", "127.0.1.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"]) {
      assert.isUndefined(at(address), address)
    }
  })

  it("is everybody's on all interfaces, and says so", () => {
    for (const address of ["0.0.0.0", "::", "::ffff:0.0.0.0"]) {
      assert.match(at(address) ?? "", /NO KEY IS NEEDED.*every network interface.*port 3000.*Set API_KEYS/)
    }
  })

  it("is the network's on any other address, and names it", () => {
    for (const address of ["192.168.1.7", "10.0.0.1", "126.255.255.255", "128.0.0.1", "fe80::1", "2001:db8::7"]) {
      assert.include(at(address) ?? "", `the network interface ${address}`)
    }
  })
})
