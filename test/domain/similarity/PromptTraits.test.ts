import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { decodeTraits, encodeTraits, promptTraits } from "../../../src/domain/similarity/PromptTraits.ts"

const CodeUnits = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })))

describe("the traits of a prompt", () => {
  it.prop("come back from the store as they were, for any code units", [CodeUnits], ([codes]) => {
    const traits = promptTraits(String.fromCharCode(...codes))
    assert.deepStrictEqual(decodeTraits(encodeTraits(traits)), traits)
  }, { arbitrary: { runs: 500 } })

  it("come back whole from a prompt with everything in it", () => {
    const traits = promptTraits(
      "Write a 300-word press release on why 7 bees never sleep in Oslo. Mention our beehive twice."
    )
    assert.isAbove(traits.kind, 0)
    assert.strictEqual(traits.length, 300)
    assert.strictEqual(traits.negations, 1)
    assert.lengthOf(traits.questions, 1)
    assert.isTrue(traits.terms.some((term) => term.name))
    assert.isTrue(traits.terms.some((term) => term.number))
    assert.isAbove(traits.instructions.length, 0)
    assert.deepStrictEqual(decodeTraits(encodeTraits(traits)), traits)
  })

  it("hold no word of it", () => {
    assert.notMatch(
      encodeTraits(promptTraits("Write about hydrangeas for Margaret in Auchtermuchty")),
      /hydran|margar|auchter/iu
    )
  })

  it("stay below two kilobytes, and notice a difference anywhere in a long prompt", () => {
    const words = Array.from({ length: 30_000 }, (_, index) => `w${index}x`)
    const long = encodeTraits(promptTraits(words.join(" ")))
    assert.isBelow(long.length, 2000)
    assert.notStrictEqual(encodeTraits(promptTraits(words.toSpliced(15_000, 1, "other").join(" "))), long)
  })

  it.each([
    "",
    "1",
    "2 AAAA",
    "0 AAAAAAAAAAAA   ",
    "1 AAAAAAAAAAAA  AAAAA ",
    "1 AAAA?AAAAAAA   ",
    "1 AAAAAAAAAAAA  ÄAAAAA "
  ])(
    "are nothing where the text is of another version, or broken: %s",
    (text) => {
      assert.isUndefined(decodeTraits(text))
    }
  )

  it("are taken from any prompt in linear time", () => {
    const seconds = (unit: string, length: number) => {
      const prompt = unit.repeat(length / unit.length)
      const started = performance.now()
      promptTraits(prompt)
      return performance.now() - started
    }
    for (
      const unit of [
        "a ",
        "write ",
        "a post about ",
        "for our a ",
        "1 000 ",
        "1",
        "-",
        "a-",
        "' ",
        "⁵",
        "tone: ",
        "写",
        "½",
        "no more than a ",
        "in a warm tone ",
        "best. "
      ]
    ) {
      seconds(unit, 10_000)
      // Generous: a machine under load; quadratic time would take minutes.
      assert.isBelow(seconds(unit, 200_000), 8000, unit)
    }
  }, 120_000)
})
