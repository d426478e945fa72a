import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { similarity, textVector } from "../../../src/domain/similarity/TextVector.ts"
import { makeVectorTable } from "../../../src/domain/similarity/VectorTable.ts"

const Steps = Schema.Array(Schema.Struct({
  text: Schema.String.check(Schema.isMaxLength(30)),
  /** Whether one of those before is taken out first. */
  removes: Schema.Boolean
})).check(Schema.isMaxLength(40))

describe("a table of vectors", () => {
  it.prop(
    "gives the very cosines that one comparison after the other gives",
    [Steps, Schema.String],
    ([steps, asked]) => {
      const wanted = textVector(asked)
      const table = makeVectorTable(wanted.length)
      const kept = new Map<number, Float32Array>()
      for (const { removes, text } of steps) {
        const [some] = kept.keys()
        if (removes && some !== undefined) {
          table.remove(some)
          kept.delete(some)
        }
        const vector = textVector(text)
        const place = table.add(vector)
        assert.isFalse(kept.has(place), "no place is taken twice")
        kept.set(place, vector)
      }
      const found = table.similarities(wanted)
      for (const [place, vector] of kept) assert.strictEqual(found[place], similarity(vector, wanted))
    }
  )
})
