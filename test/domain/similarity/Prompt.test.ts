import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { normalizePrompt } from "../../../src/domain/similarity/Prompt.ts"

/** Any UTF-16 code units, lone surrogates included, with many signs among them. */
const CodeUnits = Schema.Array(Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })),
  Schema.Int.check(Schema.isBetween({ minimum: 0x20, maximum: 0x7e }))
]))

/** Digits, raised, lowered and in circles. */
const Digits = Schema.Array(
  Schema.Literals(["1", "²", "⁵", "⁰", "⁻", "₂", "½", "①", "㉑", "❶", "٣", " ", "^", ".", "x"])
)

const textOf = (codes: ReadonlyArray<number>) => String.fromCharCode(...codes)

describe("normalizePrompt", () => {
  it.each([
    ["case", "WRITE about Tea", "write about tea"],
    ["white space of any kind", "\t write\u00a0 about\r\n\u3000tea ", "write about tea"],
    ["final and leading punctuation", "... «Write about tea!» …", "write about tea"],
    ["Markdown around it", "**Write about tea**", "write about tea"],
    ["full-width forms and ligatures", "Ｗｒｉｔｅ about ﬁsh。", "write about fish"],
    ["how an accent is composed", "cafe\u0301", "caf\u00e9"],
    ["sharp s and its capital", "STRAẞE", "strasse"],
    ["the final sigma", "ΟΔΟΣ", "οδοσ"],
    ["how an exponent is written", "10⁵", "10^5"],
    ["a lowered digit", "H₂O", "h2o"],
    ["invisible characters", "\ufeffwri\u00adte\u200b", "write"]
  ])("does not see %s", (_, prompt, expected) => {
    assert.strictEqual(normalizePrompt(prompt), expected)
  })

  it.each([
    ["C#", "C"],
    ["C++", "C"],
    [".NET basics", "NET basics"],
    ["-5 degrees", "5 degrees"],
    ["100%", "100"],
    ["10⁵", "105"],
    ["10⁻⁵", "10⁵"],
    ["1½ cups", "11⁄2 cups"],
    ["2①", "21"],
    ["the A* search: explain A*", "the A* search: explain A"],
    ["tea, no milk", "tea no milk"],
    ["?", "!"],
    ["kız", "kiz"]
  ])("keeps %s apart from %s", (left, right) => {
    assert.notStrictEqual(normalizePrompt(left), normalizePrompt(right))
  })

  it("keeps a prompt of nothing but punctuation, and an empty one", () => {
    assert.strictEqual(normalizePrompt(" ?! "), "?!")
    assert.strictEqual(normalizePrompt(" \n "), "")
  })

  it("turns a lone surrogate into the replacement character", () => {
    assert.strictEqual(normalizePrompt("a\ud800b"), "a\ufffdb")
  })

  it.prop("is idempotent on any code units, and always valid UTF-16", [CodeUnits], ([codes]) => {
    const once = normalizePrompt(textOf(codes))
    assert.strictEqual(normalizePrompt(once), once)
    assert.isTrue(once.isWellFormed())
  }, { arbitrary: { runs: 1000 } })

  it.prop("is idempotent on digits of all kinds", [Digits], ([digits]) => {
    const once = normalizePrompt(digits.join(""))
    assert.strictEqual(normalizePrompt(once), once)
  }, { arbitrary: { runs: 1000 } })

  it.prop(
    "ignores case, white space around and a final full stop of any words",
    [Schema.Array(Schema.String)],
    ([words]) => {
      const text = words.join(" ").replaceAll(/[^a-z ]/gu, "")
      assert.strictEqual(normalizePrompt(`  ${text.toUpperCase()}\n`), normalizePrompt(text))
      if (text.trim() !== "") assert.strictEqual(normalizePrompt(`${text}.`), normalizePrompt(text))
    }
  )
})
