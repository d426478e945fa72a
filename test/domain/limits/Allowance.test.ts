import { assert, describe, it } from "@effect/vitest"
import * as Allowance from "../../../src/domain/limits/Allowance.ts"

const told = (remaining: number, resetAt: number, place = 0) =>
  Allowance.learn(Allowance.unknown, { requests: { remaining, resetAt } }, place, 0)

describe("what the provider says is left", () => {
  it("holds everybody back until the reset when it is nothing", () => {
    assert.strictEqual(Allowance.earliest(told(0, 9_000), 1, 0), 9_000)
    assert.strictEqual(Allowance.earliest(told(0, 9_000), 9_500, 0), 9_500)
  })

  it("is used up by our own attempts", () => {
    const two = told(2, 9_000)
    const one = Allowance.started(two, 1, 0)
    assert.strictEqual(Allowance.earliest(one, 2, 0), 2)
    assert.strictEqual(Allowance.earliest(Allowance.started(one, 2, 0), 3, 0), 9_000)
  })

  it("counts tokens as well", () => {
    const left = Allowance.learn(Allowance.unknown, { tokens: { remaining: 100, resetAt: 9_000 } }, 0, 0)
    assert.strictEqual(Allowance.earliest(left, 1, 100), 1)
    assert.strictEqual(Allowance.earliest(left, 1, 101), 9_000)
    assert.strictEqual(Allowance.earliest(Allowance.started(left, 1, 60), 1, 60), 9_000)
  })

  it("is believed from the latest attempt, in whatever order the answers come", () => {
    const late = told(5, 9_000, 7)
    assert.strictEqual(Allowance.learn(late, { requests: { remaining: 0, resetAt: 9_000 } }, 6, 1), late)
    const later = Allowance.learn(late, { requests: { remaining: 0, resetAt: 9_000 } }, 8, 1)
    assert.strictEqual(Allowance.earliest(later, 1, 0), 9_000)
  })

  it("says nothing without a reset in the future", () => {
    assert.strictEqual(Allowance.earliest(told(0, 0), 1, 0), 1)
    const without = Allowance.learn(Allowance.unknown, { requests: { remaining: 0 } }, 0, 0)
    assert.strictEqual(Allowance.earliest(without, 1, 0), 1)
  })
})
