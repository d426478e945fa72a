/** The embedder and the database as networks make them. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Option, Result } from "effect"
import { defaultNamespace, GenerationId } from "../../../src/domain/Generation.ts"
import { layerMemory } from "../../../src/services/cache/FallbackCacheMemory.ts"
import { CircuitBreaker } from "../../../src/services/CircuitBreaker.ts"
import { Embedder } from "../../../src/services/Embedder.ts"
import { FallbackCache } from "../../../src/services/FallbackCache.ts"
import { drawsOf } from "../../../src/simulation/random/Draws.ts"
import type { EmbedderModel } from "../../../src/simulation/Scenario.ts"
import { layerSlowEmbedder } from "../../../src/simulation/services/slowEmbedder.ts"
import { layerTroubled } from "../../../src/simulation/services/troubledCache.ts"
import { onVirtualTime } from "../../../src/simulation/time/VirtualTime.ts"

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const begin = yield* Clock.currentTimeMillis
    const result = yield* Effect.result(effect)
    return { result, millis: (yield* Clock.currentTimeMillis) - begin }
  })

const embed = (text: string) => Effect.flatMap(Embedder, (embedder) => embedder.embed(text))

const withEmbedder = <A, E>(model: EmbedderModel, use: Effect.Effect<A, E, Embedder>) =>
  Effect.gen(function*() {
    const layer = layerSlowEmbedder(model, yield* drawsOf("1", "embedder"), 0)
    return yield* Effect.provide(use, Layer.provide(layer, CircuitBreaker.layerMemory()))
  }).pipe(onVirtualTime())

const even = (medianMillis: number, failures = 0) => ({ latency: { medianMillis, sigma: 0 }, failures })

describe("a simulated embedder", () => {
  it.effect("gives the vectors of the local one, as late as its model says", () =>
    Effect.gen(function*() {
      const local = yield* Effect.provide(embed("bees"), Embedder.layerLocal)
      const { millis, result } = yield* withEmbedder(even(100), Effect.andThen(Effect.sleep(1), timed(embed("bees"))))
      assert.deepStrictEqual(Result.getOrThrow(result), local)
      // It gathers for a few milliseconds what others ask for.
      assert.isAtLeast(millis, 100)
      assert.isAtMost(millis, 110)
    }))

  it.effect("is there at once before the simulation begins", () =>
    Effect.gen(function*() {
      const warm = Effect.flatMap(Embedder, (embedder) => embedder.embedMany(["bees", "bread"]))
      const { millis, result } = yield* withEmbedder(even(5_000, 1), timed(warm))
      assert.strictEqual(Result.getOrThrow(result).length, 2)
      assert.strictEqual(millis, 0)
    }))

  it.effect("is given up at its deadline, and after some failures at once", () =>
    Effect.gen(function*() {
      for (const [model, most] of [[even(5_000), 260], [even(50, 1), 60]] as const) {
        const seen = yield* withEmbedder(
          model,
          Effect.andThen(Effect.sleep(1), Effect.forEach(["a", "b", "c", "d", "e"], (text) => timed(embed(text))))
        )
        assert.isTrue(seen.every(({ result }) => Result.isFailure(result)))
        assert.isAbove(seen[0]?.millis ?? 0, most - 20)
        assert.isTrue(seen.every(({ millis }) => millis <= most))
        assert.isBelow(seen[4]?.millis ?? Infinity, 20)
      }
    }))
})

const answer = (prompt: string) => ({
  id: GenerationId.make(prompt),
  namespace: defaultNamespace,
  prompt,
  model: "m",
  text: `about ${prompt}`,
  usage: undefined
})

describe("a cache whose database goes away", () => {
  it.effect("fails at its deadline and loses what it is given meanwhile, and before and after it is as ever", () =>
    Effect.gen(function*() {
      const find = (prompt: string) =>
        timed(Effect.flatMap(FallbackCache, (cache) => cache.find({ namespace: defaultNamespace, prompt })))
      const remember = (prompt: string) =>
        Effect.flatMap(FallbackCache, (cache) => Effect.andThen(cache.remember(answer(prompt)), Effect.sleep(1_000)))
      const down = [{ fromMillis: 10_000, toMillis: 20_000 }, { fromMillis: 30_000, toMillis: 40_000 }]
      const program = Effect.gen(function*() {
        yield* remember("bees")
        const before = yield* find("bees")
        yield* Effect.sleep(9_000)
        const during = yield* find("bees")
        yield* remember("bread")
        yield* Effect.sleep(10_000)
        const after = yield* find("bees")
        const lost = yield* find("bread")
        yield* Effect.sleep(10_000)
        return { before, during, after, lost, again: yield* find("bees") }
      })
      const cache = Layer.provide(layerMemory(), Embedder.layerLocal)
      // An hour after the clock's beginning.
      const { after, again, before, during, lost } = yield* Effect.sleep("1 hour").pipe(
        Effect.andThen(Effect.provide(program, Layer.provide(layerTroubled({ down }, 3_600_000), cache))),
        onVirtualTime()
      )
      for (const { millis, result } of [before, after]) {
        assert.strictEqual(millis, 0)
        assert.isTrue(Option.isSome(Result.getOrThrow(result)))
      }
      for (const { millis, result } of [during, again]) {
        assert.strictEqual(millis, 1_000)
        assert.isTrue(Result.isFailure(result) && result.failure._tag === "StoreUnavailable")
      }
      assert.isTrue(Option.isNone(Result.getOrThrow(lost.result)))
    }))
})
