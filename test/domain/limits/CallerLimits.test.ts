import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { CallerLimits, type CallerPolicy } from "../../../src/domain/limits/CallerLimits.ts"
import { policyField, standingField } from "../../../src/domain/limits/RateLimitFields.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const limitsOf = (policy: CallerPolicy): CallerLimits => {
  const limits = CallerLimits.of(policy)
  assert.isDefined(limits)
  return limits
}

describe("what one caller may ask for", () => {
  it("has nothing to count when nothing is limited", () => {
    assert.isUndefined(CallerLimits.of({}))
  })

  it("refuses what is more than a minute's worth, and says when there is room again", () => {
    const limits = limitsOf({ requestsPerMinute: 2 })
    assert.deepStrictEqual([limits.enter(0), limits.enter(10_000)], [undefined, undefined])
    assert.deepStrictEqual(limits.enter(20_000), { limit: "minute", waitMillis: 40_001 })
    // The refused one has taken nothing: the first makes room after its minute, for one.
    assert.isUndefined(limits.enter(60_001))
    assert.deepStrictEqual(limits.enter(60_002), { limit: "minute", waitMillis: 9_999 })
  })

  it("refuses what is more than may run at once, until one of them has left", () => {
    const limits = limitsOf({ concurrency: 2 })
    assert.deepStrictEqual([limits.enter(0), limits.enter(0)], [undefined, undefined])
    assert.deepStrictEqual(limits.enter(1), { limit: "concurrency", waitMillis: 1_000 })
    limits.leave()
    assert.isUndefined(limits.enter(2))
  })

  it("does not charge the minute for a request that ran into the other limit", () => {
    const limits = limitsOf({ requestsPerMinute: 2, concurrency: 1 })
    limits.enter(0)
    for (let n = 0; n < 10; n++) assert.strictEqual(limits.enter(1)?.limit, "concurrency")
    limits.leave()
    assert.isUndefined(limits.enter(2))
  })

  it.prop(
    "is never more than so many in any minute, nor more at once, whatever comes and goes",
    [
      between(1, 6),
      between(1, 4),
      Schema.Array(Schema.Struct({
        pause: Schema.Literals([0, 1, 500, 10_000, 60_000, 60_001]),
        does: Schema.Literals(["enter", "enter", "leave"])
      })).check(Schema.isMaxLength(120))
    ],
    ([requestsPerMinute, concurrency, steps]) => {
      const limits = limitsOf({ requestsPerMinute, concurrency })
      const starts: Array<number> = []
      let running = 0
      let now = 0
      for (const { does, pause } of steps) {
        now += pause
        if (does === "enter") {
          const within = starts.filter((at) => at + 60_000 >= now).length
          const refusal = limits.enter(now)
          // Nobody is refused for nothing, and for the right reason.
          assert.strictEqual(
            refusal?.limit,
            within >= requestsPerMinute ? "minute" : running >= concurrency ? "concurrency" : undefined
          )
          if (refusal === undefined) {
            starts.push(now)
            running++
          }
        } else if (running > 0) {
          limits.leave()
          running--
        }
        assert.isAtMost(running, concurrency)
        assert.strictEqual(limits.running, running)
      }
      for (const first of starts) {
        assert.isAtMost(starts.filter((at) => at >= first && at <= first + 60_000).length, requestsPerMinute)
      }
    }
  )

  it.prop(
    "has room at the time that a refusal names, and no millisecond before",
    [between(1, 5), between(1, 50_000)],
    ([
      requestsPerMinute,
      step
    ]) => {
      const limits = limitsOf({ requestsPerMinute })
      let now = 0
      for (let n = 0; n < requestsPerMinute; n++) limits.enter(now += Math.floor(step / requestsPerMinute))
      const wait = limits.enter(now)?.waitMillis ?? 0
      assert.isAbove(wait, 0)
      assert.isDefined(limits.enter(now + wait - 1))
      assert.isUndefined(limits.enter(now + wait))
    }
  )
})

describe("the RateLimit fields", () => {
  it("name each quota, and what is left of it", () => {
    const policy = { requestsPerMinute: 60, concurrency: 4 }
    const limits = limitsOf(policy)
    assert.strictEqual(policyField(policy), "\"minute\";q=60;w=60, \"concurrency\";q=4;qu=\"concurrent-requests\"")
    assert.strictEqual(standingField(limits, 0), "\"minute\";r=60;t=60, \"concurrency\";r=4")
    limits.enter(0)
    limits.enter(1_000)
    limits.leave()
    assert.strictEqual(standingField(limits, 42_000), "\"minute\";r=58;t=19, \"concurrency\";r=3")
    assert.strictEqual(standingField(limits, 60_500), "\"minute\";r=59;t=1, \"concurrency\";r=3")
  })

  it("leave out what is not limited", () => {
    assert.strictEqual(policyField({ concurrency: 1 }), "\"concurrency\";q=1;qu=\"concurrent-requests\"")
    assert.strictEqual(standingField(limitsOf({ requestsPerMinute: 5 }), 0), "\"minute\";r=5;t=60")
  })
})
