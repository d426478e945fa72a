import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { defaultPolicy } from "../../../src/simulation/policy/defaultPolicy.ts"
import { bare, retry, threads } from "../../../src/simulation/strategies/workers.ts"
import { answer, cameTo, down, hangs, play } from "./play.ts"

const users = (count: number) => Array.from({ length: count }, (_, n) => `A post on bee ${n}`)

const unbounded = { concurrency: "unbounded" } as const

describe("bare", () => {
  it.effect("calls once, and shows what comes of it", () =>
    play(bare, [answer(4_000), down, hangs], ({ ask, calls }) =>
      Effect.gen(function*() {
        const asked = [yield* ask("a"), yield* ask("a"), yield* ask("a")]
        assert.deepStrictEqual(asked.map(cameTo), ["live", "AiUnavailable", "AiTimeout"])
        assert.deepStrictEqual(asked.map(({ waitedMillis }) => waitedMillis), [
          4_000,
          0,
          defaultPolicy.timeout.attemptMillis
        ])
        assert.deepStrictEqual(calls, [0, 4_000, 4_000])
      })))

  it.effect("has four workers: the fifth user waits", () =>
    play(bare, [answer(1_000)], ({ ask, calls }) =>
      Effect.gen(function*() {
        const asked = yield* Effect.forEach(users(9), ask, unbounded)
        assert.deepStrictEqual(calls, [0, 0, 0, 0, 1_000, 1_000, 1_000, 1_000, 2_000])
        // Each from the beginning, at which all of them came.
        assert.deepStrictEqual(asked.map(({ waitedMillis }) => waitedMillis), calls.map((at) => at + 1_000))
      })))

  it.effect("has its workers wait for the provider even when their users have left", () =>
    play(bare, [hangs, hangs, hangs, hangs, answer(10)], ({ ask, calls }) =>
      Effect.gen(function*() {
        const fibers = yield* Effect.forEach(users(4), (prompt) => Effect.forkChild(ask(prompt)))
        yield* Effect.sleep(1_000)
        yield* Fiber.interruptAll(fibers)
        const { waitedMillis } = yield* ask("a")
        assert.deepStrictEqual(calls, [0, 0, 0, 0, 30_000])
        assert.strictEqual(waitedMillis, 29_010)
      })))
})

describe("retry", () => {
  it.effect("makes three attempts, a second and two seconds apart", () =>
    play(retry, [down], ({ ask, calls }) =>
      Effect.gen(function*() {
        const asked = yield* ask("a")
        assert.strictEqual(cameTo(asked), "AiUnavailable")
        assert.deepStrictEqual(calls, [0, 1_000, 3_000])
        assert.strictEqual(asked.waitedMillis, 3_000)
      })))

  it.effect("stops at the first answer", () =>
    play(retry, [{ outcome: "malformed", afterMillis: 500 }, answer(500)], ({ ask, calls }) =>
      Effect.gen(function*() {
        assert.strictEqual(cameTo(yield* ask("a")), "live")
        assert.deepStrictEqual(calls, [0, 1_500])
      })))

  it.effect("does not ask again for what is refused, nor with a key that is", () =>
    play(
      retry,
      [{ outcome: "rejected", afterMillis: 0 }, { outcome: "unauthorized", afterMillis: 0 }],
      ({ ask, calls }) =>
        Effect.gen(function*() {
          assert.deepStrictEqual([yield* ask("a"), yield* ask("a")].map(cameTo), ["AiRejected", "AiUnauthorized"])
          assert.strictEqual(calls.length, 2)
        })
    ))

  it.effect("keeps its worker through all of its attempts", () =>
    play(retry, [hangs, hangs, hangs, hangs, answer(1_000)], ({ ask, calls }) =>
      Effect.gen(function*() {
        yield* Effect.forEach(users(5), ask, unbounded)
        assert.deepStrictEqual(calls, [0, 0, 0, 0, 31_000, 31_000, 31_000, 31_000, 32_000])
      })))
})

describe("threads", () => {
  it.effect("has as many calls under way as there are users, and retries as well", () =>
    play(threads, [...users(500).map(() => down), answer(1_000)], ({ ask, calls }) =>
      Effect.gen(function*() {
        const asked = yield* Effect.forEach(users(500), ask, unbounded)
        assert.isTrue(asked.every((asked) => cameTo(asked) === "live" && asked.waitedMillis === 2_000))
        assert.deepStrictEqual([calls.length, calls[499], calls[500], calls[999]], [1_000, 0, 1_000, 1_000])
      })))

  it.effect("ends the call of a user who has left", () =>
    play(threads, [hangs], ({ ask, calls }) =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(ask("a"))
        yield* Effect.sleep(100)
        yield* Fiber.interrupt(fiber)
        yield* Effect.sleep("10 minutes")
        assert.strictEqual(calls.length, 1)
      })))
})
