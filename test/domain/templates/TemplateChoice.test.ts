import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Template } from "../../../src/domain/templates/Template.ts"
import { candidate, chooseTemplate, type TemplateWish } from "../../../src/domain/templates/TemplateChoice.ts"

/** "blog_post/de" is a blog post's template in German. */
const templates = (...names: ReadonlyArray<string>): ReadonlyArray<Template> =>
  names.map((name) => {
    const [contentType = "", locale] = name.split("/")
    return { name, contentType, locale, keywords: [], title: [], body: [] }
  })

const chosen = (names: ReadonlyArray<string>, wish: Partial<TemplateWish>) =>
  chooseTemplate(templates(...names).map((one) => candidate(one)), { prompt: "x", ...wish })?.name

describe("choosing a template", () => {
  const all = ["generic/en", "generic/de", "blog_post/en", "blog_post/de", "press_release/en"]

  it("follows the content type of the request before the prompt's words", () => {
    assert.strictEqual(chosen(all, { contentType: "press_release", prompt: "Write a blog post" }), "press_release/en")
  })

  it.each(["Blog-Post", "blog post", "BLOG_POST", "blogpost"])("takes %s for blog_post", (contentType) => {
    assert.strictEqual(chosen(all, { contentType }), "blog_post/en")
  })

  it("guesses the content type from the prompt, and is generic else", () => {
    assert.strictEqual(chosen(all, { prompt: "Please draft a press release on X" }), "press_release/en")
    assert.strictEqual(chosen(all, { prompt: "X" }), "generic/en")
    assert.strictEqual(chosen(all, { contentType: "haiku" }), "generic/en")
    assert.strictEqual(chosen(all, { contentType: " " }), "generic/en")
  })

  it("prefers the same locale, then its language, then none, then English", () => {
    const offered = [
      "generic/fr",
      "generic/en-GB",
      "generic/en",
      "generic",
      "generic/de-CH",
      "generic/de",
      "generic/de-AT"
    ]
    const order: Array<string | undefined> = []
    for (let rest = offered; rest.length > 0;) {
      const best = chosen(rest, { locale: "de_at" })
      order.push(best)
      rest = rest.filter((name) => name !== best)
    }
    assert.deepStrictEqual(order, [
      "generic/de-AT",
      "generic/de",
      "generic/de-CH",
      "generic",
      "generic/en",
      "generic/en-GB",
      "generic/fr"
    ])
  })

  it("is English when the request names no locale, or one that no template has", () => {
    assert.strictEqual(chosen(all, { prompt: "blog post on X" }), "blog_post/en")
    assert.strictEqual(chosen(all, { prompt: "blog post on X", locale: "fi" }), "blog_post/en")
  })

  it("prefers a generic template to the right type in a foreign language, and that to another type", () => {
    assert.strictEqual(chosen(["blog_post/de", "generic/en"], { contentType: "blog_post" }), "generic/en")
    assert.strictEqual(chosen(["blog_post/de", "press_release/en"], { contentType: "blog_post" }), "blog_post/de")
    assert.strictEqual(chosen(["press_release/de"], { contentType: "blog_post", locale: "fr" }), "press_release/de")
  })

  it("finds none only where there is none", () => {
    assert.strictEqual(chosen([], {}), undefined)
  })

  const name = Schema.Literals([...all, "generic", "newsletter", "generic/de-AT"])
  it.prop(
    "does not depend on the order of the templates",
    [Schema.Array(name), Schema.Literals(["de", "de-AT", "en-GB", "fr", ""]), Schema.String],
    ([names, locale, contentType]) => {
      const wish = { locale, contentType }
      assert.strictEqual(chosen(names, wish), chosen(names.toReversed(), wish))
      assert.strictEqual(chosen(names, wish) === undefined, names.length === 0)
    }
  )
})
