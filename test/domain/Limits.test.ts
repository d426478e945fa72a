import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Limits from "../../src/domain/Limits.ts"

const unlimited: Limits.LimitPolicy = { staggered: 2, staggerMillis: 50 }

/** Books one attempt after the other, and says when each may start. */
const makeLane = (policy: Limits.LimitPolicy) => {
  let state = Limits.initial
  return {
    reserve: (now: number, tokens = 0) => {
      const [reservation, next] = Limits.reserve(policy, state, now, tokens)
      state = next
      return reservation
    },
    refund: (reservation: Limits.Reservation) => {
      state = Limits.refund(state, reservation)
    },
    coolDown: (until: number) => {
      state = Limits.coolDown(policy, state, until)
    },
    earliest: (now: number, ahead: number, tokens = 0) => Limits.earliest(policy, state, now, tokens, ahead)
  }
}

describe("requests per minute", () => {
  it("lets as many go at once, and the next when the first is more than a minute old", () => {
    const lane = makeLane({ ...unlimited, requestsPerMinute: 3 })
    const starts = [0, 10, 20, 30, 40].map((now) => lane.reserve(now).at)
    assert.deepStrictEqual(starts, [0, 10, 20, 60_001, 60_011])
  })

  it("gives a place back that was booked for nothing", () => {
    const lane = makeLane({ ...unlimited, requestsPerMinute: 1 })
    lane.refund(lane.reserve(0))
    assert.strictEqual(lane.reserve(1).at, 1)
  })

  it.prop(
    "foresees when a caller behind others could start",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 }))
    ],
    ([limit, booked, ahead]) => {
      const lane = makeLane({ ...unlimited, requestsPerMinute: limit })
      for (let n = 0; n < booked; n++) lane.reserve(n)
      const foreseen = lane.earliest(1_000, ahead)
      for (let n = 0; n < ahead; n++) lane.reserve(1_000)
      assert.strictEqual(foreseen, lane.reserve(1_000).at)
    }
  )
})

describe("tokens per minute", () => {
  it("waits until enough tokens are free again", () => {
    const lane = makeLane({ ...unlimited, tokensPerMinute: 100 })
    assert.strictEqual(lane.reserve(0, 60).at, 0)
    assert.strictEqual(lane.reserve(10, 40).at, 10)
    assert.strictEqual(lane.reserve(20, 50).at, 60_001)
  })

  it("lets an attempt that alone is over the limit go when nothing else is in the window", () => {
    const lane = makeLane({ ...unlimited, tokensPerMinute: 100 })
    assert.strictEqual(lane.reserve(0, 500).at, 0)
    assert.strictEqual(lane.reserve(1, 1).at, 60_001)
  })
})

describe("a cooldown", () => {
  it("holds everybody back until it is over, and then lets them go one by one", () => {
    const lane = makeLane(unlimited)
    lane.coolDown(10_000)
    const starts = [0, 1, 2, 3].map((now) => lane.reserve(now).at)
    assert.deepStrictEqual(starts, [10_000, 10_050, 10_050, 10_050])
  })

  it("is never shortened by a later and shorter one", () => {
    const lane = makeLane(unlimited)
    lane.coolDown(10_000)
    lane.coolDown(5_000)
    assert.strictEqual(lane.reserve(0).at, 10_000)
  })

  it("delays nobody who comes long after it", () => {
    const lane = makeLane(unlimited)
    lane.coolDown(1_000)
    lane.reserve(0)
    assert.strictEqual(lane.reserve(90_000).at, 90_000)
  })
})

describe("any sequence of bookings", () => {
  it.prop(
    "never puts more into a window of a minute than the limits allow, and keeps the order",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 })),
      Schema.Int.check(Schema.isBetween({ minimum: 50, maximum: 200 })),
      Schema.Array(Schema.Struct({
        pause: Schema.Literals([0, 1, 500, 20_000, 60_000, 60_001]),
        tokens: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })),
        cooldown: Schema.Literals([0, 0, 0, 5_000])
      })).check(Schema.isMaxLength(60))
    ],
    ([requestsPerMinute, tokensPerMinute, steps]) => {
      const lane = makeLane({ ...unlimited, requestsPerMinute, tokensPerMinute })
      const starts: Array<Limits.Reservation> = []
      let now = 0
      for (const { cooldown, pause, tokens } of steps) {
        now += pause
        if (cooldown > 0) lane.coolDown(now + cooldown)
        starts.push(lane.reserve(now, tokens))
      }
      for (const [index, start] of starts.entries()) {
        const window = starts.slice(index).filter(({ at }) => at <= start.at + 60_000)
        assert.isAtMost(window.length, requestsPerMinute)
        assert.isAtMost(window.reduce((sum, { tokens }) => sum + tokens, 0), tokensPerMinute)
        assert.isAtLeast(start.at, starts[index - 1]?.at ?? 0)
      }
    }
  )
})
