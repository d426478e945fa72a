import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { maxCallbackAttempts, nextCallbackIn } from "../../../src/domain/callbacks/RetryPlan.ts"

const hour = 3_600_000
const Chance = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const Chances = Schema.Array(Chance).check(Schema.isBetweenLength(maxCallbackAttempts, maxCallbackAttempts))
const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 * hour }))

/** The waits until it is given up. */
const waitsWith = (random: (attempt: number) => number, retryAfterMillis?: number): ReadonlyArray<number> => {
  const waits: Array<number> = []
  for (let attempts = 1; attempts < 100; attempts++) {
    const wait = nextCallbackIn(attempts, random(attempts), retryAfterMillis)
    if (wait === undefined) break
    waits.push(wait)
  }
  return waits
}
const sum = (waits: ReadonlyArray<number>) => waits.reduce((total, wait) => total + wait, 0)

describe("the attempts at a callback", () => {
  it("are nine, soon at first and then more rarely", () => {
    const seconds = waitsWith(() => 0.5).map((wait) => wait / 1_000)
    assert.deepStrictEqual(seconds, [5, 30, 300, 1_800, 7_200, 18_000, 28_800, 28_800])
    assert.strictEqual(maxCallbackAttempts, 9)
    assert.isUndefined(nextCallbackIn(9, 0))
    assert.isUndefined(nextCallbackIn(1_000, 0))
  })

  it.prop("go on for about a day, whatever chance does", [Chances], ([chances]) => {
    const waits = waitsWith((attempt) => chances[attempt] ?? 0)
    assert.strictEqual(waits.length, maxCallbackAttempts - 1)
    assert.isAtLeast(sum(waits), 21 * hour)
    assert.isAtMost(sum(waits), 26 * hour)
  })

  it.prop("come never sooner than the ones before", [Chance], ([chance]) => {
    const waits = waitsWith(() => chance)
    assert.deepStrictEqual(waits, [...waits].sort((a, b) => a - b))
  })

  it.prop("wait at least as long as they are asked to, up to an hour", [Chance, Millis], ([chance, asked]) => {
    const usual = waitsWith(() => chance)
    const waits = waitsWith(() => chance, asked)
    assert.deepStrictEqual(waits, usual.map((wait) => Math.max(wait, Math.min(asked, hour))))
    assert.isAtMost(sum(waits), 31 * hour)
  })
})
