import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  duration,
  line,
  moment,
  points,
  requestsOf,
  shareOf,
  titlesOf
} from "../../../src/simulation/report/Figures.ts"
import { dayOfSeven, nobody, sweepOfTen } from "./results.ts"

describe("the figures of a report", () => {
  it("says durations as people do", () => {
    const said = [0, 0.4, 7, 120, 999.4, 999.6, 1200, 1000, 59_940, 59_960, 720_000, 3_599_999, 86_400_000].map(
      duration
    )
    assert.deepStrictEqual(said, [
      "0",
      "<1 ms",
      "7 ms",
      "120 ms",
      "999 ms",
      "1 s",
      "1.2 s",
      "1 s",
      "59.9 s",
      "1 min",
      "12 min",
      "1 h",
      "24 h"
    ])
    assert.deepStrictEqual([NaN, Infinity, -3].map(duration), ["-", "-", "0"])
  })

  it.prop("says every duration to within a twentieth", [Schema.Finite], ([number]) => {
    const millis = 1 + Math.abs(number) % 1e9
    const [value = "", unit = ""] = duration(millis).split(" ")
    const unitMillis = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 }[unit] ?? NaN
    // A millisecond and a half is said as 1 or 2.
    assert.isAtMost(Math.abs(Number(value) * unitMillis - millis), Math.max(0.5, millis / 19))
  })

  it("says shares so that little is not nothing, and almost all is not all", () => {
    const said = [0, 1e-9, 0.000_04, 0.0005, 0.15, 0.9999, 0.999_99, 1, undefined, NaN].map(points)
    assert.deepStrictEqual(said, ["0.00", "<0.01", "<0.01", "0.05", "15.00", "99.99", ">99.99", "100.00", "-", "-"])
  })

  it("has no share of nothing", () => {
    assert.deepStrictEqual([shareOf(0, 0), shareOf(1, 4), shareOf(3, Infinity)], [undefined, 0.25, 0])
  })

  it("says moments in hours, minutes and, if need be, seconds", () => {
    assert.deepStrictEqual([0, 1_800_000, 36_000_000, 36_005_000, 86_399_700].map(moment), [
      "0:00",
      "0:30",
      "10:00",
      "10:00:05",
      "24:00"
    ])
  })

  it("lets no foreign text turn a terminal around", () => {
    assert.strictEqual(line("a\u001b[31m\u202eb\n\tc"), "a[31mb c")
  })

  it("names the strategy of a sweep once, and each of several strategies", () => {
    assert.deepStrictEqual(titlesOf(dayOfSeven()).shared, undefined)
    assert.deepStrictEqual(titlesOf(dayOfSeven()).rows[0], "bare-call")
    const { rows, shared } = titlesOf(sweepOfTen())
    assert.deepStrictEqual([shared, rows[0], rows.length], ["full-ladder", "breaker.failures=1", 10])
    const one = { ...sweepOfTen(), rows: sweepOfTen().rows.slice(0, 1) }
    assert.deepStrictEqual(titlesOf(one), { rows: ["full-ladder, breaker.failures=1"] })
  })

  it("counts requests once where all rows have the same, and from to where not", () => {
    const result = dayOfSeven()
    assert.strictEqual(requestsOf(result), "100032")
    assert.strictEqual(requestsOf({ ...result, rows: [...result.rows, ...nobody().rows] }), "0 to 100032")
    assert.strictEqual(requestsOf({ ...result, rows: [] }), "0")
  })
})
