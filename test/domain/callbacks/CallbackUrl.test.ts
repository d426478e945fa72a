import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  type CallbackExceptions,
  exceptionsOf,
  noExceptions
} from "../../../src/domain/callbacks/CallbackExceptions.ts"
import { callbackUrlOf } from "../../../src/domain/callbacks/CallbackUrl.ts"

const refusalOf = (url: string, exceptions: CallbackExceptions = noExceptions) =>
  Result.getOrUndefined(Result.flip(callbackUrlOf(url, exceptions)))
const allowing = (list: string) => exceptionsOf(list) ?? noExceptions

const notPublic = "a callback URL must lead to a public address"
const notSecure = "a callback URL must begin with https://"

describe("a callback's URL", () => {
  it("may be any public one over TLS, on any port", () => {
    for (
      const url of [
        "https://hooks.example.com/understudy?customer=7",
        "https://HOOKS.Example.COM:8443/",
        "https://hooks.example.com./",
        "https://xn--bcher-kva.example/",
        "https://bücher.example/",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]:444/",
        "https://localhost.example.com/",
        "https://notlocalhost/"
      ]
    ) assert.isUndefined(refusalOf(url), url)
  })

  it("is not this machine, however that is written", () => {
    for (
      const host of [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.01",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "ｌocalhost",
        "any.localhost",
        "a.b.LocalHost."
      ]
    ) assert.strictEqual(refusalOf(`https://${host}:8080/x`), notPublic, host)
  })

  it("is not in a private or link-local network, nor a cloud's metadata service", () => {
    for (
      const host of [
        "10.0.0.1",
        "167772161",
        "0xa.0.0.1",
        "172.16.5.4",
        "192.168.0.1",
        "192.168.1",
        "0300.0250.0.1",
        "169.254.169.254",
        "2852039166",
        "0xA9FEA9FE",
        "100.100.100.200",
        "168.63.129.16",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[::ffff:a9fe:a9fe]",
        "[::ffff:169.254.169.254]",
        "255.255.255.255",
        "224.0.0.1"
      ]
    ) assert.strictEqual(refusalOf(`https://${host}/`), notPublic, host)
  })

  it("is no URL when it cannot be called as it is written", () => {
    for (
      const url of [
        "",
        "hooks.example.com",
        "/hooks",
        "//hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "gopher://127.0.0.1:25/",
        "https://",
        "https://host:99999/",
        "https://exa mple.com/",
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://1.2.3.4.5/",
        "https://256.1.1.1/",
        "https://[::1/"
      ]
    ) assert.strictEqual(refusalOf(url), "a callback URL must be a whole URL such as https://host/path", url)
    assert.strictEqual(refusalOf("https://a*b.example/"), "a callback URL must name a host as DNS or IP know it")
  })

  it("holds no user, no password and no fragment, and is not too long", () => {
    for (const url of ["https://user@host.example/", "https://u:p@host.example/", "https://:p@host.example/"]) {
      assert.strictEqual(refusalOf(url), "a callback URL must not hold a user or a password", url)
    }
    for (const url of ["https://host.example/#a", "https://host.example/#"]) {
      assert.strictEqual(refusalOf(url), "a callback URL must not have a fragment", url)
    }
    const longest = `https://host.example/${"a".repeat(2_000 - "https://host.example/".length)}`
    assert.isUndefined(refusalOf(longest))
    assert.strictEqual(refusalOf(`${longest}a`), "a callback URL must not be longer than 2000 characters")
  })

  it("never tells a secret that it holds", () => {
    assert.notInclude(refusalOf("https://user:hunter2@127.0.0.1/?token=hunter2") ?? "", "hunter2")
  })

  it("has TLS, unless the operator allows its host", () => {
    assert.strictEqual(refusalOf("http://hooks.example.com/"), notSecure)
    assert.strictEqual(refusalOf("http://8.8.8.8/"), notSecure)
    assert.strictEqual(refusalOf("http://127.0.0.1/"), notSecure)
    const exceptions = allowing("10.1.2.0/24, ::1, Hooks.Internal, localhost")
    for (
      const url of [
        "http://10.1.2.3/",
        "https://10.1.2.3/",
        "http://[::1]:3000/",
        "http://hooks.internal/",
        "http://HOOKS.internal.:80/",
        "http://localhost:3000/",
        "http://167838211/"
      ]
    ) assert.isUndefined(refusalOf(url, exceptions), url)
    for (const url of ["http://10.1.3.3/", "http://more.hooks.internal/", "http://hooks.example.com/"]) {
      assert.strictEqual(refusalOf(url, exceptions), notSecure, url)
    }
    for (
      const url of ["https://10.1.3.3/", "https://127.0.0.1/", "https://a.localhost/", "https://[::ffff:10.1.2.3]/"]
    ) {
      assert.strictEqual(refusalOf(url, exceptions), notPublic, url)
    }
  })
})

describe("what the operator allows", () => {
  it("is networks, addresses and host names", () => {
    const { hosts, networks } = allowing("10.0.0.0/8,fd00::/8, 192.168.1.5 ,hooks.internal.,BÜCHER.example")
    assert.deepStrictEqual(networks.map(String), ["10.0.0.0/8", "fd00::/8", "192.168.1.5/32"])
    assert.deepStrictEqual([...hosts], ["hooks.internal", "xn--bcher-kva.example"])
  })

  it("is nothing at all when one of it is neither", () => {
    for (
      const list of [
        "",
        ",",
        "10.0.0.0/8,",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "10.0.0/8",
        "10.1",
        "256.0.0.1",
        "*.internal",
        "host:80",
        "https://host",
        "host/24",
        "a b",
        "."
      ]
    ) assert.isUndefined(exceptionsOf(list), list)
  })
})
