/** Conformance cases 35 to 39: the circuit, the limits, retries and providers together. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { AiRejected, AiUnavailable } from "../../src/domain/errors.ts"
import * as FallbackCacheMemory from "../../src/services/cache/FallbackCacheMemory.ts"
import { CircuitBreaker } from "../../src/services/CircuitBreaker.ts"
import { Embedder } from "../../src/services/Embedder.ts"
import { Generator } from "../../src/services/Generator.ts"
import { Providers } from "../../src/services/Providers.ts"
import { RateLimiter } from "../../src/services/RateLimiter.ts"
import { Templates } from "../../src/services/Templates.ts"
import {
  answers,
  aTemplate,
  fails,
  failsWith,
  finds,
  makeLadder,
  provider,
  request,
  secondProvider
} from "../support/scripted.ts"

const generate = (prompt: string) => Generator.use((generator) => generator.generate(request(prompt)))
const circuit = Effect.map(CircuitBreaker.use((breaker) => breaker.state(provider)), ({ _tag }) => _tag)

/** Runs a call to its end, second by second. */
const patiently = Effect.fnUntraced(function*<A, E, R>(call: Effect.Effect<A, E, R>, seconds: number) {
  const fiber = yield* Effect.forkChild(call)
  yield* Effect.repeat(TestClock.adjust("1 second"), { times: seconds - 1 })
  return yield* Fiber.join(fiber)
})

describe("composition", () => {
  it.effect("35. a full outage: 3 calls of 2 attempts reach the provider 6 times, then the circuit is open", () => {
    const { layer, seen } = makeLadder({ script: [fails], template: aTemplate })
    return Effect.gen(function*() {
      for (let n = 0; n < 3; n++) yield* patiently(generate("x"), 2)
      assert.strictEqual(seen.calls, 6)
      assert.strictEqual(yield* circuit, "Open")
      for (let n = 0; n < 10; n++) yield* generate("x")
      assert.strictEqual(seen.calls, 6)
    }).pipe(Effect.provide(layer))
  })

  it.effect("36. a retry budget that is used up: no retries, and each failure is still recorded", () => {
    const { layer, seen } = makeLadder({ script: [fails], template: aTemplate, retryBudget: { ratio: 0, floor: 0 } })
    return Effect.gen(function*() {
      for (let n = 0; n < 3; n++) assert.deepInclude(yield* generate("x"), { source: "template", attempts: 1 })
      assert.strictEqual(seen.calls, 3)
      assert.strictEqual(yield* circuit, "Open")
    }).pipe(Effect.provide(layer))
  })

  it.live("37. an open circuit is answered from the cache in under 5 ms of real time, whatever the queue holds", () => {
    let isDown = false
    const down = new AiUnavailable({ provider, status: 503, detail: "status 503" })
    const client = {
      provider,
      stream: () => Stream.never,
      generate: ({ prompt }: { readonly prompt: string }) =>
        prompt.startsWith("hang")
          ? Effect.never
          : isDown
          ? Effect.fail(down)
          : Effect.succeed({ text: `about ${prompt}`, model: "m", usage: undefined, isComplete: true })
    }
    const ladder = Generator.layer({ maxAttempts: 1 }).pipe(
      Layer.provideMerge(Layer.mergeAll(
        Providers.layerList([{ client }]),
        CircuitBreaker.layerMemory({ failures: 1 }),
        RateLimiter.layer({ concurrency: 2, queue: 64 }),
        Layer.provide(FallbackCacheMemory.layerMemory(), Embedder.layerLocal),
        Templates.layerNone
      ))
    )
    return Effect.gen(function*() {
      const limiter = yield* RateLimiter
      yield* generate("sourdough starters")
      // Storing is off the answer's path; the first lookups may come before it.
      yield* Effect.sleep("50 millis")
      yield* Effect.forkChild(generate("hang 1"))
      yield* Effect.yieldNow
      isDown = true
      yield* Effect.ignore(generate("trips the circuit"))
      assert.strictEqual(yield* circuit, "Open")
      // Behind the circuit's back, as callers that were admitted before it opened: the room is full of them.
      const hold = { key: provider, namespace: request("x").namespace, deadline: 1e15, minAttemptMillis: 0, tokens: 0 }
      yield* Effect.forEach(
        Array.from({ length: 60 }),
        () => Effect.forkChild(Effect.ignore(limiter.withPermit(hold, () => Effect.never)))
      )
      yield* Effect.yieldNow
      assert.isAbove((yield* limiter.load(provider)).waiting, 50)
      const took: Array<number> = []
      for (let n = 0; n < 101; n++) {
        const from = yield* Clock.monotonicTimeNanos
        const answer = yield* generate("Sourdough starters!")
        took.push(Number((yield* Clock.monotonicTimeNanos) - from) / 1e6)
        assert.deepInclude(answer, { source: "cache", reason: "circuit_open", attempts: 0 })
      }
      const median = took.sort((a, b) => a - b)[50] ?? Number.NaN
      assert.isBelow(median, 5)
    }).pipe(Effect.provide(ladder))
  })

  it.effect("38. a provider's 422 is the user's to hear: no fallback, no retry, and a success for the circuit", () => {
    const refusal = new AiRejected({ provider, status: 422, message: "against our policy" })
    const script = [fails, fails, failsWith(refusal), fails, fails, fails]
    const { layer, seen } = makeLadder({ script, maxAttempts: 1, find: finds(), template: aTemplate })
    return Effect.gen(function*() {
      for (let n = 0; n < 2; n++) yield* generate("x")
      assert.strictEqual(yield* Effect.flip(generate("x")), refusal)
      assert.strictEqual(seen.calls, 3)
      for (let n = 0; n < 2; n++) yield* generate("x")
      assert.strictEqual(yield* circuit, "Closed")
      yield* generate("x")
      assert.strictEqual(yield* circuit, "Open")
    }).pipe(Effect.provide(layer))
  })

  it.effect("39. provider 1 open, provider 2 healthy: the answer is live, from provider 2, and says so", () => {
    const { layer, seen } = makeLadder({ script: [fails], second: [answers], maxAttempts: 1 })
    return Effect.gen(function*() {
      for (let n = 0; n < 3; n++) yield* generate("x")
      assert.strictEqual(yield* circuit, "Open")
      assert.deepInclude(yield* generate("x"), { source: "live", provider: secondProvider, attempts: 1 })
      assert.strictEqual(seen.calls, 3)
    }).pipe(Effect.provide(layer))
  })
})
