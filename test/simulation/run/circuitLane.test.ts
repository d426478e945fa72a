import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { CircuitBreaker } from "../../../src/services/CircuitBreaker.ts"
import { watchCircuit } from "../../../src/simulation/run/circuitLane.ts"
import { onVirtualTime } from "../../../src/simulation/time/VirtualTime.ts"

const second = 1_000

/** Watched from ten seconds after the clock's beginning on. */
const watching = (play: (breaker: CircuitBreaker["Service"]) => Effect.Effect<unknown, unknown, CircuitBreaker>) =>
  Effect.gen(function*() {
    yield* Effect.sleep(10 * second)
    const breaker = yield* CircuitBreaker
    const { seen } = yield* watchCircuit(breaker, "p", 10 * second)
    yield* Effect.ignore(play(breaker))
    return yield* seen
  }).pipe(
    Effect.scoped,
    Effect.provide(CircuitBreaker.layerMemory({ failures: 2, openFor: 30 * second })),
    onVirtualTime()
  )

const call = (key: string, isGood: boolean, millis = 0) =>
  Effect.ignore(CircuitBreaker.protect(key)(Effect.delay(isGood ? Effect.void : Effect.fail("down"), millis)))

const fail = (key: string, times: number) => Effect.repeat(call(key, false), { times: times - 1 })

describe("the lane of a circuit", () => {
  it.effect("is empty when there is no circuit, whatever others do", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* watching(() => Effect.sleep("1 hour")), { circuit: [], openMillis: 0 })
      assert.deepStrictEqual(yield* watching(() => fail("other", 5)), { circuit: [], openMillis: 0 })
    }))

  it.effect("is closed from the beginning when nothing happens", () =>
    Effect.gen(function*() {
      const lane = yield* watching(() => call("p", true, 5 * second))
      assert.deepStrictEqual(lane, { circuit: [{ atMillis: 0, state: "Closed" }], openMillis: 0 })
    }))

  it.effect("says when it opened, was half-open and closed, and how long it was not closed", () =>
    Effect.gen(function*() {
      const lane = yield* watching(() =>
        Effect.gen(function*() {
          yield* Effect.sleep(5 * second)
          yield* fail("p", 2)
          yield* Effect.sleep(40 * second)
          // A probe that fails, and one that does not.
          yield* call("p", false, 4 * second)
          yield* Effect.sleep(31 * second)
          yield* call("p", true, 2 * second)
          yield* Effect.sleep(100 * second)
        })
      )
      assert.deepStrictEqual(lane, {
        circuit: [
          { atMillis: 0, state: "Closed" },
          { atMillis: 5 * second, state: "Open" },
          { atMillis: 45 * second, state: "HalfOpen" },
          { atMillis: 49 * second, state: "Open" },
          { atMillis: 80 * second, state: "HalfOpen" },
          { atMillis: 82 * second, state: "Closed" }
        ],
        openMillis: 77 * second
      })
    }))

  it.effect("counts an opening that is not over up to the end", () =>
    Effect.gen(function*() {
      const lane = yield* watching(() => Effect.andThen(fail("p", 2), Effect.sleep(12 * second)))
      assert.strictEqual(lane.openMillis, 12 * second)
    }))

  it.effect("shows what was forced by hand as open or closed", () =>
    Effect.gen(function*() {
      const { circuit, openMillis } = yield* watching(({ control }) =>
        Effect.gen(function*() {
          yield* control("p", "force-open")
          yield* Effect.sleep(7 * second)
          yield* control("p", "force-close")
          yield* Effect.sleep(7 * second)
        })
      )
      assert.deepStrictEqual(circuit.map(({ state }) => state), ["Closed", "Open", "Closed"])
      assert.strictEqual(openMillis, 7 * second)
    }))

  it.effect("remembers a circuit that nobody has asked for days", () =>
    Effect.gen(function*() {
      const play = Effect.gen(function*() {
        yield* fail("p", 2)
        yield* Effect.sleep(30 * second)
        yield* call("p", true)
        yield* Effect.sleep("3 days")
      })
      const { circuit, openMillis } = yield* watching(() => play)
      assert.deepStrictEqual(circuit.map(({ state }) => state), ["Closed", "Open", "HalfOpen", "Closed"])
      assert.strictEqual(openMillis, 30 * second)
    }))
})
