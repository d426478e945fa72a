/** How much JSON is in a text, before it is parsed. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { boundBroken } from "../../src/domain/JsonBounds.ts"

const levelsOf = (value: unknown): number =>
  typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(levelsOf)) : 0

/** As they are counted: an empty list or object twice. */
const valuesOf = (value: unknown): number => {
  if (typeof value !== "object" || value === null) return 1
  const inner = Object.values(value)
  return inner.length === 0 ? 2 : inner.reduce<number>((sum, one) => sum + valuesOf(one), 1)
}

describe("a JSON text", () => {
  it.prop(
    "is within bounds as deep and as rich as it is, and beyond those that are one less, however it is written",
    [Schema.Json, Schema.Literals([0, 2])],
    ([json, indent]) => {
      // Long enough to be looked at, whatever it is.
      const text = JSON.stringify([json, "[{,\\\"".repeat(20)], null, indent)
      const [levels, values] = [levelsOf([json]), valuesOf([json]) + 1]
      const most = 80
      assert.isUndefined(boundBroken(text, { levels, values: Math.max(values, most) }))
      assert.isUndefined(boundBroken(text, { levels: most, values }))
      assert.strictEqual(boundBroken(text, { levels: levels - 1, values: Infinity }), "levels")
      if (text.length > values) {
        assert.strictEqual(boundBroken(text, { levels: Infinity, values: values - 1 }), "values")
      }
    }
  )

  it.prop("need not be one", [Schema.String, Schema.String], ([one, other]) => {
    for (const text of [`"${one}`, `${one}"${other}\\`, `[${one},${other}]`, "]".repeat(300), "\"\\", ""]) {
      assert.include([undefined, "levels", "values"], boundBroken(text, { levels: 3, values: 5 }))
    }
  })

  it("is looked at no further than it has to be", () => {
    assert.strictEqual(boundBroken("[".repeat(20_000_000), { levels: 200, values: 1_000 }), "levels")
    assert.strictEqual(boundBroken("{},".repeat(7_000_000), { levels: 200, values: 1_000 }), "values")
  })
})
