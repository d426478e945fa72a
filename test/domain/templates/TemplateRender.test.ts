import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { parseTemplate } from "../../../src/domain/templates/Template.ts"
import { renderTemplate } from "../../../src/domain/templates/TemplateRender.ts"

const template = (body: string, more = "title: About {{subject}}") =>
  Result.getOrThrow(parseTemplate("page.md", `---\n${more}\n---\n${body}`))

const rendered = (body: string, prompt: string, more?: string) =>
  renderTemplate(template(body, more), prompt).split("\n").slice(2).join("\n").trimEnd()

describe("a rendered template", () => {
  it("begins with a label in its own language, and English where there is none", () => {
    const label = (locale: string) => renderTemplate(template("x", `title: T\nlocale: ${locale}`), "p").split("\n")[0]
    assert.include(label("en"), "> **This is a template to fill in, not a generated draft.**")
    assert.include(label("de-AT"), "> **Das ist eine Vorlage zum Ausfüllen, kein generierter Entwurf.**")
    assert.strictEqual(label("fi"), label("en"))
  })

  it("holds the subject, the title and the prompt", () => {
    assert.strictEqual(
      rendered("# {{ title }}\n\n{{subject}}: {{prompt}}", "Write a blog post about cold brew."),
      "# About cold brew\n\ncold brew: Write a blog post about cold brew."
    )
  })

  it("begins a title with a capital, unless the name is written otherwise", () => {
    assert.strictEqual(rendered("{{title}}", "cold brew", "title: \"{{subject}}\""), "Cold brew")
    assert.strictEqual(rendered("{{title}}", "iPhone repair", "title: \"{{subject}}\""), "iPhone repair")
    assert.strictEqual(rendered("{{title}}", "äpfel", "title: \"{{subject}}\""), "Äpfel")
  })

  it("does not fill in placeholders that the prompt brings along", () => {
    assert.strictEqual(rendered("{{subject}} | {{title}}", "{{title}}"), "{{title}} | About {{title}}")
    assert.strictEqual(rendered("{{prompt}}", "a {{subject}} $$ $1 {{prompt}}"), "a {{subject}} $$ $1 {{prompt}}")
  })

  it("shows HTML, links, images, code and tables in a prompt as text", () => {
    assert.strictEqual(
      rendered("{{subject}}", "<img src=x onerror=alert(1)> &lt; x"),
      "&lt;img src=x onerror=alert(1)&gt; &amp;lt; x"
    )
    assert.strictEqual(
      rendered("{{subject}}", "![a](http://x) `c` | *b* _i_ snake_case"),
      [
        "!\\[a\\](http://x) \\`c\\` \\| \\*b\\* \\_i\\_ snake_case"
      ].join("")
    )
  })

  it.each(["# big", "- item", "+ item", "=====", "1. one", "2) two", "```", "~~~", "***"])(
    "does not let a prompt that says %s open a block",
    (prompt) => {
      assert.match(rendered("{{prompt}}", prompt), /^(?:\\|\d\\)/)
    }
  )

  it("keeps the lines of a prompt within a block quote, and puts it on one line elsewhere", () => {
    assert.strictEqual(rendered("> {{prompt}}\n\nend", "one\n\n# two"), "> one\n> \n> \\# two\n\nend")
    assert.strictEqual(rendered("- {{prompt}}", "one\n\n# two"), "- one # two")
  })

  it("removes control characters, and what turns the direction of writing", () => {
    assert.strictEqual(rendered("{{prompt}}|{{subject}}", "a\u0000b\u001B[31m\u202Ec"), "ab\\[31mc|ab\\[31mc")
  })

  it("repeats a long prompt only in part", () => {
    assert.isBelow(rendered("{{prompt}}", "word ".repeat(10_000)).length, 2002)
  })

  it("is complete for a blank prompt too", () => {
    assert.strictEqual(rendered("About {{subject}}.", "  "), "About ….")
  })

  const hostile = Schema.Array(
    Schema.Union([
      Schema.Literals([
        "\n",
        "\n\n",
        "\r",
        "\u2028",
        "\u0000",
        "\u001B",
        "# ",
        "---",
        "===",
        "```",
        "<script>",
        "</b>",
        ">"
      ]),
      Schema.Literals([
        "| ",
        "- ",
        "1. ",
        "{{title}}",
        "{{prompt}}",
        "![a](b)",
        "&lt;",
        "\\",
        "about ",
        "write ",
        "\t",
        "    "
      ]),
      Schema.String
    ])
  )
  const page = template("# {{title}}\n\n{{subject}}\n\n{{prompt}}\n\n> {{prompt}}")
  it.prop("never lets a prompt open a tag, a block or a front matter", [hostile], ([parts]) => {
    const text = renderTemplate(page, parts.join(""))
    const lines = text.split("\n")
    assert.notMatch(text, /[<\u2028]|(?!\n)\p{Cc}/u)
    assert.isTrue(text.isWellFormed())
    assert.isTrue(text.startsWith("> **"))
    const foreign = lines.filter((line) => line !== "" && !line.startsWith(">"))
    assert.isAtMost(foreign.length, 3)
    for (const line of [...foreign.slice(1), ...lines.slice(2).filter((line) => line.startsWith("> "))]) {
      assert.notMatch(line.replace(/^> /, ""), /^(?:#|---|===|```|\s|>|- |\||\d+[.)] )/)
    }
  })
})
