/** The three reports of a simulation, without a browser. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { reportHtml } from "../../../src/simulation/report/reportHtml.ts"
import { reportJson } from "../../../src/simulation/report/reportJson.ts"
import { reportText } from "../../../src/simulation/report/reportText.ts"
import type { SimulationResult, StrategyResult } from "../../../src/simulation/run/Result.ts"
import { dayOfSeven, hostile, nobody, sweepOfTen } from "./results.ts"

/** Nothing at all came of it: not even one part of time or one bin. */
const bare = (): SimulationResult => ({
  ...nobody(),
  rows: nobody().rows.map((row): StrategyResult => ({
    ...row,
    waiting: { p50: NaN, p95: NaN, p99: Infinity },
    waitingBins: [],
    circuit: [],
    timeline: []
  }))
})

const results = [dayOfSeven, sweepOfTen, hostile, nobody, bare, () => ({ ...nobody(), rows: [] })]

const count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))
const millis = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e9 }))
const Row = Schema.Struct({
  requests: count,
  failed: count,
  cache: count,
  wrongSubject: count,
  waiting: Schema.Struct({ p50: millis, p95: millis, p99: millis }),
  bounds: Schema.Array(millis),
  counts: Schema.Array(count),
  state: Schema.Literals(["Closed", "Open", "HalfOpen"])
})

/** Counts that need not agree: pictures must not break on any. */
const rowOf = (given: typeof Row.Type): StrategyResult => {
  const { bounds, counts, state, ...row } = given
  const part = { ...row, live: Math.max(0, row.requests - row.failed), template: 0, gaveUp: 0 }
  return {
    strategy: "any",
    ...part,
    afterFirstMinute: { requests: row.requests, failed: row.failed },
    waitingBins: [...bounds.toSorted((a, b) => a - b), Infinity].map((upToMillis, index) => ({
      upToMillis,
      count: counts[index] ?? 0
    })),
    providerCalls: row.requests,
    rateLimited: 0,
    bans: 0,
    openMillis: 0,
    circuit: bounds.toSorted((a, b) => a - b).map((atMillis) => ({ atMillis, state })),
    timeline: counts.map((requests, index) => ({ ...part, requests, fromMillis: index * 1000 }))
  }
}

describe("the reports of a simulation", () => {
  it.prop("can be made of any counts and times", [Schema.Array(Row), millis], ([rows, durationMillis]) => {
    const { scenario, seed } = dayOfSeven()
    const result = { seed, scenario: { ...scenario, durationMillis }, rows: rows.map(rowOf) }
    for (const report of [reportText, reportJson, reportHtml]) {
      assert.notMatch(report(result), /NaN|undefined|Infinity|(?:width|height)="-/)
    }
  })

  it("are the same for the same result, byte for byte, and never say NaN", () => {
    for (const result of results) {
      for (const report of [reportText, reportJson, reportHtml]) {
        assert.strictEqual(report(result()), report(result()))
        assert.notMatch(report(result()), /NaN|undefined|Infinity/)
      }
    }
  })

  it("fit a terminal of 120 columns, with a row for each strategy", () => {
    for (const result of [dayOfSeven(), sweepOfTen(), nobody()]) {
      const lines = reportText(result).split("\n")
      assert.isAtMost(Math.max(...lines.map(({ length }) => length)), 120)
      assert.strictEqual(lines.length, 3 + 2 + result.rows.length + 3)
    }
    const text = reportText(dayOfSeven())
    assert.match(text, /^story: A day of a provider .*\nseed 7; 100032 requests in 24 h\n\n/)
    assert.match(
      text,
      /^full-ladder +0\.01 +81\.88 +12\.68 +5\.42 +0\.25 +1\.2 s +3\.5 s +19\.9 s +0\.95 +0 +0 +31\.5 min$/m
    )
    assert.match(text, /^bare-call .* 933 +3 +-$/m)
    assert.match(reportText(sweepOfTen()), /strategy full-ladder\n[^]*^setting[^]*^breaker\.failures=10 /m)
  })

  it.effect("are for programs too: all of the result, in snake_case, with the rates that follow", () =>
    Effect.gen(function*() {
      const Rate = Schema.NullOr(Schema.Finite)
      const Report = Schema.fromJsonString(Schema.Struct({
        scenario: Schema.Struct({
          name: Schema.String,
          duration_millis: Schema.Finite,
          policy: Schema.Struct({ breaker: Schema.Struct({ window_millis: Schema.Finite }) }),
          provider: Schema.Struct({ windows: Schema.Array(Schema.Struct({ to_millis: Rate })) })
        }),
        seed: Schema.String,
        rows: Schema.Array(Schema.Struct({
          strategy: Schema.String,
          setting: Schema.NullOr(Schema.String),
          failed: Schema.Int,
          failure_rate: Rate,
          wrong_subject_rate: Rate,
          calls_per_request: Rate,
          after_first_minute: Schema.Struct({ requests: Schema.Int, failed: Schema.Int, failure_rate: Rate }),
          waiting_bins: Schema.Array(Schema.Struct({ up_to_millis: Rate, count: Schema.Int })),
          circuit: Schema.Array(Schema.Struct({
            at_millis: Schema.Finite,
            state: Schema.Literals(["closed", "open", "half_open"])
          })),
          timeline: Schema.Array(Schema.Struct({ from_millis: Schema.Finite, gave_up: Schema.Int, failure_rate: Rate }))
        }))
      }))
      for (const result of [dayOfSeven(), sweepOfTen(), hostile(), nobody()]) {
        const report = yield* Schema.decodeEffect(Report)(reportJson(result))
        assert.strictEqual(report.rows.length, result.rows.length)
        for (const [index, row] of report.rows.entries()) {
          const from = result.rows[index]
          assert.strictEqual(row.setting, from?.setting ?? null)
          assert.strictEqual(row.failure_rate, from?.requests === 0 ? null : row.failed / (from?.requests ?? 1))
          assert.deepStrictEqual([row.waiting_bins.at(-1)?.up_to_millis, row.waiting_bins.length], [
            null,
            from?.waitingBins.length
          ])
          assert.deepStrictEqual([row.circuit.length, row.timeline.length], [
            from?.circuit.length,
            from?.timeline.length
          ])
        }
        assert.notMatch(reportJson(result), /"[a-z_]*[A-Z][A-Za-z_]*":/)
      }
    }))

  it("are one page without script, with nothing from elsewhere, and no name in it is markup", () => {
    for (const result of results) {
      const page = reportHtml(result())
      assert.match(page, /^<!doctype html>/)
      assert.notMatch(page, /<script|<img|<link|<iframe|https?:|@import|\sstyle=|\son[a-z]+=/)
      assert.strictEqual(page.split("</style>").length, 2)
      assert.strictEqual(page.split("role=\"img\"").length - 1, 3 * result().rows.length)
    }
  })

  it("show the trouble of the provider and of the database, and a lane for each circuit", () => {
    const page = reportHtml(dayOfSeven())
    assert.strictEqual(page.split("class=\"trouble provider\" x=\"").length - 1, 3 * 7 + 1)
    assert.strictEqual(page.split("class=\"trouble database\" x=\"").length - 1, 7 + 1)
    assert.strictEqual(page.split(">no circuit<").length - 1, 4)
    assert.strictEqual(page.split(">circuit</text>").length - 1, 3)
  })
})
