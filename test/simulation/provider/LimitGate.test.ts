import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { makeLimitGate } from "../../../src/simulation/provider/LimitGate.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const minute = 60_000

const Limits = Schema.Struct({
  requestsPerMinute: int(1, 6),
  retryAfterMillis: Schema.UndefinedOr(int(1, 10_000)),
  ban: Schema.UndefinedOr(Schema.Struct({ rejections: int(1, 6), millis: int(1, 300_000), renews: Schema.Boolean }))
})
/** Mostly so dense that the limit is met, and now and then a pause. */
const Gaps = Schema.Array(
  Schema.Union([int(0, 5_000), int(0, 5_000), int(0, 30_000), Schema.Literals([0, minute, 400_000])])
)
  .check(Schema.isMaxLength(200))

/** How many of them came within the minute that ends now: one of a minute ago is just out of it. */
const within = (times: ReadonlyArray<number>, now: number): number =>
  times.filter((at) => at > now - minute && at <= now).length

/** A call each second. */
const everySecond = (gate: ReturnType<typeof makeLimitGate>, from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => gate((from + n) * 1_000))

describe("LimitGate", () => {
  it.prop(
    "serves no more within any minute than it allows, says why, and bans whoever has been refused too often",
    [Limits, Gaps],
    ([limits, gaps]) => {
      const gate = makeLimitGate(limits)
      const { ban } = limits
      const served: Array<number> = []
      const refused: Array<number> = []
      let now = 0
      let bannedUntil = -1
      for (const gap of gaps) {
        now += gap
        const isBanned = now < bannedUntil
        const isFree = within(served, now) < limits.requestsPerMinute
        const verdict = gate(now)
        if (verdict === "ok") {
          assert.isTrue(isFree && !isBanned)
          served.push(now)
          continue
        }
        assert.isTrue(isBanned || !isFree, "nobody is refused for nothing")
        const counts = !isBanned || ban?.renews === true
        if (counts) refused.push(now)
        const isTooMany = counts && ban !== undefined && within(refused, now) >= ban.rejections
        if (isTooMany) bannedUntil = now + ban.millis
        assert.deepStrictEqual(verdict, {
          limitedBy: isBanned || isTooMany ? "ban" : "limit",
          retryAfterMillis: isBanned || isTooMany ? bannedUntil - now : limits.retryAfterMillis,
          bans: isTooMany && !isBanned
        })
      }
    }
  )

  it("lets a call come again a minute after the one that took its place", () => {
    const gate = makeLimitGate({ requestsPerMinute: 2 })
    assert.deepStrictEqual([0, 1_000, 59_999, 60_000, 60_999, 61_000].map((at) => gate(at) === "ok"), [
      true,
      true,
      false,
      true,
      false,
      true
    ])
  })

  it("bans at the very rejection that is one too many, and not when they are a minute apart", () => {
    const ban = { rejections: 3, millis: 5 * minute }
    const gate = makeLimitGate({ requestsPerMinute: 1, ban })
    const verdicts = everySecond(gate, 0, 4)
    assert.deepStrictEqual(verdicts.slice(1), [
      { limitedBy: "limit", retryAfterMillis: undefined, bans: false },
      { limitedBy: "limit", retryAfterMillis: undefined, bans: false },
      { limitedBy: "ban", retryAfterMillis: 5 * minute, bans: true }
    ])
    const patient = makeLimitGate({ requestsPerMinute: 1, ban })
    const slow = Array.from({ length: 100 }, (_, n) => patient(n * 25_000))
    assert.isTrue(slow.every((verdict) => verdict === "ok" || verdict.limitedBy === "limit"))
  })

  it("serves again when a ban is over, whoever has asked now and then meanwhile", () => {
    const gate = makeLimitGate({ requestsPerMinute: 1, ban: { rejections: 3, millis: 5 * minute } })
    everySecond(gate, 0, 4)
    // Two in a minute are too few to make it last.
    for (const at of [100_000, 120_000, 200_000]) assert.notStrictEqual(gate(at), "ok")
    assert.notStrictEqual(gate(3_000 + 5 * minute - 1), "ok")
    assert.strictEqual(gate(3_000 + 5 * minute), "ok")
  })

  it("ends a ban in its time, whoever keeps pushing, where it does not renew it", () => {
    const gate = makeLimitGate({ requestsPerMinute: 1, ban: { rejections: 3, millis: 5 * minute } })
    const pushed = everySecond(gate, 0, 1_800)
    // 3 s until the ban, its 300 s, and then all over again.
    assert.strictEqual(pushed.filter((verdict) => verdict === "ok").length, 6)
    assert.strictEqual(pushed.filter((verdict) => verdict !== "ok" && verdict.bans).length, 6)
  })

  it("makes a ban that renews last for whoever keeps pushing, and counts it once", () => {
    const gate = makeLimitGate({ requestsPerMinute: 1, ban: { rejections: 3, millis: 5 * minute, renews: true } })
    const pushed = everySecond(gate, 0, 1_800)
    assert.strictEqual(pushed.filter((verdict) => verdict === "ok").length, 1)
    assert.strictEqual(pushed.filter((verdict) => verdict !== "ok" && verdict.bans).length, 1)
    const over = 1_799_000 + 5 * minute
    assert.deepStrictEqual(gate(over - 1), { limitedBy: "ban", retryAfterMillis: 1, bans: false })
    assert.strictEqual(gate(over), "ok")
  })

  it("goes on counting through thousands of calls", () => {
    const gate = makeLimitGate({ requestsPerMinute: 100 })
    const served = everySecond(gate, 0, 20_000).filter((verdict) => verdict === "ok")
    assert.strictEqual(served.length, 20_000)
    const dense = makeLimitGate({ requestsPerMinute: 2_000 })
    const times = Array.from({ length: 20_000 }, (_, n) => n * 15).filter((at) => dense(at) === "ok")
    // Five minutes, of which each begins anew.
    assert.strictEqual(times.length, 10_000)
  })
})
