/** The deadline, the circuit and the joining of lookups, on virtual time over a scripted embedder. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer, Metric } from "effect"
import { TestClock } from "effect/testing"
import { EmbeddingFailed } from "../../src/domain/errors.ts"
import { CircuitBreaker } from "../../src/services/CircuitBreaker.ts"
import { Embedder, EmbedderCircuit, type ResilientOptions } from "../../src/services/Embedder.ts"
import { withOwnMetrics } from "./FallbackCache.contract.ts"

type Request = (texts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Float32Array>, EmbeddingFailed>

const key = "embedder:scripted"

const answers: Request = (texts) => Effect.succeed(texts.map((text) => Float32Array.of(text.length, 1)))
const hangs: Request = () => Effect.never
const failsWith = (more: Partial<ConstructorParameters<typeof EmbeddingFailed>[0]>): Request => () =>
  Effect.fail(new EmbeddingFailed({ embedder: "scripted", cause: "no", ...more }))
const refusesLong: Request = (texts) =>
  texts.some((text) => text.length > 8) ? failsWith({ reason: "rejected" })(texts) : answers(texts)

/** An embedder whose behaviour can be changed, and the requests it has seen. */
const scripted = (first: Request, options?: ResilientOptions) => {
  const seen = { requests: Array<ReadonlyArray<string>>(), interrupted: 0, behave: first }
  const request: Request = (texts) =>
    Effect.suspend(() => {
      seen.requests.push(texts)
      return Effect.onInterrupt(seen.behave(texts), () => Effect.sync(() => void (seen.interrupted += 1)))
    })
  const inner = Layer.succeed(
    Embedder,
    Embedder.of({
      name: "scripted",
      dimensions: 2,
      embed: (text) => Effect.map(request([text]), ([vector = new Float32Array()]) => vector),
      embedMany: request
    })
  )
  const layer = Embedder.layerResilient(options).pipe(
    Layer.provide(inner),
    Layer.provideMerge(CircuitBreaker.layerMemory())
  )
  const run = <A, E>(test: Effect.Effect<A, E, Embedder | EmbedderCircuit | CircuitBreaker>) =>
    test.pipe(Effect.provide(layer), withOwnMetrics)
  return { run, seen }
}

const embed = (text: string) => Embedder.use((embedder) => embedder.embed(text))
const embedMany = (texts: ReadonlyArray<string>) => Embedder.use((embedder) => embedder.embedMany(texts))
const circuit = Effect.map(CircuitBreaker.use((breaker) => breaker.state(key)), ({ _tag }) => _tag)
const lastFailure = Effect.flatMap(EmbedderCircuit, ({ lastFailure }) => lastFailure)

/** Runs a lookup to its end on the virtual clock, and says how long it took. */
const lookup = Effect.fnUntraced(function*(text: string, within: Duration.Input = "1 second") {
  const fiber = yield* Effect.forkChild(Effect.timed(Effect.exit(embed(text))))
  yield* TestClock.adjust(within)
  const [took, exit] = yield* Fiber.join(fiber)
  const error = Exit.isFailure(exit) ? yield* Effect.flip(exit) : undefined
  return { millis: Duration.toMillis(took), reason: error?.reason, message: error?.message }
})

const count = (result: string) =>
  Effect.map(Metric.snapshot, (all) => {
    const found = all.find(({ attributes, id }) =>
      id === "understudy_embedder_requests_total" && attributes?.["result"] === result
    )
    return found?.type === "Counter" ? Number(found.state.count) : 0
  })

describe("lookups at the same time", () => {
  it.effect("go in one request, each text once, and each gets its own vector", () => {
    const { run, seen } = scripted(answers)
    return run(Effect.gen(function*() {
      const texts = Array.from({ length: 32 }, (_, n) => "x".repeat(n % 16))
      const fiber = yield* Effect.forkChild(Effect.forEach(texts, embed, { concurrency: "unbounded" }))
      yield* TestClock.adjust("5 millis")
      assert.deepStrictEqual((yield* Fiber.join(fiber)).map(([length]) => length), texts.map(({ length }) => length))
      assert.deepStrictEqual(seen.requests.map(({ length }) => length), [16])
    }))
  })

  it.effect("go in as few requests as the limits allow", () => {
    const { run, seen } = scripted(answers, { maxTexts: 10 })
    return run(Effect.gen(function*() {
      const texts = Array.from({ length: 32 }, (_, n) => `text ${n}`)
      const fiber = yield* Effect.forkChild(Effect.forEach(texts, embed, { concurrency: "unbounded" }))
      yield* TestClock.adjust("5 millis")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(seen.requests.map(({ length }) => length), [10, 10, 10, 2])
    }))
  })

  it.effect("gather for longer while two requests are under way, so that a slow endpoint gets few", () => {
    const { run, seen } = scripted((texts) => Effect.delay(answers(texts), "200 millis"))
    return run(Effect.gen(function*() {
      const fibers = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, n) => `text ${n}`),
        (text) => Effect.tap(Effect.forkChild(Effect.timed(embed(text))), TestClock.adjust("1 millis"))
      )
      yield* TestClock.adjust("1 second")
      const timed = yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(seen.requests.map(({ length }) => length), [5, 5, 25, 25, 25, 15])
      for (const [took] of timed) assert.isAtMost(Duration.toMillis(took), 225)
    }))
  })

  it.effect("wait no longer than their own time, however often a refused group is halved", () => {
    const { run } = scripted((texts) => Effect.delay(refusesLong(texts), "200 millis"))
    return run(Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(
        Effect.forEach(["one", "far too long"], (text) => Effect.exit(embed(text)), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("275 millis")
      assert.deepStrictEqual((yield* Fiber.join(fiber)).map(Exit.isFailure), [true, true])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* circuit, "Closed")
    }))
  })

  it.effect("count as one failure of the circuit when their request fails", () => {
    const { run, seen } = scripted(hangs)
    return run(Effect.gen(function*() {
      const texts = Array.from({ length: 32 }, (_, n) => `text ${n}`)
      const fiber = yield* Effect.forkChild(
        Effect.forEach(texts, (text) => Effect.flip(embed(text)), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("300 millis")
      const errors = yield* Fiber.join(fiber)
      assert.isTrue(errors.every(({ reason }) => reason === "timeout"))
      assert.strictEqual(seen.requests.length, 1)
      assert.strictEqual(yield* circuit, "Closed")
    }))
  })

  it.effect("are not failed by the one whose text is refused", () => {
    const { run, seen } = scripted(refusesLong)
    return run(Effect.gen(function*() {
      const texts = ["one", "two", "far too long", "four", "five"]
      const fiber = yield* Effect.forkChild(
        Effect.forEach(texts, (text) => Effect.exit(embed(text)), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("5 millis")
      const exits = yield* Fiber.join(fiber)
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, true, false, true, true])
      assert.isAtMost(seen.requests.length, 5)
      for (let n = 0; n < 5; n++) assert.strictEqual((yield* lookup("far too long")).reason, "rejected")
      assert.strictEqual(yield* circuit, "Closed")
      assert.isUndefined(yield* lastFailure)
    }))
  })
})

describe("an embedder that hangs", () => {
  it.effect("costs three lookups their deadline, then nobody anything until the circuit probes", () => {
    const { run, seen } = scripted(hangs)
    return run(Effect.gen(function*() {
      for (let n = 0; n < 3; n++) {
        assert.deepInclude(yield* lookup(`text ${n}`), { millis: 255, reason: "timeout" })
      }
      assert.strictEqual(yield* circuit, "Open")
      for (let n = 0; n < 20; n++) {
        assert.deepInclude(yield* lookup(`text ${n}`, 0), { millis: 0, reason: "circuit_open" })
      }
      assert.strictEqual(seen.requests.length, 3)
      assert.strictEqual(seen.interrupted, 3)
      assert.strictEqual(yield* count("timeout"), 3)
      assert.strictEqual((yield* lastFailure)?.reason, "timeout")

      seen.behave = answers
      yield* TestClock.adjust("30 seconds")
      assert.deepInclude(yield* lookup("text"), { millis: 5, reason: undefined })
      assert.strictEqual(yield* circuit, "Closed")
      assert.isUndefined(yield* lastFailure)
      assert.strictEqual(yield* count("success"), 1)
    }))
  })

  it.effect("is given its own time by whoever configures it, and more of it for many texts", () => {
    const { run } = scripted(hangs, { timeout: "1 second", batchTimeout: "20 seconds", gather: 0 })
    return run(Effect.gen(function*() {
      assert.deepInclude(yield* lookup("text", "2 seconds"), { millis: 1_000, reason: "timeout" })
      const fiber = yield* Effect.forkChild(Effect.flip(embedMany(["a", "b"])))
      yield* TestClock.adjust("19999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.include((yield* Fiber.join(fiber)).message, "20s")
    }))
  })

  it.effect("loses no time and no failure by callers that leave", () => {
    const { run, seen } = scripted(hangs)
    return run(Effect.gen(function*() {
      for (let n = 0; n < 3; n++) {
        const fiber = yield* Effect.forkChild(embed(`text ${n}`))
        yield* TestClock.adjust("10 millis")
        yield* Fiber.interrupt(fiber)
        yield* TestClock.adjust("1 second")
      }
      // The request ended by its own deadline, which is what is known of the embedder.
      assert.deepStrictEqual([seen.requests.length, seen.interrupted], [3, 3])
      assert.strictEqual(yield* circuit, "Open")
    }))
  })
})

describe("the circuit of an embedder", () => {
  it.effect("does not count callers that leave, neither before their request nor from a batch of their own", () => {
    const { run, seen } = scripted(hangs)
    return run(Effect.gen(function*() {
      for (let n = 0; n < 5; n++) {
        const early = yield* Effect.forkChild(embed("text"))
        yield* TestClock.adjust("1 millis")
        yield* Fiber.interrupt(early)
        const batch = yield* Effect.forkChild(embedMany(["a", "b"]))
        yield* TestClock.adjust("1 millis")
        yield* Fiber.interrupt(batch)
      }
      assert.deepStrictEqual([seen.requests.length, seen.interrupted], [5, 5])
      assert.strictEqual(yield* circuit, "Closed")
      assert.isUndefined(yield* lastFailure)
      assert.strictEqual(yield* count("interrupted"), 5)
    }))
  })

  it.effect("opens for as long as a 429 asks", () => {
    const { run } = scripted(failsWith({ reason: "rate_limited", retryAfter: Duration.minutes(2) }))
    return run(Effect.gen(function*() {
      for (let n = 0; n < 3; n++) assert.strictEqual((yield* lookup("text")).reason, "rate_limited")
      yield* TestClock.adjust("100 seconds")
      assert.strictEqual((yield* lookup("text")).reason, "circuit_open")
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* lookup("text")).reason, "rate_limited")
    }))
  })

  it.effect("lets one lookup through as a probe, with those that came at the same time", () => {
    const { run, seen } = scripted(failsWith({ reason: "unavailable" }))
    return run(Effect.gen(function*() {
      for (let n = 0; n < 3; n++) yield* lookup("text")
      seen.behave = (texts) => Effect.delay(answers(texts), "100 millis")
      yield* TestClock.adjust("30 seconds")
      const probes = yield* Effect.forkChild(
        Effect.forEach(["a", "b"], embed, { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("50 millis")
      assert.deepInclude(yield* lookup("late", 0), { millis: 0, reason: "circuit_open" })
      yield* TestClock.adjust("100 millis")
      assert.strictEqual((yield* Fiber.join(probes)).length, 2)
      assert.strictEqual(seen.requests.length, 4)
      assert.strictEqual(yield* circuit, "Closed")
    }))
  })

  it.effect("is shared by lookups and batches, and stops a long list at its first failed request", () => {
    const { run, seen } = scripted(failsWith({ reason: "unavailable" }), { maxTexts: 1 })
    return run(Effect.gen(function*() {
      for (let n = 0; n < 3; n++) yield* Effect.flip(embedMany(["a", "b", "c"]))
      assert.strictEqual(seen.requests.length, 3)
      assert.strictEqual((yield* lookup("text", 0)).reason, "circuit_open")
      assert.strictEqual((yield* Effect.flip(embedMany(["a"]))).reason, "circuit_open")
    }))
  })

  it.effect("counts an embedder that dies", () => {
    const { run } = scripted(() => Effect.die(new Error("bug")))
    return run(Effect.gen(function*() {
      for (let n = 0; n < 3; n++) {
        const fiber = yield* Effect.forkChild(Effect.exit(embed("text")))
        yield* TestClock.adjust("5 millis")
        assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
      }
      assert.strictEqual(yield* circuit, "Open")
      assert.strictEqual(yield* count("defect"), 3)
    }))
  })

  it.effect("obeys the operator", () => {
    const { run, seen } = scripted(answers)
    return run(Effect.gen(function*() {
      const breaker = yield* CircuitBreaker
      yield* breaker.control(key, "force-open")
      assert.strictEqual((yield* lookup("text")).reason, "circuit_open")
      assert.strictEqual(seen.requests.length, 0)
      yield* breaker.control(key, "reset")
      assert.isUndefined((yield* lookup("text")).reason)
    }))
  })
})

describe("an embedder that gives too few vectors", () => {
  it.effect("fails those that got none, and hangs nobody", () => {
    const { run } = scripted(() => Effect.succeed([Float32Array.of(1, 0)]))
    return run(Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(
        Effect.forEach(["a", "b"], (text) => Effect.exit(embed(text)), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("5 millis")
      assert.deepStrictEqual((yield* Fiber.join(fiber)).map(Exit.isSuccess), [true, false])
    }))
  })
})
