import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { defaultPolicy } from "../../../src/simulation/policy/defaultPolicy.ts"
import { breaker } from "../../../src/simulation/strategies/breaker.ts"
import { breakerAny, exactCache } from "../../../src/simulation/strategies/caches.ts"
import { fullLadder } from "../../../src/simulation/strategies/fullLadder.ts"
import { strategies } from "../../../src/simulation/strategies/index.ts"
import { answer, cameTo, down, hangs, play } from "./play.ts"

const bees = "Write a blog post about bees"
const bread = "How do I bake a sourdough bread?"
const refused = { outcome: "rejected", afterMillis: 0 } as const

describe("exact-cache", () => {
  it.effect("answers identical prompts without a call, and no others", () =>
    play(exactCache, [answer(100)], ({ ask, calls }) =>
      Effect.gen(function*() {
        assert.strictEqual(cameTo(yield* ask(bees)), "live")
        yield* Effect.sleep("1 second")
        const again = yield* ask(bees)
        assert.deepStrictEqual([cameTo(again), again.waitedMillis], ["cache", 0])
        assert.strictEqual(cameTo(yield* ask("Write a blog post about the bees")), "live")
        assert.strictEqual(cameTo(yield* ask(bread)), "live")
        assert.strictEqual(calls.length, 3)
      })))

  it.effect("shows an error for anything else that fails, and remembers no error", () =>
    play(exactCache, [down, refused, answer(1)], ({ ask }) =>
      Effect.gen(function*() {
        const asked = [yield* ask(bees), yield* ask(bees), yield* ask(bees)]
        assert.deepStrictEqual(asked.map(cameTo), ["AiUnavailable", "AiRejected", "live"])
      })))
})

describe("breaker", () => {
  it.effect("opens after so many failures as the policy says, answers at once, and lets a probe through", () =>
    Effect.forEach([1, 3, 5], (failures) =>
      play(
        breaker,
        [...Array.from({ length: failures }, () => down), answer(10)],
        ({ ask, calls }) =>
          Effect.gen(function*() {
            for (let call = 0; call < failures; call++) assert.strictEqual(cameTo(yield* ask(bees)), "AiUnavailable")
            const rejected = yield* ask(bees)
            assert.deepStrictEqual([cameTo(rejected), rejected.waitedMillis], ["CircuitOpen", 0])
            assert.strictEqual(calls.length, failures)
            yield* Effect.sleep(defaultPolicy.breaker.cooldownMillis)
            assert.deepStrictEqual([yield* ask(bees), yield* ask(bees)].map(cameTo), ["live", "live"])
          }),
        { ...defaultPolicy, breaker: { ...defaultPolicy.breaker, failures } }
      )))

  it.effect("does not open for refusals, 429s and users who leave", () =>
    play(
      breaker,
      [
        refused,
        refused,
        refused,
        ...Array.from({ length: 3 }, () => ({ outcome: "rate_limited", afterMillis: 0 } as const)),
        hangs,
        hangs,
        hangs,
        answer(1)
      ],
      ({ ask }) =>
        Effect.gen(function*() {
          for (let call = 0; call < 6; call++) yield* ask(bees)
          for (let user = 0; user < 3; user++) yield* Effect.timeoutOption(ask(bees), "1 second")
          assert.strictEqual(cameTo(yield* ask(bees)), "live")
        })
    ))
})

describe("breaker-any", () => {
  it.effect("shows the last answer of all, whatever it is about, and nothing before there is one", () =>
    play(breakerAny, [down, answer(1), down], ({ ask, calls }) =>
      Effect.gen(function*() {
        assert.strictEqual(cameTo(yield* ask(bees)), "AiUnavailable")
        assert.strictEqual(cameTo(yield* ask(bees)), "live")
        for (const reason of ["unavailable", "unavailable", "unavailable", "circuit_open"]) {
          const asked = yield* ask(bread)
          assert.include(asked.result, { _tag: "Success" })
          assert.strictEqual(cameTo(asked), "cache")
          if (asked.result._tag === "Success" && asked.result.success.source === "cache") {
            assert.strictEqual(asked.result.success.reason, reason)
            assert.strictEqual(asked.result.success.text, `A scripted answer to: ${bees}`)
          }
        }
        assert.strictEqual(calls.length, 5)
      })))

  it.effect("passes a refusal on", () =>
    play(breakerAny, [answer(1), refused], ({ ask }) =>
      Effect.gen(function*() {
        assert.deepStrictEqual([yield* ask(bees), yield* ask(bees)].map(cameTo), ["live", "AiRejected"])
      })))
})

describe("full-ladder", () => {
  it.effect("falls to the closest earlier answer, and where there is none to the template", () =>
    play(fullLadder, [answer(100), down], ({ ask }) =>
      Effect.gen(function*() {
        assert.strictEqual(cameTo(yield* ask(bees)), "live")
        yield* Effect.sleep("1 second")
        const asked = [yield* ask(bees), yield* ask("write a blog post about bees!"), yield* ask(bread)]
        assert.deepStrictEqual(asked.map(cameTo), ["cache", "cache", "template"])
        assert.isTrue(asked.every(({ waitedMillis }) => waitedMillis < 5_000))
      })))

  it.effect("has no template when the policy takes it away", () =>
    play(
      fullLadder,
      [down],
      ({ ask }) => Effect.map(ask(bread), (asked) => assert.strictEqual(cameTo(asked), "AiUnavailable")),
      { ...defaultPolicy, fallback: { ...defaultPolicy.fallback, templates: 0 } }
    ))

  it.effect("keeps to the attempts, the deadlines and the limits of the policy", () => {
    const policy = {
      ...defaultPolicy,
      timeout: { attemptMillis: 2_000, totalMillis: 3_000 },
      limits: { ...defaultPolicy.limits, concurrency: 2 }
    }
    return Effect.all([
      play(fullLadder, [hangs], ({ ask }) =>
        Effect.gen(function*() {
          const { waitedMillis } = yield* ask(bread)
          assert.isAtLeast(waitedMillis, 2_000)
          assert.isAtMost(waitedMillis, 3_000)
        }), policy),
      play(fullLadder, [answer(500)], ({ ask, calls }) =>
        Effect.gen(function*() {
          yield* Effect.forEach(["a bee", "a cat", "a dog", "a fox"], ask, { concurrency: "unbounded" })
          assert.deepStrictEqual(calls, [0, 0, 500, 500])
        }), policy)
    ])
  })

  it.effect("passes a refusal on", () =>
    play(
      fullLadder,
      [refused],
      ({ ask }) => Effect.map(ask(bees), (asked) => assert.strictEqual(cameTo(asked), "AiRejected"))
    ))
})

describe("the strategies that ship", () => {
  it("have names and explanations of their own", () => {
    assert.deepStrictEqual(strategies.map(({ name }) => name), [
      "bare",
      "retry",
      "threads",
      "exact-cache",
      "breaker",
      "breaker-any",
      "full-ladder"
    ])
    assert.strictEqual(new Set(strategies.map(({ about }) => about)).size, strategies.length)
  })
})
