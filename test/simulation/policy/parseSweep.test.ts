import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { maxSweep, parseSweep, variationsOf } from "../../../src/simulation/policy/parseSweep.ts"
import { showSetting } from "../../../src/simulation/policy/setValue.ts"
import { aScenario } from "./aScenario.ts"

const sweep = (text: string) => Result.getOrThrow(parseSweep(text))
const valuesOf = (text: string) => sweep(text).map(({ to }) => to)
const problemOf = (text: string): string =>
  Result.match(parseSweep(text), { onFailure: (problem) => problem, onSuccess: () => "" })

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("a sweep", () => {
  it("is a range by one, a range by steps, or a list", () => {
    assert.deepStrictEqual(valuesOf("breaker.failures=1..4"), [1, 2, 3, 4])
    assert.deepStrictEqual(valuesOf("breaker.failures=1..10/3"), [1, 4, 7, 10])
    assert.deepStrictEqual(valuesOf("breaker.failures=1..9/3"), [1, 4, 7])
    assert.deepStrictEqual(valuesOf("fallback.min-similarity=0.1..0.9/0.2"), [0.1, 0.3, 0.5, 0.7, 0.9])
    assert.deepStrictEqual(valuesOf("breaker.cooldown=10s..60s/10s"), [1, 2, 3, 4, 5, 6].map((n) => n * 10_000))
    assert.deepStrictEqual(valuesOf("breaker.cooldown = 500ms .. 1 minute / 30 seconds"), [500, 30_500])
    assert.deepStrictEqual(valuesOf("breaker.failures=1,2, 5"), [1, 2, 5])
    assert.deepStrictEqual(valuesOf("fallback.templates=on,off"), [1, 0])
    assert.deepStrictEqual(valuesOf("breaker.failures=3"), [3])
    assert.deepStrictEqual(valuesOf("breaker.failures=3..3"), [3])
    assert.deepStrictEqual(valuesOf("breaker.failures=3,3,2"), [3, 2])
  })

  it("names each setting as it can be set", () => {
    assert.deepStrictEqual(sweep("breaker.cooldown=30s..90s/30s").map(showSetting), [
      "breaker.cooldown=30s",
      "breaker.cooldown=1m",
      "breaker.cooldown=90s"
    ])
  })

  it("says what to write instead", () => {
    assert.match(problemOf("breaker.cooldown=10s..60s"), /has no step: write 10s\.\.60s\/STEP$/)
    assert.match(problemOf("breaker.cooldown=10s..60s/10"), /"10" has no unit: write 10s/)
    assert.match(problemOf("breaker.cooldown=10..60/10s"), /"10" has no unit/)
    assert.match(problemOf("retry.share=0..1"), /has no step/)
    assert.match(problemOf("retry.share=0..1/0"), /a step of 0 leads nowhere/)
    assert.match(problemOf("breaker.failures=1..5/0.5"), /"0\.5" does not fit: write a whole number/)
    assert.match(problemOf("breaker.failures=5..1"), /5 is more than 1: write the smaller one first/)
    assert.match(problemOf("breaker.failures=0..5"), /0 is out of bounds/)
    assert.match(problemOf("breaker.failures=1..5/2/3"), /is no range: write FROM\.\.TO/)
    assert.match(problemOf("breaker.failures=..5"), /does not fit/)
    assert.match(problemOf("breaker.failures=1,,2"), /does not fit/)
    assert.match(problemOf("fallback.templates=off..on"), /it has no range: write on,off/)
    assert.match(problemOf("breaker.failures=1..51"), /that are 51 values; at most 50/)
    assert.match(problemOf(`breaker.failures=${"1,".repeat(50)}1`), /that are 51 values/)
    assert.match(problemOf("breaker.failur=1..5"), /did you mean breaker\.failures\?/)
  })

  it.prop(
    "goes from the first value to the last one that it reaches, and no further",
    [between(1, 500), between(0, 500), between(1, 20)],
    ([from, length, step]) => {
      const text = `breaker.failures=${from}..${from + length}/${step}`
      const count = Math.floor(length / step) + 1
      if (count > maxSweep) return assert.match(problemOf(text), new RegExp(`that are ${count} values`))
      assert.deepStrictEqual(valuesOf(text), Array.from({ length: count }, (_, index) => from + index * step))
    }
  )

  it.prop(
    "loses no share and no moment to what a step cannot be in binary",
    [between(1, 40), between(1, 24), between(0, 3)],
    ([count, step, digits]) => {
      const unit = 10 ** -(digits + 3)
      const values = valuesOf(`retry.share=0..${(count * step * unit).toFixed(9)}/${(step * unit).toFixed(9)}`)
      assert.deepStrictEqual(values, Array.from({ length: count + 1 }, (_, n) => Number((n * step * unit).toFixed(9))))
    }
  )
})

describe("sweeps together", () => {
  it("are every combination, the last changing first", () => {
    const variations = Result.getOrThrow(
      variationsOf(aScenario, [sweep("breaker.failures=1,5"), sweep("retry.attempts=1..2")])
    )
    assert.deepStrictEqual(variations.map(({ setting }) => setting), [
      "breaker.failures=1 retry.attempts=1",
      "breaker.failures=1 retry.attempts=2",
      "breaker.failures=5 retry.attempts=1",
      "breaker.failures=5 retry.attempts=2"
    ])
    const last = variations.at(-1)?.scenario.policy
    assert.deepStrictEqual([last?.breaker.failures, last?.retry.attempts], [5, 2])
    assert.deepStrictEqual(variationsOf(aScenario, []), Result.succeed([]))
  })

  it("are bounded, and sweep every value once", () => {
    assert.deepStrictEqual(
      variationsOf(aScenario, [sweep("breaker.failures=1..11"), sweep("retry.attempts=1..10")]),
      Result.fail("the sweeps make 110 combinations; at most 100: take fewer values of each")
    )
    assert.deepStrictEqual(
      variationsOf(aScenario, [sweep("breaker.failures=1"), sweep("breaker.failures=2")]),
      Result.fail("breaker.failures is swept twice: write one --sweep with all of its values")
    )
  })
})
