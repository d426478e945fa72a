/** What of a prompt says something, and how much: the terms that vectors and traits are made of. */
import { markRequest } from "./RequestZones.ts"
import { stem } from "./Stem.ts"
import { Gap, type Token, tokensOf } from "./Tokens.ts"

export type Weight =
  /** Says what the text is about. */
  | "subject"
  /** Says it where a sentence tells how to write. */
  | "instruction"
  /** Says who asks, or why. */
  | "context"
  /** Shades the subject, or frames it. */
  | "weak"
  | "negation"
  | "question"
  /** Asks for the text. */
  | "asking"

export interface Term {
  readonly text: string
  /** The same without hyphens, stemmed part by part. */
  readonly parts: ReadonlyArray<string>
  readonly word: string
  readonly weight: Weight
  readonly number: boolean
  /** The word of grammar right before it: "from", "and"; empty for none. */
  readonly glue: string
  /** No break stands between this term and the one before. */
  readonly joined: boolean
}

export interface Reading {
  readonly terms: ReadonlyArray<Term>
  readonly kind: string | undefined
  readonly length: number | undefined
}

/** A text is read for its vector and for its traits, mostly one right after the other. */
let latest: { readonly normal: string; readonly reading: Reading } | undefined

/** Reads a normalised text. Linear in its length; never throws. */
export const readingOf = (normal: string): Reading => {
  if (latest?.normal === normal) return latest.reading
  const reading = read(normal)
  // A long one is not held for the sake of the next.
  latest = normal.length > longestHeld ? undefined : { normal, reading }
  return reading
}

/** Characters. */
const longestHeld = 10_000

const read = (normal: string): Reading => {
  const tokens = tokensOf(normal)
  const { kind, length } = markRequest(tokens)
  const weights = tokens.map(weightOf)
  raiseNeighbours(tokens, weights)
  dropEmptyClauses(tokens, weights)
  if (!weights.includes("subject")) raiseRequestWords(tokens, weights)
  let glue = ""
  const terms = tokens.map((token, index): Term => {
    const weight = weights[index] ?? "asking"
    if (token.gap > 0) glue = ""
    const before = glue
    glue = token.role === "grammar" || token.role === "polar" ? token.word : weight === "subject" ? "" : glue
    const parts = token.number || !token.word.includes("-") ? [token.stem] : partsOf(token)
    return {
      text: token.stem,
      parts,
      word: token.word,
      number: token.number,
      joined: token.gap === Gap.none,
      weight,
      glue: before
    }
  })
  return { terms, kind, length }
}

/** "e-mail" and "t-shirt" are one word, "ice-skating" is two. */
const partsOf = ({ stem: whole, word }: Token): ReadonlyArray<string> => {
  const parts = word.split("-")
  return parts.some((part) => part.length < 3) ? [whole] : parts.map(stem)
}

const weightOf = ({ mark, number, role }: Token): Weight => {
  if (mark === "asking") return "asking"
  if (mark === "instruction") return role === undefined && !number ? "instruction" : "asking"
  if (mark === "context") return role === undefined || number ? "context" : "asking"
  if (number || role === undefined) return "subject"
  switch (role) {
    case "negation":
    case "question":
      return role
    case "polar":
    case "frame":
    case "style":
    case "form":
    case "own":
      return "weak"
    default:
      return "asking"
  }
}

const possessive = new Set(["our", "my", "your", "unsere", "unseren", "unser", "nos", "vos", "notre", "nuestros"])
/** Whom a site speaks to: "our readers" says nothing, "our new shop" does. */
const audience = new Set(
  `reader visitor customer client subscriber follower member user viewer listener audience community team website site blog
  homepage leser lesern kunden kundinnen lecteur lecteurs client lectores cliente`.split(/\s+/u).map(stem)
)

/** "a list of", "examples of" frame a subject; "the language of bees" is one. */
const listed =
  /^(?:examples?|lists?|descriptions?|tables?|paragraphs|sections|points|terms|statistics|pictures|images|quotes)$/u

/** "quick dinners", "website design": beside a word of the subject, words of style and form belong to it. */
const raiseNeighbours = (tokens: ReadonlyArray<Token>, weights: Array<Weight>): void => {
  for (let index = tokens.length - 1; index >= 0; index--) {
    const role = tokens[index]?.role
    if (weights[index] !== "weak" || role !== "style" && role !== "form" && role !== "own") continue
    const after = tokens[index + 1]?.gap === Gap.none && weights[index + 1] === "subject"
    const before = tokens[index]?.gap === Gap.none && weights[index - 1] === "subject"
    const ours = [1, 2, 3].some((steps) => possessive.has(tokens[index - steps]?.word ?? ""))
    const head = role === "form" && tokens[index + 1]?.word === "of" && !listed.test(tokens[index]?.word ?? "")
      && weights.slice(index + 2, index + 5).includes("subject")
    if (
      after || head || before && role !== "style" ||
      role === "own" && !(ours && audience.has(tokens[index]?.stem ?? ""))
    ) {
      weights[index] = "subject"
    }
  }
}

/** "light tone, not too long": between two breaks, words of style alone are a wish, a negation among them too. */
const dropEmptyClauses = (tokens: ReadonlyArray<Token>, weights: Array<Weight>): void => {
  if (!weights.includes("subject")) return
  let start = 0
  for (let index = 1; index <= tokens.length; index++) {
    if (index < tokens.length && tokens[index]?.gap === Gap.none) continue
    const clause = weights.slice(start, index)
    if (!clause.includes("subject")) {
      for (let at = start; at < index; at++) {
        if (weights[at] === "negation" || weights[at] === "weak") weights[at] = "asking"
      }
    }
    start = index
  }
}

/** A subject that is made of request words only, as in "a blog post about blogging". */
const raiseRequestWords = (tokens: ReadonlyArray<Token>, weights: Array<Weight>): void => {
  const raise = (from: number, roles: ReadonlyArray<string>): boolean => {
    let raised = false
    for (let index = from; index < tokens.length; index++) {
      if (!roles.includes(tokens[index]?.role ?? "subject")) continue
      weights[index] = "subject"
      raised = true
    }
    return raised
  }
  const link = tokens.findLastIndex(({ word }) => /^(?:about|on|über|sur|sobre|regarding)$/u.test(word))
  const some = ["subject", "style", "form", "own", "frame", "text", "polar"]
  if (link >= 0 && raise(link + 1, [...some, "request"])) return
  if (!raise(0, ["subject", "style", "form", "own", "frame"])) {
    raise(0, [...some, "request", "grammar", "question", "negation"])
  }
}
