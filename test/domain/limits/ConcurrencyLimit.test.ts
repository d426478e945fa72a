import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { current, initial, learn } from "../../../src/domain/limits/ConcurrencyLimit.ts"

const success = { congested: false, startedAt: 0, now: 0, typicalMillis: 1_000 }
const congested = (startedAt: number, now: number) => ({ congested: true, startedAt, now, typicalMillis: 1_000 })

describe("the concurrency limit", () => {
  it("begins at the maximum, and is cut by about half when the provider has had enough", () => {
    assert.strictEqual(current(initial(8)), 8)
    assert.strictEqual(current(learn(initial(8), 8, congested(0, 1))), 4)
  })

  it("is cut once for a burst, and again by attempts that started after the cut", () => {
    const cut = learn(initial(10), 10, congested(0, 5_000))
    assert.strictEqual(current(cut), 6)
    assert.strictEqual(learn(cut, 10, congested(4_999, 9_000)), cut)
    // A fast 429 comes before the cut could show its effect.
    assert.strictEqual(learn(cut, 10, congested(5_001, 5_999)), cut)
    assert.strictEqual(current(learn(cut, 10, congested(5_001, 6_000))), 3)
  })

  it("grows by about one for as many successes as it allows at once", () => {
    let limit = learn(initial(10), 10, congested(0, 1))
    for (let n = 0; n < 7; n++) limit = learn(limit, 10, success)
    assert.strictEqual(current(limit), 7)
  })

  it.prop(
    "stays between 1 and the maximum, and comes back to it, whatever happens",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 })),
      Schema.Array(Schema.Boolean).check(Schema.isMaxLength(100))
    ],
    ([maximum, signals]) => {
      let limit = initial(maximum)
      let now = 0
      for (const isCongested of signals) {
        now += 2_000
        limit = learn(limit, maximum, { congested: isCongested, startedAt: now - 1_000, now, typicalMillis: 1_000 })
        assert.isAtLeast(current(limit), 1)
        assert.isAtMost(current(limit), maximum)
      }
      for (let n = 0; n < maximum * maximum; n++) limit = learn(limit, maximum, success)
      assert.strictEqual(current(limit), maximum)
    }
  )
})
