import { assert, describe, it } from "@effect/vitest"
import * as Cooldown from "../../../src/domain/limits/Cooldown.ts"

const stagger = { count: 3, millis: 50 }
const tenSeconds = Cooldown.begin(Cooldown.none, 0, 10_000, stagger)

/** When as many attempts start that all want to at this time. */
const starts = (cooldown: Cooldown.Cooldown, now: number, count: number) => {
  let state = cooldown
  let at = now
  return Array.from({ length: count }, () => {
    at = Cooldown.earliest(state, at)
    state = Cooldown.started(state, at)
    return at
  })
}

describe("a cooldown", () => {
  it("holds everybody back until it is over, and then lets the first ones go one by one", () => {
    assert.deepStrictEqual(starts(tenSeconds, 0, 6), [10_000, 10_050, 10_100, 10_100, 10_100, 10_100])
  })

  it("foresees when those behind others start", () => {
    const foreseen = [0, 1, 2, 3, 4].map((ahead) => Cooldown.earliest(tenSeconds, 0, ahead))
    assert.deepStrictEqual(foreseen, [10_000, 10_050, 10_100, 10_100, 10_100])
  })

  it("is never shortened by a later and shorter one", () => {
    assert.strictEqual(Cooldown.begin(tenSeconds, 1, 5_000, stagger), tenSeconds)
  })

  it("ends its stagger when an attempt after it has found the provider well, not before", () => {
    const one = Cooldown.started(tenSeconds, 10_000)
    assert.strictEqual(Cooldown.earliest(Cooldown.calmed(one, 9_999), 10_001), 10_050)
    assert.strictEqual(Cooldown.earliest(Cooldown.calmed(one, 10_000), 10_001), 10_001)
  })

  it("delays nobody who comes long after it", () => {
    assert.deepStrictEqual(starts(tenSeconds, 90_000, 3), [90_000, 90_000, 90_000])
  })

  it("that is over at once costs nothing, and a short one no more than its own length again", () => {
    assert.deepStrictEqual(starts(Cooldown.begin(Cooldown.none, 5, 5, stagger), 5, 4), [5, 5, 5, 5])
    assert.deepStrictEqual(starts(Cooldown.begin(Cooldown.none, 0, 2, stagger), 0, 4), [2, 2, 2, 2])
    assert.isAtMost(Math.max(...starts(Cooldown.begin(Cooldown.none, 0, 30, stagger), 0, 9)), 60)
  })
})
