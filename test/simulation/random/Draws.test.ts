import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type Draw, drawsOf, exponential, logNormal } from "../../../src/simulation/random/Draws.ts"

const count = 20_000

/** As people name seeds and purposes. */
const Word = Schema.String.check(Schema.isPattern(/^[ -~]*$/))

const take = (draw: Draw, times = 8): ReadonlyArray<number> => Array.from({ length: times }, () => draw())

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

const deviation = (values: ReadonlyArray<number>): number => {
  const middle = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)))
}

describe("Draws", () => {
  it.effect.prop(
    "are the same for the same seed and purpose, and others for another seed or purpose",
    [Word, Word, Word],
    ([seed, purpose, other]) =>
      Effect.gen(function*() {
        const first = take(yield* drawsOf(seed, purpose))
        assert.isTrue(first.every((number) => number >= 0 && number < 1))
        assert.deepStrictEqual(take(yield* drawsOf(seed, purpose)), first)
        if (other === purpose) return
        assert.notDeepEqual(take(yield* drawsOf(seed, other)), first)
        assert.notDeepEqual(take(yield* drawsOf(`${seed}${other}x`, purpose)), first)
      })
  )

  it.effect("do not disturb one another, in whatever order they are taken", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* drawsOf("1", "a"), yield* drawsOf("1", "b")]
      const mixed = Array.from({ length: 8 }, () => [a(), b()])
      assert.deepStrictEqual(mixed.map(([number]) => number), [...take(yield* drawsOf("1", "a"))])
      assert.deepStrictEqual(mixed.map(([, number]) => number), [...take(yield* drawsOf("1", "b"))])
    }))

  it.effect("have the mean and the deviation of the exponential distribution", () =>
    Effect.gen(function*() {
      const draw = yield* drawsOf("1", "exponential")
      const values = Array.from({ length: count }, () => exponential(draw, 250))
      assert.isTrue(values.every((value) => value >= 0 && Number.isFinite(value)))
      assert.closeTo(mean(values), 250, 5 * 250 / Math.sqrt(count))
      // Its fourth moment is 9: the deviation's standard error is about sqrt(2 / n).
      assert.closeTo(deviation(values), 250, 5 * 250 * Math.sqrt(2 / count))
    }))

  it.effect("have the median and the width of the log-normal distribution", () =>
    Effect.gen(function*() {
      const draw = yield* drawsOf("1", "logNormal")
      const values = Array.from({ length: count }, () => logNormal(draw, 4_000, 0.45))
      assert.isTrue(values.every((value) => value > 0 && Number.isFinite(value)))
      const below = values.filter((value) => value < 4_000).length
      assert.closeTo(below, count / 2, 5 * Math.sqrt(count) / 2)
      const logs = values.map((value) => Math.log(value / 4_000))
      assert.closeTo(mean(logs), 0, 5 * 0.45 / Math.sqrt(count))
      assert.closeTo(deviation(logs), 0.45, 5 * 0.45 / Math.sqrt(2 * count))
      assert.strictEqual(logNormal(draw, 4_000, 0), 4_000)
    }))

  it("stay finite at both ends of what can be drawn", () => {
    const almostOne = 1 - 2 ** -53
    for (const number of [0, almostOne]) {
      assert.isTrue(Number.isFinite(exponential(() => number, 1)), `${number}`)
      assert.isTrue(Number.isFinite(logNormal(() => number, 1, 1)), `${number}`)
    }
  })
})
