import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { readDuration, showDuration } from "../../../src/simulation/policy/durations.ts"

const problemOf = (text: string): string =>
  Result.match(readDuration(text), { onFailure: (problem) => problem, onSuccess: () => "" })

describe("a duration", () => {
  it("is read as people write it", () => {
    for (
      const [text, millis] of [
        ["30 seconds", 30_000],
        ["30s", 30_000],
        ["1500ms", 1_500],
        ["1.5s", 1_500],
        ["1.1 seconds", 1_100],
        [" 2m ", 120_000],
        ["2 minutes", 120_000],
        ["1 Hour", 3_600_000],
        ["6h", 21_600_000],
        ["30 days", 2_592_000_000],
        ["1500 millis", 1_500]
      ] as const
    ) assert.deepStrictEqual(readDuration(text), Result.succeed(millis), text)
  })

  it("needs a unit, and says which ones there are", () => {
    assert.strictEqual(problemOf("30"), "\"30\" has no unit: write 30s, 30ms or \"30 minutes\"")
    assert.match(problemOf("30 fortnights"), /"fortnights" is no unit of time: write ms, s, m, h or d, such as 30s/)
    for (const text of ["", "soon", "-1s", "1s 5ms", "1e3s", "Infinity", "∞s"]) {
      assert.match(problemOf(text), /is no duration: write one such as 30s/, text)
    }
  })

  it.prop(
    "is shown so that it reads as what it is",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_000_000_000 })), Schema.Literals([1, 1_000, 60_000])],
    ([count, unit]) => {
      assert.deepStrictEqual(readDuration(showDuration(count * unit)), Result.succeed(count * unit))
    }
  )

  it("is shown in the shortest whole form", () => {
    assert.deepStrictEqual([90_000, 120_000, 1_500, 86_400_000, 0, 0.5].map(showDuration), [
      "90s",
      "2m",
      "1500ms",
      "1d",
      "0ms",
      "0.5ms"
    ])
  })
})
