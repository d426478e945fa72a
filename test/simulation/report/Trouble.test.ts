import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { inWords, labelsOf, troublesOf } from "../../../src/simulation/report/Trouble.ts"
import { hostile, story } from "./results.ts"

const widthOf = (text: string): number => text.length * 7

describe("the troubles of a report", () => {
  it("come in the order of time, by name, cut to the time that was simulated", () => {
    assert.deepStrictEqual(troublesOf(story).map(inWords), [
      "database down, 4:00 to 4:30",
      "brown-out, 11:00 to 13:00",
      "garbage, 13:10 to 13:25",
      "outage, 20:00 to 20:30"
    ])
    const [first, second, third, ...more] = troublesOf(hostile().scenario)
    assert.deepStrictEqual([first?.times.length, second?.times.length, third?.times.length, more.length], [4, 3, 3, 0])
    assert.deepStrictEqual(first?.times.at(-1), { fromMillis: 545_000, toMillis: 600_000 })
    assert.deepStrictEqual(troublesOf({ ...story, durationMillis: 60_000 }), [])
  })

  it("are not all listed when there are many", () => {
    const times = Array.from(
      { length: 8 },
      (_, index) => ({ fromMillis: index * 3_600_000, toMillis: index * 3_600_000 + 60_000 })
    )
    assert.match(
      inWords({ what: "down", of: "provider", times }),
      /^down, 0:00 to 0:01, .* 5:00 to 5:01 and 2 times more$/
    )
  })

  it("have their names, pushed aside where they must be, and numbers where that is not enough", () => {
    const named = (...xs: ReadonlyArray<number>) =>
      labelsOf(
        ["brown-out", "garbage", "outage"].map((name, index) => ({ name, number: index + 1, x: xs[index] ?? 0 })),
        0,
        300,
        widthOf
      ).map(({ text }) => text)
    assert.deepStrictEqual(named(100, 160, 220), ["brown-out", "garbage", "outage"])
    assert.deepStrictEqual(named(100, 115, 200), ["brown-out", "garbage", "outage"])
    assert.deepStrictEqual(named(100, 112, 124), ["brown-out", "2", "3"])
  })

  it("name what comes often once, if there is no room for more", () => {
    const places = Array.from({ length: 40 }, (_, index) => ({ name: "down", number: 1, x: index * 5 }))
    const labels = labelsOf(places, 0, 200, widthOf)
    assert.isAtLeast(labels.length, 2)
    assert.isTrue(labels.every(({ text }) => text === "down"))
  })

  it.prop(
    "never lie on one another, touch their places, and never leave the picture",
    [Schema.Array(Schema.Struct({ name: Schema.Literals(["a", "outage", "a long name of one"]), x: Schema.Finite }))],
    ([given]) => {
      const places = given.map(({ name, x }) => ({ name, number: name.length, x: 50 + Math.abs(x) % 290 }))
      const labels = labelsOf(places, 50, 340, widthOf)
      for (const [index, { text, x }] of labels.entries()) {
        const half = widthOf(text) / 2
        assert.isTrue(
          places.some(({ name, number, x: place }) =>
            [name, String(number)].includes(text) && Math.abs(place - x) <= half + 1e-6
          )
        )
        assert.isAtLeast(x - half, 50 - 1e-6)
        assert.isAtMost(x + half, 340 + 1e-6)
        const before = labels[index - 1]
        if (before !== undefined) assert.isAbove(x - half, before.x + widthOf(before.text) / 2)
      }
    }
  )
})
