import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { objectionTo } from "../../../src/domain/similarity/Guard.ts"
import { normalizePrompt } from "../../../src/domain/similarity/Prompt.ts"
import { promptTraits } from "../../../src/domain/similarity/PromptTraits.ts"
import { defaultMinSimilarity, similarity, textVector } from "../../../src/domain/similarity/TextVector.ts"
import { type Draw, drawsOf } from "../../../src/simulation/random/Draws.ts"
import { zipf } from "../../../src/simulation/traffic/Prompts.ts"
import { mostSubjects, subjectAt } from "../../../src/simulation/traffic/Subjects.ts"
import { countOfWordings, subjectPrompt, wordingAt, wordings } from "../../../src/simulation/traffic/Wordings.ts"
import { traffic } from "./traffic.ts"

const numbers = Array.from({ length: mostSubjects }, (_, subject) => subject)

/** Without case and punctuation: where these differ, the normal forms do too. Much faster for 400,000 wordings. */
const coarse = (wording: string): string => wording.toLowerCase().replace(/[^a-z0-9]+/gu, " ").trim()

/** Whether the cache would serve an answer to the one for the other. */
const isServed = (one: string, other: string): boolean =>
  normalizePrompt(one) === normalizePrompt(other) || (
    similarity(textVector(one), textVector(other)) >= defaultMinSimilarity &&
    objectionTo(promptTraits(one), promptTraits(other)) === undefined
  )

const anyOf = (subject: number, draw: Draw): string => wordingAt(subject, Math.floor(draw() * countOfWordings(subject)))

describe("Wordings", () => {
  it("are of one subject each, for all subjects", () => {
    assert.isAtLeast(mostSubjects, 20_000)
    const owners = new Map<string, number>()
    const twins: Array<string> = []
    for (const subject of numbers) {
      for (const wording of wordings(subject)) {
        const form = coarse(wording)
        const owner = owners.get(form) ?? subject
        if (owner !== subject) twins.push(`"${wording}" is of ${owner} and of ${subject}`)
        owners.set(form, subject)
      }
    }
    assert.deepStrictEqual(twins, [])
  })

  it("are compared there in a form that is coarser than the normal one", () => {
    for (const subject of numbers.filter((subject) => subject % 50 === 0)) {
      for (const wording of wordings(subject)) {
        assert.match(wording, /^[\x20-\x7e]+$/u)
        assert.strictEqual(coarse(normalizePrompt(wording)), coarse(wording))
      }
    }
  })

  it("are many, all different as they are written, the first one first", () => {
    for (const subject of numbers.filter((subject) => subject % 50 === 0)) {
      const all = wordings(subject)
      assert.strictEqual(all[0], subjectPrompt(subject))
      assert.isAtLeast(all.length, 8)
      assert.strictEqual(new Set(all).size, all.length)
      for (const wording of all) assert.match(wording, /^[^*+]+$/u)
    }
  })

  it("differ in some of them by case or punctuation only", () => {
    for (const subject of numbers.slice(0, 200)) {
      assert.isBelow(new Set(wordings(subject).map(normalizePrompt)).size, wordings(subject).length)
    }
  })

  it("have near misses among the most popular subjects", () => {
    const first = numbers.slice(0, 200).map(subjectAt)
    const has = (thing: string, topic: string) =>
      first.some((other) => other.thing === thing && other.angle.topics[0] === topic)
    const things = [...new Set(first.map(({ thing }) => thing))]
    assert.isAtLeast(things.length, 30)
    for (const topic of ["the benefits of *", "the risks of *", "* for beginners", "* for professionals"]) {
      assert.isAtLeast(things.filter((thing) => has(thing, topic)).length, 10, topic)
    }
    assert.isTrue(has("remote work", "* in Norway") && has("remote work", "* in Portugal"))
  })

  it.effect("are told apart by the cache where their subjects differ, and mostly understood where not", () =>
    Effect.gen(function*() {
      const draw = yield* drawsOf("pairs", "wordings")
      const next = zipf(traffic.prompts)
      let same = 0
      let wrong = 0
      const pairs = 2_000
      for (let index = 0; index < pairs; index++) {
        const subject = next(draw())
        if (isServed(anyOf(subject, draw), anyOf(subject, draw))) same++
        const other = next(draw())
        if (other !== subject && isServed(anyOf(subject, draw), anyOf(other, draw))) wrong++
      }
      // Not all: a simulation in which the cache understands everybody would flatter it.
      assert.isAbove(same / pairs, 0.6)
      assert.isBelow(same / pairs, 0.95)
      assert.isBelow(wrong / pairs, 0.005)
    }))
})
