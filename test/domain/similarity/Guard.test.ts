import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { scorePairs, type Served, servedAt } from "../../../scripts/calibrate.ts"
import { objectionTo } from "../../../src/domain/similarity/Guard.ts"
import { decodeTraits, encodeTraits, promptTraits } from "../../../src/domain/similarity/PromptTraits.ts"
import { defaultMinSimilarity } from "../../../src/domain/similarity/TextVector.ts"

/** As in use: the one fresh, the other from the store. */
const objection = (asked: string, kept: string) => {
  const stored = decodeTraits(encodeTraits(promptTraits(kept)))
  assert.isDefined(stored)
  return objectionTo(promptTraits(asked), stored ?? promptTraits(kept))?.kind
}

const CodeUnits = Schema.Array(Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })),
  Schema.Int.check(Schema.isBetween({ minimum: 0x20, maximum: 0x7e }))
]))

const Words = Schema.Array(
  Schema.Literals([
    "write",
    "about",
    "a",
    "post",
    "not",
    "benefits",
    "risks",
    "Oslo",
    "7",
    "seven",
    "from",
    "to",
    "our",
    "readers",
    "tone",
    "in",
    "warm",
    ":",
    ".",
    ",",
    "bees",
    "honey",
    "how",
    "why",
    "press release",
    "please",
    "500 words"
  ])
)

describe("the guard", () => {
  it.each([
    ["number", "5 tips for bakers", "12 tips for bakers"],
    ["number", "tax changes in 2019", "tax changes in 2026"],
    ["number", "a plan for six weeks", "a plan for twelve weeks"],
    ["number", "the first chapter of our handbook", "the third chapter of our handbook"],
    ["number", "a wedding for 500 euros", "a wedding for 5,000 euros"],
    ["number", "Write a post on what 10⁵ is", "Write a post on what 105 is"],
    ["number", "tips for bakers", "5 tips for bakers"],
    ["negation", "why you should feed ducks", "why you should not feed ducks"],
    ["negation", "foods you can freeze", "foods you can't freeze"],
    ["negation", "Kuchen mit Zucker", "Kuchen ohne Zucker"],
    ["negation", "voyager avec des enfants", "voyager sans enfants"],
    ["opposite", "the benefits of cold showers", "the risks of cold showers"],
    ["opposite", "Write about stretching before sport", "Write about stretching after sport"],
    ["opposite", "indoor climbing", "outdoor climbing"],
    ["opposite", "plants that are safe for cats", "plants that are toxic for cats"],
    ["opposite", "Schreibe über die Vorteile von Wärmepumpen", "Schreibe über die Nachteile von Wärmepumpen"],
    ["name", "Write about a weekend in Rome", "Write about a weekend in Vienna"],
    ["replaced", "write about a weekend in rome", "write about a weekend in vienna"],
    ["replaced", "GraphQL caching for accountants", "GraphQL caching for nurses"],
    ["replaced", "Write about cake", "Write about bread"],
    ["roles", "moving from London to Madrid", "moving from Madrid to London"],
    ["roles", "why dogs are smarter than cats", "why cats are smarter than dogs"],
    ["roles", "cats that chase dogs", "dogs that chase cats"],
    ["content type", "Write a press release about our bakery", "Write a blog post about our bakery"],
    ["content type", "Write a tweet about our bakery", "Write a newsletter about our bakery"],
    ["narrower", "trail running", "trail running in Norway"],
    ["narrower", "trail running", "trail running for nurses"],
    ["question", "how whales sleep", "where whales sleep"],
    ["length", "Write 200 words about otters", "Write 1500 words about otters"],
    [
      "instruction",
      "Write about our summer camp. Mention our partner kiel and the hotline.",
      "Write about our summer camp. Mention our partner jena and the hotline."
    ]
  ])("objects to another %s: %s / %s", (kind, left, right) => {
    assert.strictEqual(objection(left, right), kind)
    assert.strictEqual(objection(right, left), kind)
  })

  it.each([
    ["Write a post about 5 000 steps", "a blog post on 5,000 steps, please"],
    ["the third lesson in archery", "the 3rd lesson in archery"],
    ["How do I purchase a used van?", "Write an article about how to buy a used van"],
    ["organising a colour-blind exhibition", "organizing a color-blind exhibition"],
    ["remote team stand-ups", "remote team standups"],
    ["plastic-free kitchens", "plastic free kitchens"],
    ["Write an article on the tax return for students", "Please draft a blog post about student tax returns"],
    ["Write about otters. Keep it under 300 words and don't use jargon.", "otters: blog post, 400 words, lively tone"],
    ["In a warm tone, write a post about otters for our website", "We need a short text that deals with otters"],
    ["Topic: otters\nTone: playful\nLength: 500 words", "You are an experienced editor. Write an article on otters."],
    ["moving from London to Madrid", "how to move to Madrid from London"],
    ["renting vs. buying a car", "buying versus renting a car"]
  ])("has nothing against another wording: %s / %s", (left, right) => {
    assert.isUndefined(objection(left, right))
    assert.isUndefined(objection(right, left))
  })

  it("does not refuse because many words are different: that is for the vectors to tell", () => {
    assert.isUndefined(
      objection(
        "Write a post on saving energy at home",
        "Draft an article about how households can cut their power bill"
      )
    )
  })

  it("says where the difference is, and no word of either prompt", () => {
    const found = objectionTo(promptTraits("the benefits of honey"), promptTraits("the risks of honey"))
    assert.deepStrictEqual(found, { kind: "opposite", detail: "word 1 of the subject has its opposite in the kept" })
  })

  it.prop("has nothing against a prompt itself, whatever it is", [CodeUnits], ([codes]) => {
    const prompt = String.fromCharCode(...codes)
    assert.isUndefined(objection(prompt, prompt))
  }, { arbitrary: { runs: 500 } })

  it.prop("objects in both directions or in none", [Words, Words], ([left, right]) => {
    assert.strictEqual(objection(left.join(" "), right.join(" ")), objection(right.join(" "), left.join(" ")))
  }, { arbitrary: { runs: 500 } })

  const Subject = Schema.Array(
    Schema.Literals(["otters", "violins", "Norway", "1920", "harbours", "moss", "winter", "clinics"])
  )
  it.prop("has nothing against another request for the same subject", [Subject], ([words]) => {
    if (words.length === 0) return
    const subject = words.join(" ")
    const asks = [
      "Write a blog post about ",
      "Could you please draft a short, friendly article on ",
      "We need a text about "
    ]
    for (const ask of asks) assert.isUndefined(objection(ask + subject, `${subject} - blog post, 500 words`))
  })
})

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const developmentPairs = path("../../../../shared/data/prompt-pairs.jsonl")
const share = ({ of, served }: Served) => served / of

describe("what leads to a subject by its place", () => {
  const plain = "Write a blog post about canal boats"

  it.each([
    "Pen a column focused on canal boats.",
    "Bang out 500 words on canal boats",
    "Up next: canal boats",
    "Today's topic is canal boats. Please write the article.",
    "For this week's newsletter, we need a text on canal boats",
    "Shed some light on canal boats for our readers",
    "Give our visitors the lowdown on canal boats",
    "Unpack canal boats for our readers",
    "I need a piece devoted entirely to canal boats",
    "A blog article that walks readers through canal boats",
    "Looking for a writer to cover canal boats",
    "Write an article on canal boats as soon as possible",
    "canal boats, explained for our readers"
  ])("is asking: %s", (prompt) => {
    assert.isUndefined(objection(prompt, plain))
  })

  it.each([
    ["Tell our readers about the history of jazz", "Tell our readers about the future of jazz"],
    ["Blog post buying a house", "Blog post selling a house"],
    ["blog post living on a boat", "blog post working on a boat"],
    ["Let's talk about how to buy a house on the blog", "Let's talk about how to sell a house on the blog"],
    ["Write about why not to tip", "Write about why to tip"],
    ["A post devoted to when to prune roses", "A post devoted to when not to prune roses"],
    ["Help me write an FAQ about tanks", "Help me write an article about tanks"],
    ["Find me a house on the coast: blog post", "Sell me a house on the coast: blog post"],
    ["Write a post that helps parents understand autism", "Write a post that helps teachers understand autism"],
    ["Write about bats for people who love them", "Write about bats for people who fear them"],
    ["Write a story about a lost key", "Write an article about a lost key"],
    ["A ban on smoking: blog post", "A tax on smoking: blog post"]
  ])("is subject where it says something: %s", (asked, kept) => {
    assert.isDefined(objection(asked, kept))
  })
})

describe("the default threshold and the guard", () => {
  it.each([
    "first-pairs.json",
    "second-pairs.json",
    "third-pairs.json",
    "fourth-pairs.json",
    "fifth-pairs.json",
    "sixth-pairs.json",
    "seventh-pairs.json",
    "eighth-pairs.json",
    "ninth-pairs.json",
    "tenth-pairs.json",
    "eleventh-pairs.json",
    "twelfth-pairs.json",
    "held-out-pairs.jsonl"
  ])("give on %s what docs/similarity.md says", async (file) => {
    const pairs = await scorePairs(path(`../../fixtures/${file}`))
    assert.isAtLeast(share(servedAt(pairs, "paraphrase", defaultMinSimilarity)), 0.9)
    assert.strictEqual(servedAt(pairs, "other subject", defaultMinSimilarity).served, 0)
    assert.strictEqual(servedAt(pairs, "near miss", defaultMinSimilarity).served, 0)
  })

  it.skipIf(!existsSync(developmentPairs))("give on the development pairs what docs/similarity.md says", async () => {
    const pairs = await scorePairs(developmentPairs)
    assert.strictEqual(share(servedAt(pairs, "paraphrase", defaultMinSimilarity)), 1)
    assert.strictEqual(servedAt(pairs, "other subject", defaultMinSimilarity).served, 0)
    assert.strictEqual(servedAt(pairs, "near miss", defaultMinSimilarity).served, 0)
  })
})
