import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { comparison } from "../../examples/simulation.ts"
import { reportText } from "../../src/simulation/index.ts"

describe("examples/simulation.ts", () => {
  it.live("shows what a strategy of one's own does, beside the ladder", () =>
    Effect.gen(function*() {
      const result = yield* comparison
      const [ladder, hedged] = result.rows
      assert.deepStrictEqual(result.rows.map(({ strategy }) => strategy), ["full-ladder", "hedged"])
      assert.strictEqual(ladder?.requests, hedged?.requests)
      assert.isAbove(hedged?.providerCalls ?? 0, ladder?.providerCalls ?? 0)
      assert.include(reportText(result), "hedged")
    }), 60_000)
})
