import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { contentTypeOf, shortened, subjectOf } from "../../../src/domain/similarity/Subject.ts"

describe("the subject of a prompt", () => {
  it.each([
    ["Please write a short, friendly blog post about X for beginners.", "X for beginners"],
    ["product description: X", "X"],
    ["Can you draft me a press release on X?", "X"],
    ["I need an article covering how to start with stand-ups", "how to start with stand-ups"],
    ["draft an article about the benefits of open licences for our website", "the benefits of open licences"],
    ["Write a newsletter for our customers about the new opening hours", "the new opening hours"],
    ["Write a product description for a book about cats.", "a book about cats"],
    ["Please create a product description of 150 words for our oak table. Make it sound warm.", "our oak table"],
    ["Write a 300-word post about cold brew, in a friendly tone", "cold brew"],
    ["Write about 500 words on cold brew", "cold brew"],
    [
      "Write a press release: Acme Inc. acquires Foo Corp. for $5 million",
      "Acme Inc. acquires Foo Corp. for $5 million"
    ],
    ["Write a blog post titled \"Ten reasons to bake\"", "Ten reasons to bake"],
    ["Write a post on a product description for open source", "a product description for open source"],
    ["Explain why you should not feed ducks", "why you should not feed ducks"],
    ["Write 5 tips for sourdough", "5 tips for sourdough"],
    ["Schreibe bitte einen kurzen Blogbeitrag über Sauerteig für Anfänger.", "Sauerteig für Anfänger"],
    ["Kannst du mir eine Pressemitteilung zum Thema Solarstrom schreiben?", "Solarstrom"]
  ])("%s", (prompt, subject) => {
    assert.strictEqual(subjectOf(prompt), subject)
  })

  it.each([
    [
      "You are a helpful assistant.\nWrite a blog post about Dr. Smith of St. Ives. Use simple words.",
      "Dr. Smith of St. Ives"
    ],
    ["Topic: Winter tyres\nTone: friendly\nA blog post please", "Winter tyres"],
    ["Write a blog post about the\nimportance of sleep", "the importance of sleep"]
  ])("is found in a prompt of many lines", (prompt, subject) => {
    assert.strictEqual(subjectOf(prompt), subject)
  })

  it.each([
    ["cold brew coffee", "cold brew coffee"],
    ["The story of my life", "The story of my life"],
    ["Post office opening hours", "Post office opening hours"],
    ["Écris un article sur le pain au levain.", "Écris un article sur le pain au levain"],
    ["写一篇关于咖啡的博客文章", "写一篇关于咖啡的博客文章"],
    ["please", "please"],
    ["???", "???"],
    ["First line\n\nSecond line", "First line"]
  ])("is the first line where no request is recognised: %s", (prompt, subject) => {
    assert.strictEqual(subjectOf(prompt), subject)
  })

  it("is cut between words when it is long, and never within a character", () => {
    assert.match(subjectOf(`write about ${"many words ".repeat(90)}`), /^(?:many words )+many( words)?…$/)
    assert.match(subjectOf("👩‍👩‍👧‍👦".repeat(400)), /^(?:👩‍👩‍👧‍👦)+…$/u)
    assert.strictEqual(shortened("日本語".repeat(4), 5), "日本語日本…")
  })

  it("is found in any prompt, quickly", () => {
    const started = performance.now()
    for (const unit of ["a ", "write ", "please ", "write a very, ", "( 1", "in a b ", "x\n", ", ", "for our a "]) {
      assert.notStrictEqual(subjectOf(unit.repeat(50_000)), "")
    }
    assert.isBelow(performance.now() - started, 1000)
  })

  it.prop(
    "is one line of at most 121 characters, and not empty for a prompt with letters",
    [Schema.String],
    ([text]) => {
      const subject = subjectOf(text)
      assert.isAtMost(subject.length, 121)
      assert.notMatch(subject, /\p{Cc}/u)
      assert.isTrue(subject.isWellFormed())
      if (/[\p{L}\p{N}\p{P}]/u.test(text)) assert.notStrictEqual(subject, "")
    }
  )

  it.prop("does not depend on the wording of the request", [Schema.Literals([1, 2, 3, 4, 5])], ([n]) => {
    const subject = Array.from({ length: n }, (_, index) => `thing${index}`).join(" ")
    for (
      const ask of ["Write a blog post about ", "Could you please draft a short newsletter on ", "press release: "]
    ) {
      assert.strictEqual(subjectOf(ask + subject), subject)
    }
  })
})

describe("the content type of a prompt", () => {
  it.each([
    ["Write a blog post about press releases", "blog_post"],
    ["I need an article on X", "blog_post"],
    ["Schreib einen Artikel über X", "blog_post"],
    ["Product Description for a chair", "product_description"],
    ["Draft a press release on our newsletter", "press_release"],
    ["Write our October newsletter", "newsletter"],
    ["Oak table, 120 cm. We need a product description", "product_description"],
    ["Write a poem about press releases", undefined],
    ["Write an Instagram post about bikes", undefined],
    ["Post office opening hours", undefined],
    ["", undefined]
  ])("%s: %s", (prompt, contentType) => {
    assert.strictEqual(contentTypeOf(prompt), contentType)
  })
})
