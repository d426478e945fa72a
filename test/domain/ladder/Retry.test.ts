import { assert, describe, it } from "@effect/vitest"
import { Duration, Schema } from "effect"
import { AiMalformed, AiRateLimited, AiRejected, AiTimeout } from "../../../src/domain/errors.ts"
import { nextAttemptIn } from "../../../src/domain/ladder/Retry.ts"

const policy = { maxAttempts: 2, baseDelayMillis: 1_000 }
const malformed = new AiMalformed({ provider: "p", detail: "{}" })
const failed = {
  error: malformed,
  attempts: 1,
  random: 0.5,
  remainingMillis: 10_000,
  minAttemptMillis: 250,
  hasNext: false
}

describe("the next attempt", () => {
  it("comes after a part of the base delay, at random", () => {
    assert.strictEqual(nextAttemptIn(policy, failed), 500)
    assert.strictEqual(nextAttemptIn(policy, { ...failed, random: 0 }), 0)
  })

  it("waits as long as the provider asks when that is longer", () => {
    const error = new AiRateLimited({ provider: "p", retryAfter: Duration.seconds(4) })
    assert.strictEqual(nextAttemptIn(policy, { ...failed, error }), 4_000)
  })

  it("is given up at once when the wait does not fit the deadline", () => {
    const error = new AiRateLimited({ provider: "p", retryAfter: Duration.seconds(10) })
    assert.isUndefined(nextAttemptIn(policy, { ...failed, error }))
  })

  it("is not made for a refusal, nor beyond the number of attempts", () => {
    const error = new AiRejected({ provider: "p", status: 400, message: "no" })
    assert.isUndefined(nextAttemptIn(policy, { ...failed, error }))
    assert.isUndefined(nextAttemptIn(policy, { ...failed, attempts: 2 }))
  })

  it("does not keep anybody waiting when another provider can be asked", () => {
    const limited = new AiRateLimited({ provider: "p", retryAfter: Duration.seconds(4) })
    const timeout = new AiTimeout({ provider: "p", after: Duration.seconds(30), shortened: false })
    assert.isUndefined(nextAttemptIn(policy, { ...failed, error: limited, hasNext: true }))
    assert.isUndefined(nextAttemptIn(policy, { ...failed, error: timeout, hasNext: true }))
    assert.strictEqual(nextAttemptIn(policy, { ...failed, hasNext: true }), 500)
  })

  it.prop(
    "always leaves time enough to be worth starting",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
      Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.999 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60_000 }))
    ],
    ([attempts, random, remainingMillis]) => {
      const wait = nextAttemptIn({ maxAttempts: 4, baseDelayMillis: 1_000 }, {
        ...failed,
        attempts,
        random,
        remainingMillis
      })
      if (wait === undefined) return
      assert.isBelow(attempts, 4)
      assert.isAtLeast(wait, 0)
      assert.isAtMost(wait + 250, remainingMillis)
    }
  )
})
