import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { normalizePrompt } from "../../../src/domain/similarity/Prompt.ts"
import {
  defaultMinSimilarity,
  dimensions,
  similarity,
  textVector,
  toUnitLength
} from "../../../src/domain/similarity/TextVector.ts"

const CodeUnits = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })))

const lengthOf = (vector: Float32Array) => Math.sqrt(similarity(vector, vector))

const cosine = (left: string, right: string) => similarity(textVector(left), textVector(right))

const serves = (left: string, right: string) => cosine(left, right) >= defaultMinSimilarity

describe("a text vector", () => {
  it.each(["", " \n", "?!…", "🎉", "\ud800", "a", "x".repeat(20_000), "写", "!".repeat(20_000)])(
    "has its dimensions and length 1, whatever the text (%#)",
    (text) => {
      const vector = textVector(text)
      assert.strictEqual(vector.length, dimensions)
      assert.approximately(lengthOf(vector), 1, 1e-5)
    }
  )

  it.prop("has length 1 for any code units, and is the same each time", [CodeUnits], ([codes]) => {
    const text = String.fromCharCode(...codes)
    const vector = textVector(text)
    assert.approximately(lengthOf(vector), 1, 1e-5)
    assert.deepStrictEqual(textVector(text), vector)
  })

  it.prop("depends on the normal form only", [Schema.String], ([text]) => {
    assert.deepStrictEqual(textVector(normalizePrompt(text)), textVector(text))
  })

  it("is the same on every machine", () => {
    const vector = textVector("Write a blog post about hiking in Scotland, 写一篇关于茶的文章")
    const digest = vector.reduce((sum, value, index) => sum + Math.round(value * 1e4) * (index + 1), 0)
    assert.strictEqual(digest, -85769)
  })

  it.each([
    ["Write a blog post about hiking in Scotland", "draft an article on hiking in Scotland, please"],
    ["Write a blog post about hearing aids.", "HEARING AIDS: can you create a post?"],
    ["How to choose a bicycle", "Please write something about choosing bicycles"],
    ["Schreibe einen Blogbeitrag über Hörgeräte", "Bitte verfasse einen Artikel über Hörgeräte"],
    ["写一篇关于咖啡机的博客文章", "请写一篇关于咖啡机的文章"]
  ])("brings %s near to %s", (left, right) => {
    assert.isTrue(serves(left, right), String(cosine(left, right)))
  })

  it.each([
    ["Write a blog post about cats", "Write a blog post about cars"],
    ["Write a blog post about pens", "Write a blog post about themes"],
    ["Write a blog post about articles", "Write a blog post about posts"],
    ["Write a blog post", "Write a blog post about cats"],
    ["Write a post on C", "Write a post on C++"],
    ["写一篇关于咖啡机的博客文章", "写一篇关于自行车的博客文章"],
    ["กรุณาเขียนบทความเกี่ยวกับกาแฟ", "กรุณาเขียนบทความเกี่ยวกับสุนัข"],
    ["?", "!"]
  ])("keeps %s far from %s", (left, right) => {
    assert.isBelow(cosine(left, right), 0.6)
  })

  it("tells subjects apart under one long instruction, before it or after it", () => {
    const house =
      "Use short sentences, quote two experts, close with a checklist, link our shop and mention free delivery."
    assert.isFalse(serves(`Write a post about yoga. ${house}`, `Write a post about mortgages. ${house}`))
    assert.isFalse(serves(`${house} Write a post about yoga.`, `${house} Write a post about mortgages.`))
  })
})

describe("toUnitLength", () => {
  it("refuses what has no direction", () => {
    for (const numbers of [[], [0, -0], [1, Number.NaN], [1, Infinity]]) assert.isUndefined(toUnitLength(numbers))
  })

  it.each([[[1e308, -1e308]], [[5e-324, 5e-324]]])("keeps the direction of extreme numbers (%#)", (numbers) => {
    assert.approximately(lengthOf(toUnitLength(numbers) ?? new Float32Array(2)), 1, 1e-6)
  })
})
