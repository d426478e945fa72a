/** Many streams at once, and readers that do not read: bounded memory, and everything comes back. */
import { assert, it, layer } from "@effect/vitest"
import { Clock, Context, Effect, Fiber, Layer } from "effect"
import { type Call, FaultServer, Mode, StreamMode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, load, noStore } from "../support/http.ts"
import { providerOf } from "../support/service.ts"
import { heldBy, measuring, startProcess } from "../support/serviceProcess.ts"
import { askStream, chatForm, generateForm, openStream } from "../support/streams.ts"

const mib = 1024 * 1024
const streams = 500
const stuck = 10
const [chunks, characters, interval] = [20, 2_000, 300]
/** Two sockets, fibers, buffers. */
const perStream = 100 * 1024

it.live(
  "500 streams at a time, 10 without a reader: the others get every character, inside a bounded memory",
  () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer.make
      const { child, url } = yield* startProcess({
        ...providerOf(provider),
        DATA_DIR: "memory:",
        LIMIT_CONCURRENCY: "600",
        ATTEMPT_TIMEOUT: "20 seconds",
        TOTAL_TIMEOUT: "30 seconds",
        STALL_TIMEOUT: "8 seconds"
      }, measuring)
      const held = heldBy(child)
      const isStuck = (call: Call) => call.prompt.includes("stuck")
      const read = (n: number) => askStream(url, chatForm, `Number ${n}`, noStore.headers)
      const many = (count: number) =>
        Effect.forEach(Array.from({ length: count }, (_, n) => n), read, { concurrency: "unbounded" })
      yield* provider.respondWith(StreamMode.paced(chunks, characters, 20))
      yield* many(100)
      const before = yield* held

      let asked = 0
      /** Begins when all of them have been asked for: so all of them run at once, however busy the machine is. */
      const together: Mode = (call) =>
        asked < streams ? call.after(50, () => together(call)) : StreamMode.paced(chunks, characters, interval)(call)
      yield* provider.respondWith((call) => {
        asked++
        return isStuck(call) ? StreamMode.endless(4_096)(call) : together(call)
      })
      const unread = yield* Effect.forEach(
        Array.from({ length: stuck }, (_, n) => n),
        (n) => openStream(url, n % 2 === 0 ? chatForm : generateForm, `stuck ${n}`, noStore.headers),
        { concurrency: "unbounded" }
      )
      const reading = yield* Effect.forkChild(many(streams - stuck))
      yield* provider.until(({ inFlight }) => inFlight === streams)
      yield* Effect.sleep("1500 millis")
      const bytes = Effect.sync(() => provider.calls().filter(isStuck).map(({ bytesSent }) => bytesSent))
      const during = yield* held
      const waiting = yield* bytes
      assert.strictEqual(during.sockets, 2 * streams)
      const replies = yield* Fiber.join(reading)
      for (const reply of replies) {
        const { isDone, text } = chatForm.read(reply)
        assert.isTrue(isDone && text === "x".repeat(chunks * characters), `${text.length} characters came`)
      }
      assert.deepStrictEqual(yield* bytes, waiting, "who is not read is not asked for more")
      // A third of a MiB waits in the service for each; the rest are buffers of the operating system, on four sides.
      assert.isBelow(Math.max(...waiting), 32 * mib)
      // These characters take a byte each, and the whole is made of its pieces.
      const texts = streams * chunks * characters + waiting.reduce((sum, bytes) => sum + bytes, 0)
      const more = during.heapUsed + during.external - before.heapUsed - before.external
      assert.isBelow(more, texts + streams * perStream, "bytes for all of them")

      // Nobody waits for ever for a reader, and that is not the provider's fault.
      yield* eventually(load(url), ({ running }) => running === 0, "the stuck ones are given up", "25 seconds")
      assert.deepStrictEqual(yield* load(url), { circuit: "closed", running: 0, waiting: 0 })
      yield* provider.until(({ inFlight }) => inFlight === 0)
      for (const { leave } of unread) leave()
      const after = yield* eventually(held, ({ sockets }) => sockets === 0, "all connections are closed")
      assert.isBelow(after.heapUsed - before.heapUsed, 12 * mib, "bytes of heap that stayed")
    }).pipe(Effect.scoped),
  90_000
)

const total = 3_000
const stall = 700

/** A process of its own, for its sockets are counted. */
class Patient extends Context.Service<Patient, {
  readonly provider: FaultServer["Service"]
  readonly url: string
  readonly sockets: Effect.Effect<number, unknown>
}>()("understudy/test/Patient") {
  static readonly layer = Layer.effect(
    Patient,
    Effect.orDie(Effect.gen(function*() {
      const provider = yield* FaultServer.make
      const { child, url } = yield* startProcess({
        ...providerOf(provider),
        DATA_DIR: "memory:",
        ATTEMPT_TIMEOUT: `${total} millis`,
        TOTAL_TIMEOUT: `${total} millis`,
        STALL_TIMEOUT: `${stall} millis`,
        STREAM_KEEP_ALIVE: "200 millis",
        // One failure that counts would show.
        BREAKER_FAILURES: "1"
      }, measuring)
      return { provider, url, sockets: Effect.map(heldBy(child), ({ sockets }) => sockets) }
    }))
  )
}

const since = (begin: number) => Effect.map(Clock.currentTimeMillis, (now) => now - begin)

layer(Patient.layer, { excludeTestServices: true, timeout: "60 seconds" })("a service with patience", (it) => {
  it.effect(
    "a reader that takes nothing is given up, told so if it comes back, and else loses its connection",
    () =>
      Effect.gen(function*() {
        const { provider, sockets, url } = yield* Patient
        yield* provider.respondWith(StreamMode.endless(4_096))
        const lazy = yield* openStream(url, chatForm, "Write about tea", noStore.headers)
        const begin = yield* Clock.currentTimeMillis
        yield* openStream(url, generateForm, "Write about milk", noStore.headers)
        yield* provider.until(({ aborted }) => aborted === 2)
        assert.isAtLeast(yield* since(begin), stall)
        yield* eventually(load(url), ({ running }) => running === 0, "the permits are back")
        assert.strictEqual((yield* load(url)).circuit, "closed")

        const text = yield* Effect.promise(async () => {
          let last = ""
          for await (const chunk of lazy.response) last = (last + String(chunk)).slice(-1_000)
          return last
        })
        assert.match(
          text,
          /\n\ndata: \{"error":\{"message":"the answer broke off: its reader took nothing for 700ms[^\n]*\n\n$/
        )

        // The other one never reads.
        yield* eventually(sockets, (open) => open === 0, "its connection is closed")
        assert.isAtLeast(yield* since(begin), total)
      }).pipe(Effect.scoped)
  )

  it.effect(
    "who waits long for a quiet provider is not hung up on, and a stream that is quiet gets comments",
    () =>
      Effect.gen(function*() {
        const { provider, url } = yield* Patient
        yield* provider.respondWith(Mode.wait(total - 500))
        const [whole, inPieces] = yield* Effect.all([
          ask(url, "Write about tea", noStore),
          askStream(url, chatForm, "Write about milk", noStore.headers)
        ], { concurrency: 2 })
        assert.strictEqual(generationOf(whole).source, "live")
        assert.strictEqual(chatForm.read(inPieces).provenance.source, "live")

        // Longer in all than any connection may be idle, and quiet for most of it.
        yield* provider.respondWith(StreamMode.paced(10, 10, stall - 200))
        const { response } = yield* openStream(url, chatForm, "Write about cake", noStore.headers)
        const { longest, text } = yield* Effect.promise(async () => {
          let [longest, last, text] = [0, performance.now(), ""]
          for await (const chunk of response) {
            longest = Math.max(longest, performance.now() - last)
            last = performance.now()
            text += String(chunk)
          }
          return { longest, text }
        })
        assert.match(text, /data: \[DONE\]\n\n$/)
        assert.isAtLeast(text.split(": keep-alive\n\n").length, 10)
        assert.isBelow(longest, stall - 200, "no silence was as long as the provider's")
      }).pipe(Effect.scoped)
  )
})
