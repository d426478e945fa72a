/** What a call holds comes back, however it ends: the permit, the provider's call, the connections. */
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, load, noStore } from "../support/http.ts"
import { Service } from "../support/service.ts"

const env = {
  LIMIT_CONCURRENCY: "1",
  LIMIT_QUEUE: "2",
  ATTEMPT_TIMEOUT: "2500 millis",
  TOTAL_TIMEOUT: "3 seconds",
  RETRY_BASE_DELAY: "10 millis",
  // One failure that counts would open the circuit for the rest of this file.
  BREAKER_FAILURES: "1",
  BREAKER_COOLDOWN: "10 minutes"
}

/** Answers at once, and live: nothing is left of what was before. */
const answersAtOnce = Effect.gen(function*() {
  const provider = yield* FaultServer
  const { url } = yield* Service
  yield* provider.respondWith(Mode.answer)
  const begin = yield* Clock.currentTimeMillis
  const { attempts, source } = generationOf(yield* ask(url, "And now?", noStore))
  assert.deepStrictEqual([source, attempts], ["live", 1])
  assert.isBelow((yield* Clock.currentTimeMillis) - begin, 1_500)
  assert.deepStrictEqual(yield* load(url), { circuit: "closed", running: 0, waiting: 0 })
})

layer(Service.layer("openai", env), { excludeTestServices: true, timeout: "60 seconds" })("one permit", (it) => {
  for (
    const [what, mode] of [["waits for headers", Mode.hangBeforeHeaders], ["reads a body", Mode.hangInBody]] as const
  ) {
    it.effect(`a client that goes away while its call ${what} aborts the provider's call and frees the permit`, () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer
        const { url } = yield* Service
        yield* provider.respondWith(mode)
        const before = provider.counts()
        for (let n = 1; n <= 4; n++) {
          const client = yield* Effect.forkChild(ask(url, "Write about tea"))
          yield* provider.until(({ inFlight }) => inFlight === 1)
          yield* Fiber.interrupt(client)
          const after = yield* provider.until(({ inFlight }) => inFlight === 0)
          assert.strictEqual(after.aborted - before.aborted, n)
          assert.strictEqual(after.received - before.received, n, "nobody repeats it for a client that is gone")
        }
        yield* answersAtOnce
      }))
  }

  it.effect("a client that goes away while it waits for the permit frees its place, and the provider hears nothing", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { url } = yield* Service
      const before = provider.counts().received
      yield* provider.respondWith(Mode.wait(1_000))
      const first = yield* Effect.forkChild(ask(url, "Write about tea", noStore))
      yield* eventually(load(url), ({ running }) => running === 1, "the first one runs")
      for (let n = 0; n < 4; n++) {
        const waiting = yield* Effect.forkChild(ask(url, "Write about coffee", noStore))
        yield* eventually(load(url), ({ waiting }) => waiting === 1, "the other waits")
        yield* Fiber.interrupt(waiting)
        yield* eventually(load(url), ({ waiting }) => waiting === 0, "its place is free")
      }
      assert.strictEqual(generationOf(yield* Fiber.join(first)).source, "live")
      assert.strictEqual(provider.counts().received - before, 1)
      yield* answersAtOnce
    }))

  it.effect("who finds the waiting room full gets the fallback at once, those inside are served in their turn", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { url } = yield* Service
      yield* provider.respondWith(Mode.wait(500))
      const inside = []
      for (const n of [0, 1, 2]) {
        inside.push(yield* Effect.forkChild(ask(url, `Write about tea ${n}`, noStore)))
        yield* eventually(load(url), ({ running, waiting }) => running + waiting === n + 1, "it is inside")
      }
      const begin = yield* Clock.currentTimeMillis
      const { attempts, fallback } = generationOf(yield* ask(url, "Write about cake", noStore))
      assert.deepStrictEqual([fallback?.reason, attempts], ["overloaded", 0])
      assert.isBelow((yield* Clock.currentTimeMillis) - begin, 450)
      for (const fiber of inside) assert.strictEqual(generationOf(yield* Fiber.join(fiber)).source, "live")
      yield* answersAtOnce
    }))

  it.effect("a timeout that our own queue had shortened is no evidence against the provider", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { url } = yield* Service
      // 1.7 of 2.7 seconds in the queue leave one of the 2.5 that an attempt may take.
      yield* provider.respondWithEach([Mode.wait(1_700), Mode.hangBeforeHeaders])
      const first = yield* Effect.forkChild(ask(url, "Write about tea", noStore))
      yield* provider.until(({ inFlight }) => inFlight === 1)
      const second = yield* Effect.forkChild(ask(url, "Write about coffee", noStore))
      assert.strictEqual(generationOf(yield* Fiber.join(first)).source, "live")
      const { attempts, fallback } = generationOf(yield* Fiber.join(second))
      assert.deepStrictEqual([fallback?.reason, attempts], ["timeout", 1])
      yield* answersAtOnce
    }))

  it.effect("error responses whose bodies never end keep no connection from the next call", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { url } = yield* Service
      // More than once, because a collection of garbage may happen to free one of them.
      for (let n = 0; n < 5; n++) {
        // Of a status that the circuit does not count.
        yield* provider.respondWith((call) => call.part(401, JSON.stringify(call.format.error(401)), 0.5))
        const { fallback } = generationOf(yield* ask(url, "Write about tea", noStore))
        assert.strictEqual(fallback?.reason, "unauthorized")
        yield* answersAtOnce
      }
    }))
})
