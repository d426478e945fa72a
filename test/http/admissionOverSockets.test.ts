/** How long a place is held, over real sockets. */
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Stream } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import { Namespace } from "../../src/domain/Generation.ts"
import { CallerLimits } from "../../src/domain/limits/CallerLimits.ts"
import { admit } from "../../src/http/handlers/admission.ts"
import type { ApiKeys } from "../../src/services/ApiKeys.ts"
import { eventually, send } from "../support/http.ts"

/** Serves one answer at `/` to callers of whom two may run at the same time. */
const serving = Effect.fnUntraced(function*(answer: Effect.Effect<HttpServerResponse.HttpServerResponse>) {
  const limits = CallerLimits.of({ concurrency: 2 })
  const keys: ApiKeys["Service"] = {
    anonymous: { namespace: Namespace.make("default"), limits },
    callerOf: () => undefined,
    isAdmin: () => false
  }
  const route = HttpRouter.add("GET", "/", Effect.andThen(Effect.orDie(admit(keys)), answer))
  const context = yield* Layer.build(
    HttpRouter.serve(route, { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 }))
    )
  )
  const { address } = Context.get(context, HttpServer.HttpServer)
  return { url: HttpServer.formatAddress(address), running: Effect.sync(() => limits?.running) }
})

const isOne = (count: number | undefined) => count === 1
const isNone = (count: number | undefined) => count === 0
const bytes = new TextEncoder().encode("data: tea\n\n")

describe("a place of a streamed answer", () => {
  it.live("is held until the last byte is sent", () =>
    Effect.gen(function*() {
      const rest = yield* Deferred.make<Uint8Array>()
      const { running, url } = yield* serving(
        Effect.succeed(
          HttpServerResponse.stream(Stream.concat(Stream.make(bytes), Stream.fromEffect(Deferred.await(rest))))
        )
      )
      const reading = yield* Effect.forkChild(send(url))
      yield* eventually(running, isOne, "it runs")
      // The handler returned long ago.
      yield* Effect.sleep("50 millis")
      assert.strictEqual(yield* running, 1)
      yield* Deferred.succeed(rest, bytes)
      const { headers, text } = yield* Fiber.join(reading)
      assert.strictEqual(text, "data: tea\n\ndata: tea\n\n")
      assert.strictEqual(headers["ratelimit"], "\"concurrency\";r=1")
      yield* eventually(running, isNone, "it is over")
    }))

  it.live("comes back when the client leaves in the middle, and when the stream breaks", () =>
    Effect.gen(function*() {
      const endless = yield* serving(
        Effect.succeed(HttpServerResponse.stream(Stream.concat(Stream.make(bytes), Stream.never)))
      )
      const reading = yield* Effect.forkChild(send(endless.url))
      yield* eventually(endless.running, isOne, "it runs")
      yield* Fiber.interrupt(reading)
      yield* eventually(endless.running, isNone, "the client has left")

      const broken = yield* serving(
        Effect.succeed(HttpServerResponse.stream(Stream.concat(Stream.make(bytes), Stream.die("broken"))))
      )
      yield* Effect.exit(send(broken.url))
      yield* eventually(broken.running, isNone, "the stream has broken")
    }))

  it.live("is told with a 500 too", () =>
    Effect.gen(function*() {
      const { running, url } = yield* serving(Effect.die("a bug"))
      const { headers, status } = yield* send(url)
      assert.deepStrictEqual([status, headers["ratelimit"]], [500, "\"concurrency\";r=1"])
      yield* eventually(running, isNone, "it is over")
    }))
})
