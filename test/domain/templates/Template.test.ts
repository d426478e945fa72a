import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { parseTemplate, templateProblems } from "../../../src/domain/templates/Template.ts"

const parsed = (source: string, file = "folder/page.md") => Result.getOrThrow(parseTemplate(file, source))

const problemOf = (source: string) => {
  const failure = Result.getFailure(parseTemplate("page.md", source))
  return failure._tag === "None" ? "valid" : failure.value.message
}

describe("a template's front matter", () => {
  it("gives the name, content type, locale, keywords and title", () => {
    const template = parsed(
      "---\nname: n\ncontent_type: blog_post\nlocale: de-AT\nkeywords: tax, , Zoll und Steuer\ntitle: T\n---\nbody"
    )
    assert.deepStrictEqual(template, {
      name: "n",
      contentType: "blog_post",
      locale: "de-AT",
      keywords: ["tax", "Zoll und Steuer"],
      title: [{ text: "T" }],
      body: [{ text: "body" }]
    })
  })

  it("needs a title only: the name comes from the file, the type is generic, the locale is open", () => {
    const template = parsed("---\ntitle: T\n---\nbody", "/some/where/landing-page.de.md")
    assert.strictEqual(template.name, "landing-page.de")
    assert.strictEqual(template.contentType, "generic")
    assert.strictEqual(template.locale, undefined)
  })

  it("may hold comments, blank lines, quotes, colons in values, a byte order mark and Windows line ends", () => {
    const template = parsed("\uFEFF---\r\n# a comment\r\n\r\ntitle: \"News: today\"\r\n---\r\nbody\r\n")
    assert.deepStrictEqual(template.title, [{ text: "News: today" }])
  })

  it("leaves a later --- in the body alone", () => {
    const template = parsed("---\ntitle: T\n---\na\n\n---\n\nb")
    assert.strictEqual(template.body.map((part) => "text" in part ? part.text : "?").join(""), "a\n\n---\n\nb")
  })
})

describe("a broken template is refused with its file, the line and the remedy", () => {
  it.each([
    ["no front matter", "# Hello", "page.md:1: front matter is missing: begin the file with ---"],
    ["an empty file", "", "page.md:1: front matter is missing"],
    ["a block that never ends", "---\ntitle: T\nbody", "page.md:1: the front matter does not end: close it"],
    ["no title", "---\nlocale: en\n---\nbody", "page.md:3: the title is missing: add a line"],
    ["an empty title", "---\ntitle:\n---\nbody", "page.md:2: \"title\" is empty: give it a value"],
    ["an unknown key", "---\ntitle: T\nauthor: me\n---\nbody", "page.md:3: unknown key \"author\": use only name,"],
    ["a key of Object.prototype", "---\nconstructor: T\n---\nbody", "page.md:2: unknown key \"constructor\""],
    ["a key twice", "---\ntitle: T\ntitle: U\n---\nbody", "page.md:3: \"title\" stands here twice"],
    ["a line without a colon", "---\ntitle: T\nlocale en\n---\nbody", "page.md:3: this is not \"key: value\""],
    ["an indented list", "---\ntitle: T\n  - a\n---\nbody", "page.md:3: this is not \"key: value\""],
    ["a locale that is none", "---\ntitle: T\nlocale: German!\n---\nbody", "page.md:3: \"German!\" is no locale"],
    [
      "an unknown placeholder",
      "---\ntitle: T\n---\na\n{{topic}}",
      "page.md:5: unknown placeholder {{topic}}: use only"
    ],
    ["a placeholder that is not closed", "---\ntitle: T\n---\n{{subject", "page.md:4: a placeholder is not closed"],
    ["a title within the title", "---\ntitle: a {{title}}\n---\nb", "page.md:2: unknown placeholder {{title}}"],
    ["an empty body", "---\ntitle: T\n---\n \n", "page.md:3: nothing follows the front matter"],
    [
      "another encoding",
      "---\ntitle: T\n---\nGr\uFFFDn",
      "page.md:4: a character cannot be read: save the file as UTF-8"
    ]
  ])("%s", (_, source, problem) => {
    assert.include(problemOf(source), problem)
  })
})

describe("all that is wrong with a template", () => {
  const problems = (source: string) => templateProblems("page.md", source).map(({ line }) => line)

  it("is said at once, line by line", () => {
    assert.deepStrictEqual(problems("---\ntitle: T\n---\n{{a}}\nfine {{subject}}\n{{b}} {{\n"), [4, 6])
  })

  it("is nothing for a template that can be used", () => {
    assert.deepStrictEqual(problems("---\ntitle: T\n---\nbody"), [])
  })

  it("ends with a mistake in the front matter, said once", () => {
    assert.deepStrictEqual(problems("no front matter\n{{a}}"), [1])
    assert.deepStrictEqual(problems("---\ntitle: T\nlocale: !\n---\n{{a}}"), [3])
    assert.deepStrictEqual(problems("---\ntitle: T\n---\n"), [3])
  })

  it.prop("is something exactly when it cannot be parsed", [Schema.String, Schema.String], ([title, body]) => {
    const source = `---\ntitle: ${title}\n---\n${body}`
    assert.strictEqual(problems(source).length === 0, Result.isSuccess(parseTemplate("page.md", source)))
  })
})
