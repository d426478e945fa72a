import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type MinutePolicy, MinuteWindow, windowMillis } from "../../../src/domain/limits/MinuteWindow.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Starts one attempt after the other, each as soon as it may. */
const makeLane = (policy: MinutePolicy) => {
  const window = new MinuteWindow(policy)
  return {
    window,
    start: (now: number, tokens = 0) => window.charge(window.earliest(now, tokens), tokens)
  }
}

describe("requests per minute", () => {
  it("lets as many go at once, and the next when the first is more than a minute old", () => {
    const { start } = makeLane({ requestsPerMinute: 3 })
    assert.deepStrictEqual([0, 10, 20, 30, 60_005].map((now) => start(now).at), [0, 10, 20, 60_001, 60_011])
  })

  it("gives a place back that was booked for nothing", () => {
    const { start, window } = makeLane({ requestsPerMinute: 1 })
    const charge = start(0)
    window.cancel(charge)
    window.cancel(charge)
    assert.strictEqual(start(1).at, 1)
    assert.strictEqual(window.earliest(2, 0), 60_002)
  })

  it.prop(
    "foresees when a caller behind others could start",
    [between(1, 5), between(0, 12), between(0, 12)],
    ([requestsPerMinute, booked, ahead]) => {
      const { start, window } = makeLane({ requestsPerMinute })
      let now = 0
      for (let n = 0; n < booked; n++) now = start(now + 1).at
      const foreseen = window.earliest(now, 0, ahead)
      for (let n = 0; n < ahead; n++) now = start(now).at
      assert.strictEqual(foreseen, start(now).at)
    }
  )
})

describe("tokens per minute", () => {
  it("waits until enough tokens are free again", () => {
    const { start } = makeLane({ tokensPerMinute: 100 })
    assert.deepStrictEqual([start(0, 60).at, start(10, 40).at, start(20, 50).at], [0, 10, 60_001])
  })

  it("lets an attempt that alone is over the limit go when nothing else is in the window", () => {
    const { start } = makeLane({ tokensPerMinute: 100 })
    assert.deepStrictEqual([start(0, 500).at, start(1, 1).at], [0, 60_001])
  })

  it("gives back what an attempt did not use, and charges what it used more", () => {
    const { start, window } = makeLane({ tokensPerMinute: 100 })
    const charge = start(0, 100)
    window.settle(charge, 30)
    window.settle(charge, 30)
    assert.strictEqual(window.earliest(1, 70), 1)
    assert.strictEqual(window.earliest(1, 71), 60_001)
    window.settle(charge, 90)
    assert.strictEqual(window.earliest(1, 11), 60_001)
    assert.strictEqual(window.earliest(60_001, 100), 60_001)
    window.settle(charge, 0)
    assert.strictEqual(window.earliest(60_001, 100), 60_001)
  })

  it("foresees further minutes when what waits is more than one holds", () => {
    const { start, window } = makeLane({ tokensPerMinute: 100 })
    start(0, 100)
    assert.strictEqual(window.earliest(1, 50, 1, 50), windowMillis)
    assert.strictEqual(window.earliest(1, 50, 2, 100), 2 * windowMillis)
  })
})

describe("sparing some of the minute", () => {
  it("waits until so much is left besides, and of a small limit spares what there can be", () => {
    const { start, window } = makeLane({ requestsPerMinute: 5 })
    for (const now of [0, 10, 20]) start(now)
    assert.strictEqual(window.sparing(30, 0, 1, 0), 30)
    assert.strictEqual(window.sparing(30, 0, 2, 0), 60_001)
    assert.strictEqual(window.sparing(30, 0, 4, 0), 60_021)
    assert.strictEqual(window.sparing(30, 0, 40, 0), 60_021)
    assert.strictEqual(new MinuteWindow({ requestsPerMinute: 1 }).sparing(0, 0, 1, 0), 0)
  })

  it("does so with tokens too, and lets one of any size go when nothing else is in the window", () => {
    const { start, window } = makeLane({ tokensPerMinute: 100 })
    assert.strictEqual(window.sparing(0, 500, 0, 20), 0)
    start(0, 50)
    assert.strictEqual(window.sparing(1, 30, 0, 20), 1)
    assert.strictEqual(window.sparing(1, 31, 0, 20), 60_001)
    assert.strictEqual(window.sparing(1, 90, 0, 20), 60_001)
    assert.strictEqual(new MinuteWindow({}).sparing(0, 500, 20, 20), 0)
  })
})

describe("any sequence of attempts", () => {
  it.prop(
    "never puts more into a window of a minute than the limits allow, refunds included",
    [
      between(1, 6),
      between(50, 200),
      Schema.Array(Schema.Struct({
        pause: Schema.Literals([0, 1, 500, 20_000, 60_000, 60_001]),
        tokens: between(0, 50),
        after: Schema.Literals(["nothing", "settle", "cancel"])
      })).check(Schema.isMaxLength(60))
    ],
    ([requestsPerMinute, tokensPerMinute, steps]) => {
      const { start, window } = makeLane({ requestsPerMinute, tokensPerMinute })
      const starts: Array<{ readonly at: number; readonly tokens: number }> = []
      let now = 0
      for (const { after, pause, tokens } of steps) {
        now += pause
        const charge = start(now, tokens)
        now = charge.at
        if (after === "cancel") window.cancel(charge)
        else if (after === "settle") window.settle(charge, Math.floor(tokens / 2))
        if (after !== "cancel") starts.push({ at: charge.at, tokens: charge.tokens })
      }
      for (const [index, first] of starts.entries()) {
        const within = starts.slice(index).filter(({ at }) => at <= first.at + 60_000)
        assert.isAtMost(within.length, requestsPerMinute)
        assert.isAtMost(within.reduce((sum, { tokens }) => sum + tokens, 0), tokensPerMinute)
      }
    }
  )

  it("keeps counting right over many thousands", () => {
    const { start, window } = makeLane({ requestsPerMinute: 600 })
    let now = 0
    for (let n = 0; n < 20_000; n++) now = start(now).at
    assert.strictEqual(now, 33 * windowMillis)
    assert.strictEqual(window.earliest(now, 0, 400), now + windowMillis)
  })
})
