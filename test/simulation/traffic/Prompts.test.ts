import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { drawsOf } from "../../../src/simulation/random/Draws.ts"
import { promptsOf, zipf } from "../../../src/simulation/traffic/Prompts.ts"
import { mostSubjects } from "../../../src/simulation/traffic/Subjects.ts"
import type { PromptModel } from "../../../src/simulation/traffic/TrafficModel.ts"
import { subjectPrompt, wordings } from "../../../src/simulation/traffic/Wordings.ts"
import { traffic } from "./traffic.ts"

const weightsOf = ({ exponent, subjects }: PromptModel): ReadonlyArray<number> => {
  const weights = Array.from({ length: subjects }, (_, index) => (index + 1) ** -exponent)
  const sum = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / sum)
}

/** The six more are for small counts, which have long tails. */
const isWithin5Sigma = (count: number, of: number, share: number) =>
  Math.abs(count - of * share) <= 5 * Math.sqrt(of * share * (1 - share)) + 6

const promptsFor = (model: PromptModel, count: number, seed: string) =>
  Effect.map(drawsOf(seed, "prompts"), (draw) => Array.from({ length: count }, promptsOf(model, draw)))

describe("Prompts", () => {
  it.effect.prop(
    "ask for the first subjects as often as Zipf says, and for none beyond the last",
    [Schema.Literals([1, 2, 50, 20_000]), Schema.Literals([0, 0.8, 1, 1.3]), Schema.Literals(["a", "b", "c"])],
    ([subjects, exponent, seed]) =>
      Effect.gen(function*() {
        const of = 10_000
        const next = zipf({ subjects, exponent, paraphrased: 0 })
        const draw = yield* drawsOf(seed, "prompts")
        const counts = new Map<number, number>()
        for (let index = 0; index < of; index++) {
          const subject = next(draw())
          counts.set(subject, (counts.get(subject) ?? 0) + 1)
        }
        assert.isBelow(Math.max(...counts.keys()), subjects)
        for (const [index, share] of weightsOf({ subjects, exponent, paraphrased: 0 }).slice(0, 20).entries()) {
          const count = counts.get(index) ?? 0
          assert(isWithin5Sigma(count, of, share), `subject ${index}: ${count} of ${of * share}`)
        }
      }),
    { arbitrary: { runs: 30 } }
  )

  it.prop(
    "finds the subject at every place as counting up to it does",
    [Schema.Literals([1, 2, 3, 7, 100]), Schema.Literals([0, 0.5, 1, 2]), Schema.Finite],
    ([subjects, exponent, any]) => {
      const place = Math.abs(any) % 1
      let wanted = place
      const slow = weightsOf({ subjects, exponent, paraphrased: 0 }).findIndex((weight) => (wanted -= weight) < 0)
      const find = zipf({ subjects, exponent, paraphrased: 0 })
      // Where two subjects meet, rounding decides.
      const fast = [place - 1e-9, place, place + 1e-9].map((place) => find(Math.max(place, 0)))
      assert.include(fast, slow === -1 ? subjects - 1 : slow)
    }
  )

  it.effect("put the wanted share of requests in another wording, each of them as often", () =>
    Effect.gen(function*() {
      const of = 30_000
      for (const paraphrased of [0, 0.4, 1]) {
        const asked = yield* promptsFor({ subjects: 1, exponent: 1, paraphrased }, of, `share ${paraphrased}`)
        const [first, ...others] = wordings(0)
        const count = (wording: string | undefined) => asked.filter(({ prompt }) => prompt === wording).length
        assert(isWithin5Sigma(count(first), of, 1 - paraphrased))
        for (const other of others) assert(isWithin5Sigma(count(other), of, paraphrased / others.length), other)
      }
    }))

  it.effect("keep their subjects when another share of them is put in other words", () =>
    Effect.gen(function*() {
      const subjects = (paraphrased: number) =>
        Effect.map(
          promptsFor({ ...traffic.prompts, paraphrased }, 1_000, "same"),
          (asked) => asked.map(({ subject }) => subject)
        )
      assert.deepStrictEqual(yield* subjects(0), yield* subjects(0.9))
    }))

  it.effect("say what their subject says", () =>
    Effect.gen(function*() {
      for (const { prompt, subject } of yield* promptsFor(traffic.prompts, 1_000, "own")) {
        assert.include(wordings(subject), prompt)
      }
      for (const { prompt, subject } of yield* promptsFor({ ...traffic.prompts, paraphrased: 0 }, 1_000, "own")) {
        assert.strictEqual(prompt, subjectPrompt(subject))
      }
    }))

  it("cannot be of more subjects than there are, nor of none", () => {
    for (const subjects of [mostSubjects + 1, 0, Number.NaN]) {
      assert.throws(() => zipf({ ...traffic.prompts, subjects }), RangeError)
    }
    assert.throws(() => subjectPrompt(mostSubjects), RangeError)
  })
})
