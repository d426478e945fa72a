import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { CacheEntry } from "../../../src/domain/CacheEntry.ts"
import { StoreUnavailable } from "../../../src/domain/errors.ts"
import { makeRemembering } from "../../../src/services/cache/Remembering.ts"
import { answerTo, freshNamespace } from "../FallbackCache.contract.ts"

const namespace = freshNamespace()

/** Stores at this pace, one at a time, and says what it has stored. */
const writer = Effect.fnUntraced(function*(store: Effect.Effect<unknown, StoreUnavailable>) {
  const stored: Array<string> = []
  const keep = (entries: ReadonlyArray<CacheEntry>) =>
    Effect.as(Effect.tap(store, () => Effect.sync(() => stored.push(...entries.map(({ prompt }) => prompt)))), 0)
  const remembering = yield* makeRemembering({ queueCapacity: 100, batchSize: 1, store: keep })
  const remember = (...prompts: ReadonlyArray<string>) =>
    Effect.forEach(prompts, (prompt) => remembering.remember(answerTo(namespace, prompt)), { discard: true })
  const settle = Effect.forkChild(remembering.settled("change", Effect.sync(() => [...stored])), {
    startImmediately: true
  })
  return { stored, remember, settle }
})

describe("remembering", () => {
  it.effect("lets a change wait for what was offered before it, without resting meanwhile, and for nothing later", () =>
    Effect.gen(function*() {
      const { remember, settle, stored } = yield* writer(Effect.sleep("200 millis"))
      yield* remember("a", "b", "c")
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(stored, ["a"], "it rests after a")
      const change = yield* settle
      yield* remember("d")
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(stored, ["a", "b"])
      assert.isUndefined(change.pollUnsafe())
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(yield* Fiber.join(change), ["a", "b", "c"])
      yield* TestClock.adjust("300 millis")
      assert.notInclude(stored, "d", "it rests again when nobody waits")
      yield* TestClock.adjust("1 second")
      assert.include(stored, "d")
    }))

  it.effect("lets a change go at once when there is nothing to wait for, even while it rests", () =>
    Effect.gen(function*() {
      const { remember, settle } = yield* writer(Effect.sleep("200 millis"))
      assert.deepStrictEqual(yield* Fiber.join(yield* settle), [])
      yield* remember("a")
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(yield* Fiber.join(yield* settle), ["a"])
    }))

  it.effect("lets a change go when what it waits for is given up", () =>
    Effect.gen(function*() {
      const down = new StoreUnavailable({ operation: "store", cause: new Error("down") })
      const { remember, settle } = yield* writer(Effect.fail(down))
      yield* remember("a")
      const change = yield* settle
      yield* TestClock.adjust("600 millis")
      assert.deepStrictEqual(yield* Fiber.join(change), [])
    }))

  it.effect("refuses a change after 5 seconds of waiting, and changes nothing", () =>
    Effect.gen(function*() {
      const { remember, settle } = yield* writer(Effect.sleep("10 seconds"))
      yield* remember("a")
      const change = yield* settle
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(change.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const error = yield* Effect.flip(Fiber.join(change))
      assert.strictEqual(error._tag, "StoreUnavailable")
      assert.strictEqual(error.message, "change failed: answers are still waiting to be stored")
      yield* TestClock.adjust("10 seconds")
    }))

  it.effect("rests less the fuller the queue is, and not at all where it would have to drop answers soon", () =>
    Effect.gen(function*() {
      const { remember, stored } = yield* writer(Effect.sleep("10 millis"))
      const pass = (millis: number) =>
        Effect.forEach(Array.from({ length: millis / 10 }), () => TestClock.adjust("10 millis"), { discard: true })
      yield* remember(...Array.from({ length: 60 }, (_, n) => String(n)))
      yield* pass(300)
      const whenFull = stored.length
      yield* pass(10_000)
      const whenEmpty = stored.length
      yield* remember("x", "y", "z")
      yield* pass(40)
      const afterwards = stored.length - whenEmpty
      // Whatever is left has to be stored before the scope can close.
      yield* pass(1_000)
      assert.isAtLeast(whenFull, 28, "more than a quarter of the capacity waits: one store after the other")
      assert.strictEqual(whenEmpty, 60)
      assert.isAtMost(afterwards, 2, "hardly anything waits: it rests about three times as long as it stores")
      assert.strictEqual(stored.length, 63)
    }))
})
