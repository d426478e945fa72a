import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { reportHtml, reportJson, reportText } from "../../../src/simulation/report/index.ts"
import { type Progress, simulate } from "../../../src/simulation/run/simulate.ts"
import { scenarios } from "../../../src/simulation/scenarios/index.ts"
import { run, scenarioOf, strategiesOf } from "./short.ts"

const both = ["retry", "full-ladder"]

describe("simulate", () => {
  for (const { name } of scenarios) {
    it.effect(`gives the same result and the same reports for the same seed: ${name}`, () =>
      Effect.gen(function*() {
        const { warmSubjects, ...scenario } = scenarioOf(name, "13 minutes")
        const short = { ...scenario, warmSubjects: Math.min(warmSubjects, 100) }
        const one = yield* run(short, both)
        const other = yield* run(short, both)
        assert.isAbove(one.rows[0]?.requests ?? 0, 30)
        assert.deepStrictEqual(other, one)
        assert.strictEqual(reportText(other), reportText(one))
        assert.strictEqual(reportJson(other), reportJson(one))
        assert.strictEqual(reportHtml(other), reportHtml(one))
      }))
  }

  it.effect("gives another result for another seed", () =>
    Effect.gen(function*() {
      const short = scenarioOf("cold-start", "5 minutes")
      const [one] = (yield* run(short, both, "1")).rows
      const [other] = (yield* run(short, both, "2")).rows
      assert.notDeepEqual(other, one)
    }))

  it.effect("gives each strategy the same users, and the same row as when it is alone", () =>
    Effect.gen(function*() {
      const short = { ...scenarioOf("outage", "15 minutes"), warmSubjects: 50 }
      const { rows } = yield* run(short, ["threads", "breaker", "threads"])
      assert.strictEqual(new Set(rows.map(({ requests }) => requests)).size, 1)
      assert.deepStrictEqual(rows[2], rows[0])
      assert.deepStrictEqual((yield* run(short, ["breaker"])).rows[0], rows[1])
    }))

  it.effect("has a row for each strategy with each variation, in their order, and tells how far it is", () =>
    Effect.gen(function*() {
      const short = { ...scenarioOf("outage", "5 minutes"), warmSubjects: 50 }
      const variations = [1, 2, 3].map((failures) => ({
        setting: `breaker.failures=${failures}`,
        scenario: { ...short, policy: { ...short.policy, breaker: { ...short.policy.breaker, failures } } }
      }))
      const told: Array<Progress> = []
      const { rows, scenario, seed } = yield* simulate({
        scenario: short,
        seed: "1",
        strategies: strategiesOf("breaker", "bare"),
        variations,
        onProgress: (progress) => Effect.sync(() => void told.push(progress))
      })
      const expected = ["breaker", "bare"].flatMap((name) => variations.map(({ setting }) => `${name} ${setting}`))
      assert.deepStrictEqual(rows.map(({ setting, strategy }) => `${strategy} ${setting}`), expected)
      assert.deepStrictEqual([scenario, seed], [short, "1"])
      assert.deepStrictEqual([...new Set(told.map(({ what }) => what))], expected)
      assert.isTrue(told.every(({ rows }) => rows === 6))
      const total = told.map(({ part, row }) => row + part)
      assert.isTrue(total.every((at, index) => at > (total[index - 1] ?? 0)))
      for (const [row] of expected.entries()) {
        const last = told.findLast((progress) => progress.row === row)
        assert.isTrue(last !== undefined && last.part > 0.9 && last.part < 1)
      }
    }))

  it.effect("has rows without a setting when nothing is varied", () =>
    Effect.gen(function*() {
      const { rows } = yield* run(scenarioOf("outage", "1 minute"), ["bare"])
      assert.isTrue(rows.every((row) => !("setting" in row)))
    }))
})
