/** What of a prompt the guard compares: taken from it once, small, and storable without its text. */
import { normalizePrompt } from "./Prompt.ts"
import { readingOf, type Term } from "./TextTerms.ts"
import { decodeNumber, encodeNumber, longestJoined, wordHash } from "./WordHash.ts"

/** How a word is tied to what stands before it. */
export const Tie = {
  none: 0,
  /** "and", "or", "versus": both sides are equal. */
  equal: 1,
  from: 2,
  to: 3,
  than: 4,
  by: 5,
  against: 6,
  of: 7,
  in: 8,
  for: 9,
  with: 10,
  other: 11
} as const

export interface TraitTerm {
  readonly hash: number
  /** Of the stemmed word, in code units. */
  readonly length: number
  readonly tie: number
  readonly number: boolean
  /** Written with a capital where others are not: a place, a person, a product. */
  readonly name: boolean
  /** Matters only against its opposite. */
  readonly weak: boolean
}

/** Words stand here as hashes only, so that traits may be kept where prompts may not. */
export interface PromptTraits {
  /** The hash of the kind of text asked for by name; 0 for any text. */
  readonly kind: number
  /** Words wished for; 0 for none. */
  readonly length: number
  readonly negations: number
  /** Hashes of "how", "why", "when", "where" and "who". */
  readonly questions: ReadonlyArray<number>
  /** What the prompt is about, in its order; the middle of very long ones is left out. */
  readonly terms: ReadonlyArray<TraitTerm>
  /** Of the middle that was left out, without its order; 0 for none. */
  readonly rest: number
  /** Hashes of what the instructions name. */
  readonly instructions: ReadonlyArray<number>
}

/** Changes with what traits hold; entries of another version are taken anew from their prompts. */
export const traitsVersion = "1"
const firstTerms = 120
const lastTerms = 60
const mostInstructions = 40
const mostQuestions = 4
const mostNegations = 63
const longestWish = 64 ** 3 - 1

/** Linear in the length of the prompt; never throws. */
export const promptTraits = (prompt: string): PromptTraits => {
  const { kind, length, terms } = readingOf(normalizePrompt(prompt))
  const names = namesIn(prompt)
  // Numbers and names count wherever they stand, but for those of instructions: "quote two experts".
  const telling = terms.filter(({ number, weight, word }) =>
    weight === "subject" || weight === "weak" || weight === "context" && (number || names.has(word))
  )
  const cut = telling.length > firstTerms + lastTerms
  const kept = cut ? [...telling.slice(0, firstTerms), ...telling.slice(-lastTerms)] : telling
  const of = (weight: Term["weight"]) => terms.filter((term) => term.weight === weight)
  return {
    kind: kind === undefined ? 0 : wordHash(kind),
    length: Math.min(Math.round(length ?? 0), longestWish),
    negations: Math.min(of("negation").length, mostNegations),
    questions: hashes(of("question").filter(({ word }) => asking.has(word)), mostQuestions),
    terms: kept.map((term) => ({
      hash: wordHash(term.text),
      length: Math.min(term.text.length, longestJoined),
      tie: ties.get(term.glue) ?? (term.glue === "" ? Tie.none : Tie.other),
      number: term.number,
      name: names.has(term.word),
      weak: term.weight === "weak"
    })),
    rest: cut ? digest(telling.slice(firstTerms, -lastTerms)) : 0,
    instructions: hashes(
      terms.filter(({ weight }) => weight === "instruction" || weight === "context"),
      mostInstructions
    )
  }
}

const asking = new Set([
  "how",
  "why",
  "when",
  "where",
  "who",
  "wie",
  "warum",
  "wann",
  "wo",
  "wer",
  "comment",
  "pourquoi",
  "cómo",
  "cuándo",
  "dónde"
])

const ties: ReadonlyMap<string, number> = new Map(Object.entries({
  and: Tie.equal,
  or: Tie.equal,
  versus: Tie.equal,
  vs: Tie.equal,
  und: Tie.equal,
  oder: Tie.equal,
  et: Tie.equal,
  ou: Tie.equal,
  y: Tie.equal,
  o: Tie.equal,
  from: Tie.from,
  von: Tie.from,
  vom: Tie.from,
  desde: Tie.from,
  to: Tie.to,
  into: Tie.to,
  nach: Tie.to,
  à: Tie.to,
  than: Tie.than,
  als: Tie.than,
  by: Tie.by,
  against: Tie.against,
  gegen: Tie.against,
  of: Tie.of,
  de: Tie.of,
  in: Tie.in,
  at: Tie.in,
  on: Tie.in,
  for: Tie.for,
  für: Tie.for,
  pour: Tie.for,
  para: Tie.for,
  with: Tie.with,
  mit: Tie.with,
  avec: Tie.with,
  con: Tie.with
}))

const hashes = (terms: ReadonlyArray<Term>, most: number): ReadonlyArray<number> =>
  [...new Set(terms.map(({ text }) => wordHash(text)))].slice(0, most)

const digest = (terms: ReadonlyArray<Term>): number => {
  let sum = 1
  for (const text of new Set(terms.map((term) => term.text))) sum = (sum + wordHash(text)) % 2 ** 24
  return sum
}

const capitalised = /(?<=[\p{L}\p{N},;] )\p{Lu}[\p{L}\p{N}]+/gu
/** Names are looked for at the beginning only, where a prompt says what it is about. */
const searched = 4000

/** Words with a capital within a sentence; none where every third word has one: a headline, or German. */
const namesIn = (prompt: string): ReadonlySet<string> => {
  const text = prompt.slice(0, searched)
  const found = text.match(capitalised) ?? []
  const spaces = text.match(/\s+/gu)?.length ?? 0
  return found.length * 3 > spaces + 1 ? none : new Set(found.map((name) => name.toLowerCase()))
}

const none: ReadonlySet<string> = new Set()

const termLength = 6

/** One line of at most 1,600 characters for the store, with the version of the traits in it. */
export const encodeTraits = (traits: PromptTraits): string =>
  [
    traitsVersion,
    encodeNumber(traits.kind, 4) + encodeNumber(traits.length, 3) + encodeNumber(traits.negations, 1)
    + encodeNumber(traits.rest, 4),
    traits.questions.map((hash) => encodeNumber(hash, 4)).join(""),
    traits.terms.map((term) =>
      encodeNumber(term.hash, 4) + encodeNumber(term.length, 1)
      + encodeNumber(term.tie * 4 + (term.weak ? 3 : term.number ? 2 : term.name ? 1 : 0), 1)
    ).join(""),
    traits.instructions.map((hash) => encodeNumber(hash, 4)).join("")
  ].join(" ")

/** `undefined` for traits of another version, or none. */
export const decodeTraits = (text: string): PromptTraits | undefined => {
  const parts = text.split(" ")
  const [found, head = "", questions = "", terms = "", instructions = ""] = parts
  if (found !== traitsVersion || parts.length !== 5 || head.length !== 12 || terms.length % termLength !== 0) {
    return undefined
  }
  const traits = {
    kind: decodeNumber(head, 0, 4),
    length: decodeNumber(head, 4, 3),
    negations: decodeNumber(head, 7, 1),
    rest: decodeNumber(head, 8, 4),
    questions: decodeHashes(questions),
    terms: decodeTerms(terms),
    instructions: decodeHashes(instructions)
  }
  const whole = traits.kind + traits.length + traits.negations + traits.rest
    + traits.questions.concat(traits.instructions).reduce((sum, hash) => sum + hash, 0)
    + traits.terms.reduce((sum, term) => sum + term.hash + term.length + term.tie, 0)
  return Number.isNaN(whole) ? undefined : traits
}

const decodeHashes = (text: string): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let from = 0; from < text.length; from += 4) found.push(decodeNumber(text, from, 4))
  return found
}

const decodeTerms = (text: string): ReadonlyArray<TraitTerm> => {
  const found: Array<TraitTerm> = []
  for (let from = 0; from < text.length; from += termLength) {
    const bits = decodeNumber(text, from + 5, 1)
    const flag = bits % 4
    found.push({
      hash: decodeNumber(text, from, 4),
      length: decodeNumber(text, from + 4, 1),
      tie: Math.floor(bits / 4),
      number: flag === 2,
      name: flag === 1,
      weak: flag === 3
    })
  }
  return found
}
