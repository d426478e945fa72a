import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as RetryBudget from "../../../src/domain/ladder/RetryBudget.ts"

const policy = { ratio: 0.2, floor: 3 }

/** How many of so many retries in a row are allowed. */
const allowed = (state: RetryBudget.RetryBudgetState, now: number, wanted: number): number => {
  let current: RetryBudget.RetryBudgetState | undefined = state
  for (let n = 0; n < wanted; n++) {
    current = RetryBudget.spendRetry(policy, current, now)
    if (current === undefined) return n
  }
  return wanted
}

const calls = (count: number, now: number, state = RetryBudget.initial): RetryBudget.RetryBudgetState =>
  Array.from({ length: count }).reduce<RetryBudget.RetryBudgetState>((s) => RetryBudget.countCall(s, now), state)

describe("the retry budget", () => {
  it("allows a few retries even when there were hardly any calls", () => {
    assert.strictEqual(allowed(calls(1, 0), 0, 10), 3)
  })

  it("allows a fifth of the recent calls", () => {
    assert.strictEqual(allowed(calls(100, 0), 0, 100), 20)
  })

  it("forgets calls and retries that are more than a minute old", () => {
    assert.strictEqual(allowed(calls(100, 0), 59_999, 100), 20)
    assert.strictEqual(allowed(calls(100, 0), 60_000, 100), 3)
  })

  it.prop(
    "never lets the retries of a minute exceed the share of its calls, or the floor",
    [Schema.Array(Schema.Struct({ pause: Schema.Literals([0, 10, 3_000, 20_000]), retry: Schema.Boolean }))],
    ([steps]) => {
      let state = RetryBudget.initial
      let now = 0
      const called: Array<number> = []
      const retried: Array<number> = []
      for (const { pause, retry } of steps) {
        now += pause
        if (!retry) {
          state = RetryBudget.countCall(state, now)
          called.push(now)
          continue
        }
        const spent = RetryBudget.spendRetry(policy, state, now)
        if (spent === undefined) continue
        state = spent
        retried.push(now)
        // The oldest bucket may hold what is up to six seconds older than a minute.
        const recent = (times: ReadonlyArray<number>) => times.filter((at) => now - at < 66_000).length
        assert.isAtMost(retried.filter((at) => now - at < 54_000).length, Math.max(3, 0.2 * recent(called)))
      }
    }
  )
})
