import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HttpClientRequest } from "effect/http"
import { exceptionsOf, noExceptions } from "../../src/domain/callbacks/CallbackExceptions.ts"
import { defaultNamespace } from "../../src/domain/Generation.ts"
import * as CallbackHttpLayer from "../../src/layers/CallbackHttpLayer.ts"
import { CallbackHttp } from "../../src/services/callbacks/CallbackHttp.ts"
import { CallbackSender } from "../../src/services/CallbackSender.ts"
import { answering, names, type Receiver, receiver, senderWith } from "../support/receivers.ts"

const allowing = (list: string) => exceptionsOf(list) ?? noExceptions
const noPublicAddress = "its name does not lead to a public address"
type Zone = Parameters<typeof names>[0]

/** What becomes of a callback to this URL: `undefined` when it is taken. */
const detailOf = (url: string) =>
  Effect.flatMap(
    CallbackSender,
    (sender) =>
      Effect.match(sender.send({ namespace: defaultNamespace, url, id: "msg_1", body: "{}" }), {
        onFailure: ({ detail }): string | undefined => detail,
        onSuccess: () => undefined
      })
  )

const within = <A, E, R>(zone: Zone, allow: string | undefined, test: Effect.Effect<A, E, R | CallbackSender>) =>
  test.pipe(
    Effect.provide(senderWith(
      { timeout: "2 seconds", exceptions: allow === undefined ? noExceptions : allowing(allow) },
      names(zone).layer
    )),
    Effect.scoped,
    Effect.timeout("10 seconds")
  )

/** Long enough for a connection on the loopback to be seen. */
const seen = ({ connections }: Receiver) => Effect.delay(Effect.sync(connections), "50 millis")

describe("a callback to where it must not go", () => {
  it.live("opens no connection to a name that leads there, alone or among public addresses", () =>
    within(
      {
        "loopback.example": ["127.0.0.1"],
        "six.example": ["::1"],
        "mapped.example": ["::ffff:127.0.0.1"],
        "nat.example": ["64:ff9b::7f00:1"],
        "mixed.example": ["192.88.98.1", "127.0.0.1"],
        "mixed-six.example": ["127.0.0.1", "2606:4700:4700::1111"],
        "metadata.example": ["169.254.169.254"],
        "unspecified.example": ["0.0.0.0"]
      },
      undefined,
      Effect.gen(function*() {
        const inside = yield* receiver(answering(200))
        const hosts = ["loopback", "six", "mapped", "nat", "mixed", "mixed-six", "metadata", "unspecified", "nobody"]
        for (const host of hosts) {
          assert.strictEqual(yield* detailOf(`https://${host}.example:${inside.port}/`), noPublicAddress, host)
        }
        assert.strictEqual(yield* seen(inside), 0)
      })
    ))

  it.live("says the same of an open port, of a closed one, and of a name that nobody has", () =>
    within(
      { "internal.example": ["127.0.0.1"] },
      undefined,
      Effect.gen(function*() {
        const open = yield* receiver(answering(200))
        const closed = yield* Effect.scoped(receiver(answering(200)))
        const details = yield* Effect.forEach([
          `https://internal.example:${open.port}/`,
          `https://internal.example:${closed.port}/`,
          "https://nowhere.example/"
        ], detailOf)
        assert.deepStrictEqual(new Set(details), new Set([noPublicAddress]))
      })
    ))

  it.live("opens no connection to an address, also where the URL's own check is gone round", () =>
    Effect.gen(function*() {
      const inside = yield* receiver(answering(200))
      const sixth = yield* receiver(answering(200), "::1")
      const http = yield* CallbackHttp
      for (
        const origin of [
          `http://127.0.0.1:${inside.port}`,
          `http://2130706433:${inside.port}`,
          `http://[::ffff:127.0.0.1]:${inside.port}`,
          `http://[::1]:${sixth.port}`,
          `http://localhost:${inside.port}`
        ]
      ) {
        const { reason } = yield* Effect.flip(http.execute(HttpClientRequest.post(origin)))
        assert.propertyVal("cause" in reason ? reason.cause : reason, "_tag", "NoPublicAddress", origin)
      }
      assert.deepStrictEqual([yield* seen(inside), yield* seen(sixth)], [0, 0])
    }).pipe(
      Effect.provide(Layer.provide(
        CallbackHttpLayer.layer(noExceptions),
        names({ localhost: ["127.0.0.1"] }).layer
      )),
      Effect.scoped
    ))

  it.live("sees where a name leads at each attempt, and looks it up once for each", () => {
    let turn = 0
    const { layer, lookups } = names({
      // Allowed at first, and then something else: between two attempts, or between a check and the connection.
      "rebinding.example": () => turn++ < 2 ? ["127.0.0.2"] : ["127.0.0.1"]
    })
    return Effect.gen(function*() {
      const inside = yield* receiver(answering(200), "127.0.0.1")
      const other = yield* receiver(answering(200), "127.0.0.2")
      const [first, second] = [
        yield* detailOf(`https://rebinding.example:${other.port}/`),
        yield* detailOf(`https://rebinding.example:${inside.port}/`)
      ]
      // TLS fails there, but it is the address that was looked at.
      assert.match(first ?? "", /^no secure connection/)
      assert.strictEqual(second, noPublicAddress)
      assert.deepStrictEqual([yield* seen(inside), yield* seen(other)], [0, 1])
      // An A and an AAAA query for each attempt.
      assert.strictEqual(lookups.length, 4)
    }).pipe(
      Effect.provide(senderWith({ exceptions: allowing("127.0.0.2") }, layer)),
      Effect.scoped
    )
  })

  it.live("follows no redirect, and so opens no connection to where it points", () =>
    within(
      { "hooks.internal": ["127.0.0.1"] },
      "hooks.internal",
      Effect.gen(function*() {
        const inside = yield* receiver(answering(200))
        const port = inside.port
        for (
          const [status, location] of [[301, "127.0.0.1"], [302, "localhost"], [307, "[::1]"], [308, "127.1"]] as const
        ) {
          const to = yield* receiver(answering(status, { location: `http://${location}:${port}/` }))
          assert.strictEqual(
            yield* detailOf(`http://hooks.internal:${to.port}/`),
            `it answers ${status}, and redirects are not followed: give the final address`
          )
          assert.strictEqual(to.deliveries.length, 1)
        }
        assert.strictEqual(yield* seen(inside), 0)
      })
    ))
})

describe("a callback to where the operator allows it", () => {
  it.live("goes to an allowed name, wherever that leads", () =>
    within(
      { "hooks.internal": ["127.0.0.1"], "more.hooks.internal": ["127.0.0.1"] },
      "hooks.internal",
      Effect.gen(function*() {
        const to = yield* receiver(answering(200))
        assert.isUndefined(yield* detailOf(`http://hooks.internal:${to.port}/`))
        assert.isUndefined(yield* detailOf(`http://HOOKS.internal.:${to.port}/`))
        assert.strictEqual(to.deliveries[0]?.headers["host"], `hooks.internal:${to.port}`)
        assert.strictEqual(yield* detailOf(`https://more.hooks.internal:${to.port}/`), noPublicAddress)
        assert.strictEqual(yield* seen(to), 2)
      })
    ))

  it.live("goes to an allowed address and to no other one", () =>
    within(
      {},
      "127.0.0.1, ::1",
      Effect.gen(function*() {
        const to = yield* receiver(answering(200))
        const sixth = yield* receiver(answering(200), "::1")
        const other = yield* receiver(answering(200), "127.0.0.2")
        assert.isUndefined(yield* detailOf(`http://127.0.0.1:${to.port}/`))
        assert.isUndefined(yield* detailOf(`http://[::1]:${sixth.port}/`))
        assert.strictEqual(
          yield* detailOf(`https://127.0.0.2:${other.port}/`),
          "a callback URL must lead to a public address"
        )
        assert.deepStrictEqual([yield* seen(to), yield* seen(sixth), yield* seen(other)], [1, 1, 0])
      })
    ))

  it.live("tries the next address of a name when the first is dead", () =>
    within(
      { "hooks.internal": ["127.0.0.3", "127.0.0.2"] },
      "hooks.internal",
      Effect.gen(function*() {
        const to = yield* receiver(answering(200), "127.0.0.2")
        assert.isUndefined(yield* detailOf(`http://hooks.internal:${to.port}/`))
      })
    ))

  it.live("asks no proxy of the environment", () =>
    within(
      {},
      "127.0.0.1",
      Effect.gen(function*() {
        const proxy = yield* receiver(answering(200))
        const to = yield* receiver(answering(200))
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            for (const name of ["HTTP_PROXY", "http_proxy"]) process.env[name] = `http://127.0.0.1:${proxy.port}`
          }),
          () =>
            Effect.sync(() => {
              for (const name of ["HTTP_PROXY", "http_proxy"]) delete process.env[name]
            })
        )
        assert.isUndefined(yield* detailOf(`http://127.0.0.1:${to.port}/`))
        assert.deepStrictEqual([yield* seen(proxy), yield* seen(to)], [0, 1])
      })
    ))
})
