import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { NetAddress } from "effect/net"
import { BlockList } from "node:net"
import { isPublic } from "../../../src/domain/callbacks/AddressPolicy.ts"

const address = NetAddress.ipFromStringUnsafe
const v4Of = (value: number) => [24, 16, 8, 0].map((bits) => (value >>> bits) & 255).join(".")
const groups = (...values: ReadonlyArray<number>) => values.map((value) => value.toString(16)).join(":")

/** Node's own idea of ranges, against ours. */
const special = new BlockList()
for (
  const [network, prefix] of [
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["168.63.129.16", 32],
    ["169.254.0.0", 16],
    ["172.16.0.0", 12],
    ["192.0.0.0", 24],
    ["192.0.2.0", 24],
    ["192.88.99.0", 24],
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
    ["198.51.100.0", 24],
    ["203.0.113.0", 24],
    ["224.0.0.0", 3]
  ] as const
) special.addSubnet(network, prefix)
const edges = [
  "0.0.0.0",
  "10.0.0.0",
  "100.64.0.0",
  "127.0.0.0",
  "168.63.129.16",
  "169.254.0.0",
  "172.16.0.0",
  "192.0.0.0",
  "192.88.99.0",
  "192.168.0.0",
  "198.18.0.0",
  "198.51.100.0",
  "203.0.113.0",
  "224.0.0.0"
].map((text) => text.split(".").reduce((value, part) => value * 256 + Number(part), 0))

const Word = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))
const Short = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))
const Edge = Schema.Literals(edges)
const Size = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 32 }))

describe("the addresses that callbacks may go to", () => {
  it("are public ones", () => {
    for (const text of ["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.0", "192.0.1.1", "223.255.255.255"]) {
      assert.isTrue(isPublic(address(text)), text)
    }
    for (const text of ["2606:4700:4700::1111", "2a00:1450:4001::1", "2001:200::1", "2001:4860:4860::8888"]) {
      assert.isTrue(isPublic(address(text)), text)
    }
  })

  it("are not those of this machine, of private networks, of clouds' metadata, or of no use", () => {
    const texts = [
      "0.0.0.0 127.0.0.1 127.255.255.254 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 169.254.170.2",
      "100.64.0.1 100.100.100.200 100.127.255.255 168.63.129.16 192.0.0.192 192.0.2.1 198.18.0.1 198.19.255.255",
      "198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 192.88.99.1",
      ":: ::1 fe80::1 febf::1 fec0::1 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 3fff::1 100::1 5f00::1",
      "::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::a00:1 2002:7f00:1::1 2001::1 2001:2::1"
    ]
    for (const text of texts.join(" ").split(" ")) assert.isFalse(isPublic(address(text)), text)
  })

  it.prop("agree with Node's ranges, anywhere", [Word], ([value]) => {
    assert.strictEqual(isPublic(address(v4Of(value))), !special.check(v4Of(value)), v4Of(value))
  }, { arbitrary: { runs: 2_000 } })

  it.prop(
    "agree with Node's ranges, around the edges of the special ones",
    [Edge, Size, Word],
    ([edge, bits, noise]) => {
      for (const value of [edge - 1, edge, edge + 2 ** bits - 1, edge + 2 ** bits, edge + noise % 2 ** bits]) {
        const text = v4Of(value >>> 0)
        assert.strictEqual(isPublic(address(text)), !special.check(text), text)
      }
    },
    { arbitrary: { runs: 2_000 } }
  )

  it.prop("are never IPv4 within IPv6, not even a public one", [Word, Short, Short], ([value, some, other]) => {
    const [high, low] = [value >>> 16, value & 0xffff]
    const embedded = [
      `::${groups(high, low)}`,
      `::ffff:${groups(high, low)}`,
      `::ffff:0:${groups(high, low)}`,
      `64:ff9b::${groups(high, low)}`,
      `64:ff9b:1:${groups(some, other)}:0:${groups(high, low)}`,
      `2002:${groups(high, low)}::${groups(some, other)}`,
      `2001:0:${groups(some, other)}:0:0:${groups(high, low)}`,
      `2001:0:${groups(high, low, some, other)}::`
    ]
    for (const text of embedded) assert.isFalse(isPublic(address(text)), text)
  })

  it.prop("are of 2000::/3 where they are IPv6", [Short, Short, Short], ([first, second, last]) => {
    const text = `${groups(first, second)}::${groups(last)}`
    if (isPublic(address(text))) assert.isTrue(first >= 0x2000 && first <= 0x3fff, text)
  })
})
