import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Counts } from "../../../src/simulation/run/Result.ts"
import { makeTally } from "../../../src/simulation/run/Tally.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const durationMillis = 3 * 3_600_000

const Endings = Schema.Array(Schema.Struct({
  atMillis: Schema.Union([int(0, durationMillis - 1), int(59_990, 60_010)]),
  waitedMillis: Schema.Union([int(0, 100), int(0, 2_000_000), Schema.Literals([10, 1_000, 1_000_000])]),
  outcome: Schema.Literals(["live", "cache", "template", "error", "gave-up"]),
  isWrongSubject: Schema.Boolean
})).check(Schema.isMaxLength(200))

const tallyOf = (endings: typeof Endings.Type, duration = durationMillis) => {
  const tally = makeTally(duration)
  for (const ending of endings) tally.add(ending)
  return tally.result()
}

const countsOf = (endings: typeof Endings.Type): Counts => {
  const of = (...outcomes: ReadonlyArray<string>) => endings.filter(({ outcome }) => outcomes.includes(outcome)).length
  return {
    requests: endings.length,
    live: of("live"),
    cache: of("cache"),
    template: of("template"),
    failed: of("error", "gave-up"),
    gaveUp: of("gave-up"),
    wrongSubject: endings.filter(({ isWrongSubject }) => isWrongSubject).length
  }
}

describe("Tally", () => {
  it.prop("counts every request once, as a whole and in its part of the time", [Endings], ([endings]) => {
    const { timeline, ...result } = tallyOf(endings)
    assert.deepInclude(result, countsOf(endings))
    assert.strictEqual(result.live + result.cache + result.template + result.failed, result.requests)
    assert.strictEqual(timeline.length, 96)
    for (const [index, { fromMillis, ...counts }] of timeline.entries()) {
      const toMillis = timeline[index + 1]?.fromMillis ?? durationMillis
      assert.closeTo(toMillis - fromMillis, durationMillis / 96, 1e-6)
      const within = endings.filter(({ atMillis }) => atMillis >= fromMillis && atMillis < toMillis)
      assert.deepStrictEqual(counts, countsOf(within), `part ${index}`)
    }
  })

  it.prop("counts apart what began after the first minute", [Endings], ([endings]) => {
    const { failed, requests } = countsOf(endings.filter(({ atMillis }) => atMillis >= 60_000))
    assert.deepStrictEqual(tallyOf(endings).afterFirstMinute, { requests, failed })
  })

  it.prop("has the quantiles of the sorted list, by the nearest rank", [Endings], ([endings]) => {
    const sorted = endings.map(({ waitedMillis }) => waitedMillis).toSorted((a, b) => a - b)
    const { waiting } = tallyOf(endings)
    for (const [value, share] of [[waiting.p50, 50], [waiting.p95, 95], [waiting.p99, 99]] as const) {
      if (sorted.length === 0) {
        assert.strictEqual(value, 0)
        continue
      }
      // The smallest one that is not below this share of them.
      const enough = sorted.find((wait) =>
        100 * sorted.filter((other) => other <= wait).length >= share * sorted.length
      )
      assert.strictEqual(value, enough, `p${share}`)
    }
  })

  it.prop("puts every wait into the one bin in which it belongs", [Endings], ([endings]) => {
    const { waitingBins } = tallyOf(endings)
    assert.strictEqual(waitingBins.at(-1)?.upToMillis, Infinity)
    let fromMillis = -1
    for (const { count, upToMillis } of waitingBins) {
      assert.isAbove(upToMillis, fromMillis)
      const within = endings.filter(({ waitedMillis }) => waitedMillis > fromMillis && waitedMillis <= upToMillis)
      assert.strictEqual(count, within.length, `up to ${upToMillis}`)
      fromMillis = upToMillis
    }
  })

  it("is all zeros when nobody came", () => {
    const { afterFirstMinute, timeline, waiting, waitingBins, ...counts } = tallyOf([])
    assert.deepStrictEqual(counts, countsOf([]))
    assert.deepStrictEqual(afterFirstMinute, { requests: 0, failed: 0 })
    assert.deepStrictEqual(waiting, { p50: 0, p95: 0, p99: 0 })
    assert.isTrue(waitingBins.every(({ count }) => count === 0) && timeline.every(({ requests }) => requests === 0))
  })
})
