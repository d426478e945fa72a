import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { runsOf } from "../../../src/simulation/report/Lane.ts"

const Changes = Schema.Array(
  Schema.Struct({
    after: Schema.Literals([0, 1, 10, 250, 5000]),
    state: Schema.Literals(["Closed", "Open", "HalfOpen"])
  })
)

describe("the lane of a circuit", () => {
  it("shows each state where it was", () => {
    const circuit = [
      { atMillis: 0, state: "Closed" },
      { atMillis: 250, state: "Open" },
      { atMillis: 500, state: "HalfOpen" },
      { atMillis: 750, state: "Closed" }
    ] as const
    assert.deepStrictEqual(runsOf(circuit, 1000, 8), [
      { state: "Closed", from: 0, to: 2 },
      { state: "Open", from: 2, to: 4 },
      { state: "HalfOpen", from: 4, to: 6 },
      { state: "Closed", from: 6, to: 8 }
    ])
  })

  it("lets no state be too short to be seen, and the first hold from the beginning", () => {
    const circuit = [{ atMillis: 90, state: "Closed" }, { atMillis: 512, state: "Open" }, {
      atMillis: 513,
      state: "Closed"
    }] as const
    assert.deepStrictEqual(runsOf(circuit, 1000, 10), [
      { state: "Closed", from: 0, to: 5 },
      { state: "Open", from: 5, to: 6 },
      { state: "Closed", from: 6, to: 10 }
    ])
    assert.deepStrictEqual(runsOf([], 1000, 10), [])
    assert.deepStrictEqual(runsOf(circuit, 0, 10), [])
  })

  it.prop("covers the whole time once, and says no state twice in a row", [Changes], ([changes]) => {
    let atMillis = 0
    const circuit = changes.map(({ after, state }) => ({ atMillis: atMillis += after, state }))
    const runs = runsOf(circuit, 10_000, 40)
    assert.strictEqual(runs.reduce((sum, { from, to }) => sum + to - from, 0), circuit.length === 0 ? 0 : 40)
    for (const [index, run] of runs.entries()) {
      assert.strictEqual(run.from, runs[index - 1]?.to ?? 0)
      assert.notStrictEqual(run.state, runs[index - 1]?.state)
    }
    // Whatever lasted is to be seen.
    const seen = new Set(runs.map(({ state }) => state))
    for (const [index, { atMillis, state }] of circuit.entries()) {
      const until = Math.min(10_000, circuit[index + 1]?.atMillis ?? 10_000)
      if (state === "Open" && until > (index === 0 ? 0 : atMillis)) assert.isTrue(seen.has("Open"))
    }
  })
})
