/** Refuses look-alikes: prompts that are close in their vectors, and say something different. Pure. */
import { type PromptTraits, Tie, type TraitTerm } from "./PromptTraits.ts"
import { joinedHash, longestJoined, wordHash } from "./WordHash.ts"
import { opposites } from "./WordPairs.ts"

/** What is different, for the log and the metric. */
export interface Objection {
  readonly kind:
    /** Another kind of text: a press release is no blog post. */
    | "content type"
    /** A text more than three times as long. */
    | "length"
    | "negation"
    /** Another number, year, amount or ordinal, or one that only one of them has. */
    | "number"
    /** Benefits and risks, before and after. */
    | "opposite"
    /** "why" and "how". */
    | "question"
    /** Another place, person or product. */
    | "name"
    /** From London to Madrid, from Madrid to London. */
    | "roles"
    /** The same but for words in whose place others stand. */
    | "replaced"
    /** One says what the other says, and more. */
    | "narrower"
    /** An instruction that names something else. */
    | "instruction"
  /** For operators' eyes at debug level; never in a response. */
  readonly detail: string
}

/** A wish for a text this many times as long is one for another text. */
const longer = 3

/** Why an answer to the one may not stand in for an answer to the other; `undefined`: nothing speaks against it. */
export const objectionTo = (asked: PromptTraits, kept: PromptTraits): Objection | undefined => {
  if (asked.kind !== kept.kind) return { kind: "content type", detail: "the one asks for another kind of text by name" }
  if (asked.length > 0 && kept.length > 0) {
    const factor = Math.max(asked.length, kept.length) / Math.min(asked.length, kept.length)
    if (factor > longer) return { kind: "length", detail: `${asked.length} words asked for, ${kept.length} kept` }
  }
  if (asked.negations !== kept.negations) {
    return { kind: "negation", detail: `${asked.negations} negations asked, ${kept.negations} kept` }
  }
  return inSubject(asked, kept) ?? inQuestions(asked, kept) ?? inInstructions(asked, kept)
}

const inSubject = (asked: PromptTraits, kept: PromptTraits): Objection | undefined => {
  const [left, right] = unmatched(asked.terms, kept.terms)
  const opposite = left.find((term) => right.some((other) => opposed.get(term.hash)?.has(other.hash) === true))
  if (opposite !== undefined) {
    return { kind: "opposite", detail: `${placed(asked, opposite)} has its opposite in the kept` }
  }
  const added = left.filter(strong)
  const missing = right.filter(strong)
  const number = added.find(isNumber) ?? missing.find(isNumber)
  if (number !== undefined) {
    return {
      kind: "number",
      detail: `${count(added, isNumber)} numbers only asked, ${count(missing, isNumber)} only kept`
    }
  }
  const counts = `${added.length} words only asked, ${missing.length} only kept`
  if (added.some(isName) && missing.some(isName)) return { kind: "name", detail: counts }
  if (added.length > 0 && missing.length > 0) {
    return parallel(asked, kept, added.length, missing.length) ? { kind: "replaced", detail: counts } : undefined
  }
  if (added.length > 0 || missing.length > 0) return { kind: "narrower", detail: counts }
  if (asked.rest !== kept.rest) return { kind: "replaced", detail: "the middle of the long prompts is different" }
  return swapped(asked.terms, kept.terms)
    ? { kind: "roles", detail: "the same words in each other's place" }
    : undefined
}

const strong = (term: TraitTerm): boolean => !term.weak
const isNumber = (term: TraitTerm): boolean => term.number
const isName = (term: TraitTerm): boolean => term.name
const count = (terms: ReadonlyArray<TraitTerm>, what: (term: TraitTerm) => boolean) => terms.filter(what).length
const placed = (traits: PromptTraits, term: TraitTerm) => `word ${traits.terms.indexOf(term) + 1} of the subject`

/**
 * Texts that are the same but for some words differ in what these say. Where three words or more are different on both
 * sides, and those are most, it is another way to say it, or another subject: that is for the vectors to tell.
 */
const parallel = (asked: PromptTraits, kept: PromptTraits, added: number, missing: number): boolean => {
  const shorter = Math.min(count(asked.terms, strong), count(kept.terms, strong))
  const different = Math.min(added, missing)
  return different < 3 || different * 2 <= shorter
}

/** The terms that only the one has, and those that only the other has; compounds match however they are written. */
const unmatched = (
  left: ReadonlyArray<TraitTerm>,
  right: ReadonlyArray<TraitTerm>
): readonly [ReadonlyArray<TraitTerm>, ReadonlyArray<TraitTerm>] => {
  let [onlyLeft, onlyRight] = [without(left, right), without(right, left)]
  if (onlyLeft.length > 0 && onlyRight.length > 0 && onlyLeft.length !== onlyRight.length) {
    const [fromLeft, ofRight] = compounds(onlyLeft, right)
    const [fromRight, ofLeft] = compounds(onlyRight, left)
    onlyLeft = onlyLeft.filter((term) => !fromLeft.has(term) && !ofLeft.has(term))
    onlyRight = onlyRight.filter((term) => !fromRight.has(term) && !ofRight.has(term))
  }
  return [onlyLeft, onlyRight]
}

const without = (terms: ReadonlyArray<TraitTerm>, others: ReadonlyArray<TraitTerm>): ReadonlyArray<TraitTerm> => {
  const known = new Set<number>()
  for (const { hash } of others) known.add(hash)
  return terms.filter(({ hash }) => !known.has(hash))
}

/** "plasticfree" against "plastic" and "free", side by side. */
const compounds = (whole: ReadonlyArray<TraitTerm>, parts: ReadonlyArray<TraitTerm>) => {
  const joined = new Set<TraitTerm>()
  const used = new Set<TraitTerm>()
  for (let index = 1; index < parts.length; index++) {
    const [first, second] = [parts[index - 1], parts[index]]
    if (first === undefined || second === undefined || second.length >= longestJoined) continue
    const hash = joinedHash(first.hash, second.hash, second.length)
    for (const term of whole) {
      if (term.hash !== hash) continue
      joined.add(term)
      used.add(first).add(second)
    }
  }
  return [joined, used] as const
}

const directed: ReadonlySet<number> = new Set([Tie.from, Tie.to, Tie.than, Tie.by, Tie.against])

/** Both have the same words. Whether two of them have changed places, in roles that are not equal. */
const swapped = (left: ReadonlyArray<TraitTerm>, right: ReadonlyArray<TraitTerm>): boolean => {
  for (const tie of directed) {
    const [lefts, rights] = [tiedBy(left, tie), tiedBy(right, tie)]
    if (without(lefts, rights).length > 0 && without(rights, lefts).length > 0) return true
  }
  // The same sentence with two words exchanged: "cats that chase dogs".
  const [one, other] = [left.filter(strong), right.filter(strong)]
  if (one.length !== other.length) return false
  const places = one.flatMap((term, index) => term.hash === other[index]?.hash ? [] : [index])
  const [first = -1, second = -1] = places
  return places.length === 2 && one.every((term, index) => index === 0 || term.tie === other[index]?.tie)
    && one[first]?.hash === other[second]?.hash && one[second]?.tie !== Tie.equal
    && (second > first + 1 || (one[second]?.tie ?? Tie.none) !== Tie.none)
}

const tiedBy = (terms: ReadonlyArray<TraitTerm>, tie: number): ReadonlyArray<TraitTerm> =>
  terms.filter((term) => term.tie === tie && !term.weak)

const opposed: ReadonlyMap<number, ReadonlySet<number>> = (() => {
  const found = new Map<number, Set<number>>()
  const add = (one: string, other: string) => {
    const hash = wordHash(one)
    found.set(hash, (found.get(hash) ?? new Set()).add(wordHash(other)))
  }
  for (const [one, other] of opposites) {
    add(one, other)
    add(other, one)
  }
  return found
})()

/** Different questions, where both ask one. */
const inQuestions = ({ questions: asked }: PromptTraits, { questions: kept }: PromptTraits): Objection | undefined =>
  asked.length > 0 && kept.length > 0 && !asked.some((hash) => kept.includes(hash))
    ? { kind: "question", detail: "how, why, when or where: another question" }
    : undefined

/** Instructions that are the same but for one or two words: another brand to mention, another town. */
const inInstructions = (
  { instructions: asked }: PromptTraits,
  { instructions: kept }: PromptTraits
): Objection | undefined => {
  const shared = asked.filter((hash) => kept.includes(hash)).length
  const different = Math.min(asked.length, kept.length) - shared
  return shared >= 2 && different > 0 && Math.max(asked.length, kept.length) - shared <= 2
    ? { kind: "instruction", detail: `${shared} words of the instructions are the same, ${different} are not` }
    : undefined
}
