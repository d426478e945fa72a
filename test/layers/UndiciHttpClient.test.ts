import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Ref, Schema, Stream, Tracer } from "effect"
import { HttpBody, HttpClient, HttpClientError, HttpClientRequest } from "effect/http"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as UndiciHttpClient from "../../src/layers/UndiciHttpClient.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"

const layer = (options?: UndiciHttpClient.Options) =>
  Layer.mergeAll(UndiciHttpClient.layer({ maxBodySize: 1024 * 1024, ...options }), FaultServer.layer)

/** `it.live`: the remote side works in real time. */
const withServer = <A, E>(
  test: Effect.Effect<A, E, HttpClient.HttpClient | FaultServer>,
  options?: UndiciHttpClient.Options
) => test.pipe(Effect.provide(layer(options)), Effect.timeout("10 seconds"))

const post = Effect.fnUntraced(function*(prompt: string, mode?: Mode) {
  const server = yield* FaultServer
  if (mode !== undefined) yield* server.respondWith(mode)
  return yield* HttpClient.execute(
    HttpClientRequest.post(server.plainUrl).pipe(HttpClientRequest.bodyJsonUnsafe({ prompt, max_tokens: 5 }))
  )
})

const text = (prompt: string, mode?: Mode) => Effect.flatMap(post(prompt, mode), (response) => response.text)
const json = (prompt: string, mode?: Mode) => Effect.flatMap(post(prompt, mode), (response) => response.json)

const collectGarbage = Effect.sync(() => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
})

const reasonOf = (error: unknown) =>
  Schema.is(Schema.instanceOf(HttpClientError.HttpClientError))(error) ? error.reason._tag : error

describe("UndiciHttpClient", () => {
  describe("what goes wrong before the headers is a TransportError", () => {
    for (
      const [name, mode] of Object.entries({
        "a reset": Mode.resetBeforeHeaders,
        "a close without a response": Mode.closeWithoutResponse,
        "something that is not HTTP": Mode.invalidHead
      })
    ) {
      it.live(name, () =>
        withServer(Effect.gen(function*() {
          const error = yield* Effect.flip(post("x", mode))
          assert.strictEqual(reasonOf(error), "TransportError")
          assert.isDefined(error.cause)
          assert.deepStrictEqual(yield* json("next", Mode.answer), { text: "Answer to: next" })
        })))
    }

    it.live("a refused connection, with its code", () =>
      withServer(Effect.gen(function*() {
        const error = yield* Effect.flip(HttpClient.get("http://127.0.0.1:1/"))
        assert.strictEqual(reasonOf(error), "TransportError")
        assert.propertyVal(error.cause, "code", "ECONNREFUSED")
      })))

    it.live("TLS with a server that speaks none", () =>
      withServer(Effect.gen(function*() {
        const server = yield* FaultServer
        const error = yield* Effect.flip(HttpClient.get(server.url.replace("http:", "https:")))
        assert.strictEqual(reasonOf(error), "TransportError")
      })))

    it.live("a name that does not resolve", () =>
      withServer(Effect.gen(function*() {
        const error = yield* Effect.flip(HttpClient.get("http://nobody.invalid/"))
        assert.strictEqual(reasonOf(error), "TransportError")
      })))
  })

  describe("what goes wrong after the headers is a DecodeError of the body", () => {
    for (
      const [name, mode] of Object.entries({
        "a reset in the body": Mode.resetInBody,
        "a body shorter than its content-length": Mode.cutBody,
        "a chunked body without its end": Mode.cutChunkedBody,
        "an invalid chunk": Mode.invalidChunk
      })
    ) {
      it.live(name, () =>
        withServer(Effect.gen(function*() {
          const response = yield* post("x", mode)
          assert.strictEqual(response.status, 200)
          const error = yield* Effect.flip(response.text)
          assert.strictEqual(reasonOf(error), "DecodeError")
          assert.isDefined(error.cause)
          assert.notInstanceOf(error.cause, UndiciHttpClient.BodyTooLarge)
          assert.strictEqual(reasonOf(yield* Effect.flip(response.text)), "DecodeError", "again")
          assert.strictEqual(
            reasonOf(yield* Effect.flip(Stream.runDrain((yield* post("x", mode)).stream))),
            "DecodeError"
          )
        })))
    }

    it.live("JSON that is none, is cut, or is not UTF-8", () =>
      withServer(Effect.gen(function*() {
        for (const mode of [Mode.html, Mode.truncatedJson, Mode.invalidUtf8, Mode.garbage]) {
          assert.strictEqual(reasonOf(yield* Effect.flip(json("x", mode))), "DecodeError")
        }
        assert.isNull(yield* json("x", Mode.empty))
        assert.include(yield* text("x", Mode.invalidUtf8), "\uFFFD")
      })))
  })

  describe("a body beyond the limit", () => {
    for (
      const [name, mode] of Object.entries({
        "that never ends": Mode.endlessBody,
        "that announces it": Mode.hugeContentLength
      })
    ) {
      it.live(`${name} is refused early, told apart, and hung up on`, () =>
        withServer(Effect.gen(function*() {
          const server = yield* FaultServer
          const error = yield* Effect.flip(text("x", mode))
          assert.strictEqual(reasonOf(error), "DecodeError")
          assert.instanceOf(error.cause, UndiciHttpClient.BodyTooLarge)
          const counts = yield* server.until((counts) => counts.aborted === 1)
          assert.isBelow(counts.bytesSent, 16 * 1024 * 1024)
        })))
    }

    it.live("a body of exactly the limit passes", () =>
      withServer(
        Effect.gen(function*() {
          assert.strictEqual((yield* text("x", Mode.largeError(500, 4096))).length, 4096)
          assert.strictEqual(reasonOf(yield* Effect.flip(text("x", Mode.largeError(500, 4097)))), "DecodeError")
        }),
        { maxBodySize: 4096 }
      ))
  })

  describe("interruption ends the request at the server", () => {
    for (
      const [name, mode] of Object.entries({
        "before the headers": Mode.hangBeforeHeaders,
        "in the body": Mode.hangInBody,
        "in a dripping body": Mode.drip(5)
      })
    ) {
      it.live(name, () =>
        withServer(Effect.gen(function*() {
          const server = yield* FaultServer
          const fiber = yield* Effect.forkChild(text("x", mode))
          yield* server.until((counts) => counts.inFlight === 1)
          // Until it reads the body, where it has headers.
          yield* Effect.sleep("30 millis")
          assert.isUndefined(fiber.pollUnsafe())
          yield* Fiber.interrupt(fiber)
          yield* server.until((counts) => counts.aborted === 1 && counts.inFlight === 0 && counts.openSockets === 0)
          assert.deepStrictEqual(yield* json("next", Mode.answer), { text: "Answer to: next" })
        })))
    }

    it.live("one of two readers gone leaves the body to the other", () =>
      withServer(Effect.gen(function*() {
        const server = yield* FaultServer
        const response = yield* post("hello", Mode.drip(2))
        const one = yield* Effect.forkChild(response.text)
        const two = yield* Effect.forkChild(response.text)
        yield* Effect.sleep("10 millis")
        yield* Fiber.interrupt(one)
        assert.strictEqual(yield* Fiber.join(two), "{\"text\":\"Answer to: hello\"}")
        assert.strictEqual(server.counts().aborted, 0)
      })))

    it.live("a request that waits for a connection leaves the connection alone", () =>
      withServer(
        Effect.gen(function*() {
          const server = yield* FaultServer
          const running = yield* Effect.forkChild(text("one", Mode.wait(100)))
          yield* server.until((counts) => counts.inFlight === 1)
          const queued = yield* Effect.forkChild(text("two"))
          yield* Effect.sleep("20 millis")
          yield* Fiber.interrupt(queued)
          yield* Fiber.join(running)
          yield* text("three", Mode.answer)
          assert.deepStrictEqual(server.calls().map((call) => call.prompt), ["one", "three"])
          assert.strictEqual(server.counts().sockets, 1)
        }),
        { connections: 1 }
      ))
  })

  describe("connections", () => {
    const hundred = Effect.gen(function*() {
      for (let i = 0; i < 100; i++) assert.deepStrictEqual(yield* json(`${i}`), { text: `Answer to: ${i}` })
      return (yield* FaultServer).counts().sockets
    })

    it.live("are kept: 100 requests, one after the other, use one", () =>
      withServer(Effect.map(hundred, (sockets) => assert.strictEqual(sockets, 1)), { connections: 1 }))

    // undici frees a connection one turn of the event loop after the response, when the next request is out already.
    it.live("are two when the next request follows in the same turn and two are allowed", () =>
      withServer(Effect.map(hundred, (sockets) => assert.strictEqual(sockets, 2))))

    it.live("never more than configured", () =>
      withServer(
        Effect.gen(function*() {
          const server = yield* FaultServer
          yield* server.respondWith(Mode.wait(5))
          const answers = yield* Effect.forEach(
            Array.from({ length: 40 }, (_, i) => `${i}`),
            (prompt) => json(prompt),
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual(answers, answers.map((_, i) => ({ text: `Answer to: ${i}` })))
          assert.strictEqual(server.counts().sockets, 4)
        }),
        { connections: 4 }
      ))

    it.live("a small body that nobody reads gives its connection back", () =>
      withServer(Effect.gen(function*() {
        const server = yield* FaultServer
        for (let i = 0; i < 20; i++) {
          assert.strictEqual((yield* post("x", Mode.largeError(500, 50_000))).status, 500)
          yield* server.until((counts) => counts.inFlight === 0)
          yield* Effect.sleep("2 millis")
        }
        assert.strictEqual(server.counts().sockets, 1)
      })))

    it.live("a large body that nobody reads is given up when its response is garbage", () =>
      withServer(Effect.gen(function*() {
        const server = yield* FaultServer
        assert.strictEqual((yield* post("x", Mode.endlessBody)).status, 200)
        yield* server.until((counts) => counts.aborted === 1).pipe(
          Effect.raceFirst(Effect.forever(Effect.andThen(collectGarbage, Effect.sleep("10 millis"))))
        )
      })))

    it.live("none is left when the layer closes, whatever was going on", () =>
      Effect.gen(function*() {
        const server = yield* FaultServer
        const exits = yield* Effect.gen(function*() {
          const hanging = yield* Effect.forEach(
            [Mode.hangBeforeHeaders, Mode.hangInBody, Mode.hangInError, Mode.endlessBody, Mode.answer],
            (mode) => post("x", mode).pipe(Effect.exit, Effect.forkDetach, Effect.tap(() => Effect.sleep("20 millis")))
          )
          assert.isAbove(server.counts().openSockets, 3)
          return hanging
        }).pipe(Effect.provide(UndiciHttpClient.layer()))
        yield* server.until((counts) => counts.openSockets === 0)
        const [first] = yield* Effect.forEach(exits, Fiber.join)
        assert.isTrue(first !== undefined && Exit.isFailure(first))
      }).pipe(Effect.provide(FaultServer.layer), Effect.timeout("10 seconds")))
  })

  describe("streaming", () => {
    it.live("yields bytes as they come and the same bytes as text", () =>
      withServer(Effect.gen(function*() {
        const response = yield* post("hello", Mode.drip(1))
        const chunks = yield* Stream.runCollect(response.stream)
        assert.isAbove(chunks.length, 5)
        assert.strictEqual(Buffer.concat([...chunks]).toString(), "{\"text\":\"Answer to: hello\"}")
        assert.strictEqual(reasonOf(yield* Effect.flip(response.text)), "DecodeError", "it is consumed")
        const again = yield* post("hello")
        assert.strictEqual(yield* again.text, yield* Stream.mkString(Stream.decodeText(again.stream)))
      })))

    it.live("a slow reader stops the server, in bounded memory", () =>
      withServer(
        Effect.gen(function*() {
          const server = yield* FaultServer
          const response = yield* post("x", Mode.endlessBody)
          const read = yield* Ref.make(0)
          const fiber = yield* response.stream.pipe(
            Stream.runForEach((chunk) =>
              Effect.andThen(Ref.update(read, (bytes) => bytes + chunk.length), Effect.sleep("20 millis"))
            ),
            Effect.forkChild
          )
          yield* Effect.sleep("500 millis")
          // What is not read yet sits in the kernel's buffers on both sides, not in ours.
          const ahead = server.counts().bytesSent - (yield* Ref.get(read))
          assert.isBelow(ahead, 16 * 1024 * 1024)
          const before = server.counts().bytesSent
          yield* Effect.sleep("100 millis")
          assert.isBelow(server.counts().bytesSent - before, 8 * 1024 * 1024)
          yield* Fiber.interrupt(fiber)
          yield* server.until((counts) => counts.aborted === 1)
        }),
        { maxStreamSize: Number.MAX_SAFE_INTEGER }
      ))

    it.live("a reader that never reads stops the server too", () =>
      withServer(Effect.gen(function*() {
        const server = yield* FaultServer
        const response = yield* post("x", Mode.endlessBody)
        const fiber = yield* Effect.forkChild(Stream.runForEach(response.stream, () => Effect.never))
        yield* Effect.sleep("200 millis")
        const before = server.counts().bytesSent
        yield* Effect.sleep("100 millis")
        assert.strictEqual(server.counts().bytesSent, before)
        assert.isBelow(before, 16 * 1024 * 1024)
        yield* Fiber.interrupt(fiber)
        yield* server.until((counts) => counts.aborted === 1)
      })))

    it.live("a reader that has enough hangs up", () =>
      withServer(Effect.gen(function*() {
        const server = yield* FaultServer
        const response = yield* post("x", Mode.endlessBody)
        assert.lengthOf(yield* response.stream.pipe(Stream.take(1), Stream.runCollect), 1)
        yield* server.until((counts) => counts.aborted === 1)
      })))

    it.live("has a limit of its own, and gets what had arrived", () =>
      withServer(
        Effect.gen(function*() {
          const response = yield* post("x", Mode.endlessBody)
          const read = yield* Ref.make(0)
          const error = yield* response.stream.pipe(
            Stream.runForEach((chunk) => Ref.update(read, (bytes) => bytes + chunk.length)),
            Effect.flip
          )
          assert.instanceOf(error.cause, UndiciHttpClient.BodyTooLarge)
          assert.isAbove(yield* Ref.get(read), 1900 * 1024)
          yield* (yield* FaultServer).until((counts) => counts.aborted === 1)
          const huge = yield* post("x", Mode.hugeContentLength)
          assert.instanceOf((yield* Effect.flip(Stream.runDrain(huge.stream))).cause, UndiciHttpClient.BodyTooLarge)
        }),
        { maxBodySize: 1024, maxStreamSize: 2 * 1024 * 1024 }
      ))
  })

  describe("requests", () => {
    const echo = (body: HttpBody.HttpBody) =>
      Effect.gen(function*() {
        const server = yield* FaultServer
        return yield* HttpClient.post(server.plainUrl, { body }).pipe(Effect.flatMap((response) => response.json))
      })
    const bytes = new TextEncoder().encode("{\"prompt\":\"Grüße\"}")

    it.live("send bytes, raw strings and streams", () =>
      withServer(Effect.gen(function*() {
        for (
          const body of [
            HttpBody.uint8Array(bytes),
            HttpBody.raw("{\"prompt\":\"Grüße\"}"),
            HttpBody.stream(Stream.make(bytes.subarray(0, 5), bytes.subarray(5)))
          ]
        ) {
          assert.deepStrictEqual(yield* echo(body), { text: "Answer to: Grüße" })
        }
        assert.deepStrictEqual(yield* echo(HttpBody.empty), { text: "Answer to: " })
        const headers = (yield* FaultServer).calls()[0]?.headers
        assert.notProperty(headers, "accept-encoding")
        assert.notProperty(headers, "traceparent")
      })))

    it.live("that cannot be sent are an EncodeError, wrong addresses an InvalidUrlError", () =>
      withServer(Effect.gen(function*() {
        const failing = HttpBody.stream(Stream.concat(Stream.make(bytes), Stream.fail("disk full")))
        const error = yield* Effect.flip(echo(failing))
        assert.strictEqual(reasonOf(error), "EncodeError")
        assert.strictEqual(error.cause, "disk full")
        assert.strictEqual(reasonOf(yield* Effect.flip(echo(HttpBody.raw(42)))), "EncodeError")
        const server = yield* FaultServer
        const badHeader = HttpClient.get(server.plainUrl, { headers: { authorization: "Bearer a\nb" } })
        assert.strictEqual(reasonOf(yield* Effect.flip(badHeader)), "EncodeError")
        assert.strictEqual(reasonOf(yield* Effect.flip(HttpClient.get("http://"))), "InvalidUrlError")
        assert.strictEqual(reasonOf(yield* Effect.flip(HttpClient.get("ftp://127.0.0.1/"))), "InvalidUrlError")
      })))

    it.live("without a body in the answer end well", () =>
      withServer(Effect.gen(function*() {
        assert.strictEqual(yield* text("x", Mode.noContent), "")
        const server = yield* FaultServer
        yield* server.respondWith(Mode.answer)
        const head = yield* HttpClient.head(server.plainUrl)
        assert.strictEqual(head.status, 200)
        assert.strictEqual(yield* head.text, "")
      })))

    it.live("skip 1xx", () =>
      withServer(Effect.gen(function*() {
        const response = yield* post("x", Mode.earlyHints)
        assert.strictEqual(response.status, 200)
        assert.deepStrictEqual(yield* response.json, {})
      })))

    it.live("have the response's headers, several of a name too", () =>
      withServer(Effect.gen(function*() {
        const headers = { "retry-after": "2", "set-cookie": ["a=1; Path=/", "b=2"], "x-odd": ["1", "2"] }
        const response = yield* post("x", Mode.status(429, headers))
        assert.strictEqual(response.headers["retry-after"], "2")
        assert.strictEqual(response.headers["x-odd"], "1, 2")
        assert.deepStrictEqual(Object.keys(response.cookies.cookies), ["a", "b"])
        assert.strictEqual(response.headers["content-type"], "application/json")
        assert.strictEqual(response.url, (yield* FaultServer).plainUrl)
      })))

    it.live("get a span when a tracer of somebody's is there", () =>
      withServer(Effect.gen(function*() {
        const names: Array<string> = []
        const tracer = Tracer.make({
          span: (options) => {
            names.push(options.name)
            return new Tracer.NativeSpan(options)
          }
        })
        yield* text("x")
        assert.deepStrictEqual(names, [])
        yield* text("x").pipe(Effect.withTracer(tracer))
        assert.include(names, "POST")
        assert.isString((yield* FaultServer).calls().at(-1)?.headers["traceparent"])
      })))
  })
})
