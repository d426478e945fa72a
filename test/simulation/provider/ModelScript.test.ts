import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { isWithin, scriptOf } from "../../../src/simulation/provider/ModelScript.ts"
import {
  type CallOutcome,
  faultKinds,
  type FaultShares,
  type ProviderModel
} from "../../../src/simulation/provider/ProviderModel.ts"
import { drawsOf } from "../../../src/simulation/random/Draws.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const healthy: ProviderModel = { latency: { medianMillis: 4_000, sigma: 0.45 }, faults: {}, windows: [] }

/** A tenth at most each: together less than all. */
const Faults = Schema.Struct({
  timeout: int(0, 10),
  rate_limited: int(0, 10),
  unavailable: int(0, 10),
  malformed: int(0, 10),
  unauthorized: int(0, 10),
  rejected: int(0, 10)
})

const sharesOf = (percents: Readonly<Record<string, number>>): FaultShares =>
  Object.fromEntries(Object.entries(percents).map(([kind, percent]) => [kind, percent / 100]))

/** A call each second. */
const play = (model: ProviderModel, calls: number, seed = "1") =>
  Effect.map(drawsOf(seed, "provider"), (draw): ReadonlyArray<CallOutcome> => {
    const script = scriptOf(model, draw)
    return Array.from({ length: calls }, (_, n) => script.next(n * 1_000))
  })

const assertShares = (calls: ReadonlyArray<CallOutcome>, faults: FaultShares) => {
  for (const kind of faultKinds) {
    const share = faults[kind] ?? 0
    const count = calls.filter(({ outcome }) => outcome === kind).length
    const sigma = Math.sqrt(calls.length * share * (1 - share))
    assert.closeTo(count, calls.length * share, 5 * sigma, kind)
  }
}

const isTimed = ({ outcome }: CallOutcome) => outcome === "answer" || outcome === "malformed"

describe("ModelScript", () => {
  it.effect("has the faults of the model, within a window those of the window, and its usual ones after it", () =>
    Effect.gen(function*() {
      const usual = { timeout: 0.015, rate_limited: 0.02, unavailable: 0.1, malformed: 0.005, rejected: 0.01 }
      const outage = { unavailable: 0.7, timeout: 0.1, unauthorized: 0.05 }
      const window = { what: "outage", fromMillis: 10_000_000, toMillis: 20_000_000, faults: outage }
      const calls = yield* play({ ...healthy, faults: usual, windows: [window] }, 30_000)
      assertShares(calls.slice(0, 10_000), usual)
      assertShares(calls.slice(10_000, 20_000), outage)
      assertShares(calls.slice(20_000), usual)
    }))

  it.effect("takes as long as the model says: the median, and its tail", () =>
    Effect.gen(function*() {
      const tail = { share: 0.05, factor: 1_000 }
      const calls = yield* play({ ...healthy, latency: { ...healthy.latency, tail } }, 20_000)
      // Nobody of the others is that slow: half an hour is six hundred medians.
      const slow = calls.filter(({ afterMillis }) => afterMillis > 400_000)
      assert.closeTo(slow.length, 1_000, 5 * Math.sqrt(20_000 * 0.05 * 0.95))
      const quick = calls.filter(({ afterMillis }) => afterMillis <= 400_000)
      const below = quick.filter(({ afterMillis }) => afterMillis < 4_000).length
      assert.closeTo(below, quick.length / 2, 5 * Math.sqrt(quick.length) / 2)
      const slowBelow = slow.filter(({ afterMillis }) => afterMillis < 4_000_000).length
      assert.closeTo(slowBelow, slow.length / 2, 5 * Math.sqrt(slow.length) / 2)
      const even = yield* play({ ...healthy, latency: { medianMillis: 70, sigma: 0 } }, 10)
      assert.isTrue(even.every(({ afterMillis }) => afterMillis === 70))
    }))

  it.effect("tells failures at once, lets timeouts hang, and takes as long for garbage as for an answer", () =>
    Effect.gen(function*() {
      const only = (kind: string, failureMillis?: number) =>
        play({ ...healthy, failureMillis, latency: { medianMillis: 70, sigma: 0 }, faults: { [kind]: 1 } }, 2)
      assert.deepStrictEqual((yield* only("timeout"))[0], { afterMillis: Infinity, outcome: "timeout" })
      assert.deepStrictEqual((yield* only("malformed"))[0], { afterMillis: 70, outcome: "malformed" })
      assert.deepStrictEqual((yield* only("unavailable"))[0], { afterMillis: 200, outcome: "unavailable" })
      assert.deepStrictEqual((yield* only("rejected", 30))[0], { afterMillis: 30, outcome: "rejected" })
      assert.deepStrictEqual((yield* only("unauthorized", 30))[0], { afterMillis: 30, outcome: "unauthorized" })
      assert.deepStrictEqual((yield* only("rate_limited"))[0], {
        afterMillis: 200,
        outcome: "rate_limited",
        limitedBy: "fault"
      })
    }))

  it.effect.prop(
    "changes nothing outside of its windows, and within them what they say",
    [Faults, Faults, int(0, 99), int(1, 50), int(1, 20), int(1, 1_000)],
    ([usual, worse, from, length, latencyFactor, seed]) =>
      Effect.gen(function*() {
        const model = { ...healthy, faults: sharesOf(usual) }
        const window = { fromMillis: from * 1_000, toMillis: (from + length) * 1_000 }
        const slow = { ...model, windows: [{ what: "slow", ...window, latencyFactor }] }
        const bad = { ...model, windows: [{ what: "bad", ...window, faults: sharesOf(worse) }] }
        const all = { ...model, faults: sharesOf(worse) }
        const plain = yield* play(model, 150, `${seed}`)
        const slowed = yield* play(slow, 150, `${seed}`)
        const worsened = yield* play(bad, 150, `${seed}`)
        const worst = yield* play(all, 150, `${seed}`)
        for (const [n, call] of plain.entries()) {
          const isIn = isWithin(window, n * 1_000)
          assert.strictEqual(isIn, n >= from && n < from + length)
          const factor = isIn && call.outcome !== "rate_limited" ? latencyFactor : 1
          assert.deepStrictEqual(slowed[n], { ...call, afterMillis: call.afterMillis * factor })
          assert.deepStrictEqual(worsened[n], isIn ? worst[n] : call)
        }
      })
  )

  it.effect.prop(
    "takes the same random numbers for every call: other faults or limits leave the latencies as they were",
    [Faults, Faults, int(1, 100), int(1, 1_000)],
    ([some, others, requestsPerMinute, seed]) =>
      Effect.gen(function*() {
        const one = yield* play({ ...healthy, faults: sharesOf(some) }, 100, `${seed}`)
        const other = yield* play({ ...healthy, faults: sharesOf(others) }, 100, `${seed}`)
        const limited = yield* play(
          { ...healthy, faults: sharesOf(some), limits: { requestsPerMinute } },
          100,
          `${seed}`
        )
        for (const [n, call] of one.entries()) {
          const [a, b] = [other[n] ?? assert.fail(), limited[n] ?? assert.fail()]
          if (isTimed(call) && isTimed(a)) assert.strictEqual(a.afterMillis, call.afterMillis)
          if (b.limitedBy !== "limit") assert.deepStrictEqual(b, call)
        }
      })
  )

  it.effect("multiplies windows at the same time, and takes the faults of the last one", () =>
    Effect.gen(function*() {
      const times = { fromMillis: 0, toMillis: 10_000 }
      const windows = [
        { what: "a", ...times, latencyFactor: 2, faults: { unavailable: 1 } },
        { what: "b", ...times, latencyFactor: 3, faults: { malformed: 1 } },
        { what: "c", ...times }
      ]
      const [call] = yield* play({ ...healthy, latency: { medianMillis: 10, sigma: 0 }, windows }, 1)
      assert.deepStrictEqual(call, { afterMillis: 60, outcome: "malformed" })
    }))

  it.effect("says of each refusal whether it is one of the limit or of a ban, and which one brings the ban about", () =>
    Effect.gen(function*() {
      const limits = { requestsPerMinute: 2, retryAfterMillis: 5_000, ban: { rejections: 2, millis: 60_000 } }
      const calls = yield* play({ ...healthy, limits }, 5)
      const refused = { afterMillis: 200, outcome: "rate_limited" } as const
      assert.deepStrictEqual(calls.slice(2), [
        { ...refused, limitedBy: "limit", retryAfterMillis: 5_000, bans: false },
        { ...refused, limitedBy: "ban", retryAfterMillis: 60_000, bans: true },
        { ...refused, limitedBy: "ban", retryAfterMillis: 59_000, bans: false }
      ])
    }))
})

describe("ModelScript, around a trouble", () => {
  const latency = { medianMillis: 100, sigma: 0 }

  it.effect("all is as usual from the very moment on at which a trouble without a recovery ends", () =>
    Effect.gen(function*() {
      const windows = [{
        what: "brown-out",
        fromMillis: 0,
        toMillis: 1_000,
        latencyFactor: 10,
        faults: { rejected: 1 }
      }]
      const script = scriptOf({ latency, faults: {}, windows }, yield* drawsOf("1", "test"))
      assert.deepStrictEqual([999, 1_000, 1_001].map((at) => script.next(at)), [
        { afterMillis: 2_000, outcome: "rejected" },
        { afterMillis: 100, outcome: "answer" },
        { afterMillis: 100, outcome: "answer" }
      ])
    }))

  it.effect("a trouble fades evenly while it recovers, over one that goes on below it", () =>
    Effect.gen(function*() {
      const windows = [
        { what: "dead", fromMillis: 0, toMillis: 10_000, faults: { unavailable: 1 } },
        { what: "slow", fromMillis: 0, toMillis: 1_000, latencyFactor: 11, recoveryMillis: 1_000 },
        { what: "odd", fromMillis: 0, toMillis: 1_000, faults: { rejected: 1 }, recoveryMillis: 1_000 }
      ]
      const script = scriptOf({ latency, faults: {}, windows, failureMillis: 10 }, yield* drawsOf("1", "test"))
      // Of the trouble on top there is a half left, and of that below all of the rest.
      const kinds = Array.from({ length: 200 }, () => script.next(1_500))
      assert.isTrue(kinds.every(({ afterMillis }) => afterMillis === 60))
      assert.deepStrictEqual(new Set(kinds.map(({ outcome }) => outcome)), new Set(["rejected", "unavailable"]))
      assert.isTrue(
        Array.from({ length: 50 }, () => script.next(2_000)).every(({ outcome }) => outcome === "unavailable")
      )
    }))
})
