import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Template } from "../../../src/domain/templates/Template.ts"
import { candidate, chooseTemplate } from "../../../src/domain/templates/TemplateChoice.ts"

const template = (name: string, more: Partial<Template> = {}): Template => ({
  name,
  contentType: "blog_post",
  locale: "en",
  keywords: [],
  title: [],
  body: [],
  ...more
})

const chosen = (prompt: string, ...templates: ReadonlyArray<Template>) =>
  chooseTemplate(templates.map((one) => candidate(one)), { prompt, contentType: "blog_post", locale: "en" })?.name

describe("among templates of one type and locale", () => {
  const general = template("blog-post", { title: [{ text: "[What the reader gets out of bread]" }] })
  const recipe = template("recipe", { keywords: ["baking", "bread", "soup"] })
  const travel = template("travel", { keywords: ["city trip", "hotel", "hiking"] })

  it.each([
    ["Write a blog post about sourdough bread for beginners", "recipe"],
    ["Please write a blog post on baking", "recipe"],
    ["Blog post: three hotels in Lisbon", "travel"],
    ["Write a blog post about hiking in Scotland", "travel"],
    ["Write a blog post about a recipe of my grandmother", "recipe"]
  ])("%s takes the one that names its subject", (prompt, name) => {
    assert.strictEqual(chosen(prompt, travel, general, recipe), name)
  })

  it("keywords that do not fit stand back, and a title's hints are no words", () => {
    assert.strictEqual(chosen("Write a blog post about tax law", recipe, travel, general), "blog-post")
    assert.strictEqual(chosen("Write a blog post about bread", template("z", { keywords: ["bread"] }), general), "z")
  })

  it("the one that names more of the subject is nearer", () => {
    const soup = template("a", { keywords: ["soup"] })
    const both = template("b", { keywords: ["soup", "lentils"] })
    assert.strictEqual(chosen("Write a blog post about soup with lentils", soup, both), "b")
    assert.strictEqual(chosen("Write a blog post about soup", soup, both), "a")
  })

  it("words in other languages fit with their endings", () => {
    const rezept = template("rezept", { keywords: ["Rezept", "Suppe"] })
    assert.strictEqual(chosen("Schreibe einen Blogbeitrag über Suppen", template("andere"), rezept), "rezept")
  })

  it("a namespace's own comes before a shared one where the words decide nothing", () => {
    const candidates = [candidate(template("a")), candidate(template("z"), true)]
    assert.strictEqual(chooseTemplate(candidates, { prompt: "x", contentType: "blog_post" })?.name, "z")
  })

  it("words never outweigh the type or the locale", () => {
    const wish = { prompt: "Write a blog post about bread", contentType: "blog_post", locale: "en" }
    const german = candidate(template("bread", { locale: "de", keywords: ["bread"] }))
    const release = candidate(template("bread", { contentType: "press_release", keywords: ["bread"] }))
    assert.strictEqual(chooseTemplate([german, release, candidate(template("plain"))], wish)?.name, "plain")
  })

  it.prop("the choice does not depend on their order", [Schema.String], ([prompt]) => {
    assert.strictEqual(chosen(prompt, general, recipe, travel), chosen(prompt, travel, recipe, general))
  })
})
