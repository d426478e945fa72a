/** Takes a text apart into the terms that a vector is made of, and says how much each one weighs where it stands. */
import { announcesSubject, numberWeight, stem, unspacedRequest, weightOf } from "./RequestWords.ts"

/** A word, a number, or two characters of a script without spaces. */
export interface Term {
  readonly text: string
  /** The square of its weight; 1 is a subject word at the beginning of a text. */
  energy: number
  /** Says something about the subject: it forms pairs and n-grams. */
  readonly subject: boolean
  /** No sentence end or request phrase stands between this subject term and the one before. */
  readonly joined: boolean
}

/** Scripts that are written without spaces between words. */
const unspaced = String.raw`\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}ー\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}`
const spaced = String.raw`[[\p{L}\p{M}\p{N}]--[${unspaced}]]`
const tokens = new RegExp(
  String.raw`([${unspaced}][${unspaced}\p{M}]*)|(\p{N}+(?:[.,:\/]\p{N}+)*)|(${spaced}+(?:['’]${spaced}+)*[+#]*)` +
    String.raw`|[.!?]\s|[。！？]`,
  "gv"
)

/**
 * The subject stands after "about" or "article" up to the end of that sentence; where nothing announces it, among the
 * first terms or at the very end. What is left is mostly instruction, and the same in many requests of one site.
 */
const firstTerms = 8
const lastTerms = 4
const announcedEnergy = 2
const laterEnergy = 0.5

/** The terms of a normalised text, in its order. Linear in its length. */
export const termsOf = (normal: string): ReadonlyArray<Term> => {
  const terms: Array<Term> = []
  let place = 0
  let announcedAt = -1
  let announcedTerm = 0
  let announcing = false
  let joined = false
  const add = (text: string, weight: number): void => {
    const subject = weight > 0.5
    const energy = weight * weight * (subject ? energyAt(place - Math.max(announcedAt, 0), announcedAt, announcing) : 1)
    terms.push({ text, energy, subject, joined })
    if (subject) {
      place++
      joined = true
    } else if (announcesSubject(text)) {
      announcedAt = place
      announcedTerm = terms.length
      announcing = true
    }
  }
  for (const [, run, number, word] of normal.matchAll(tokens)) {
    if (word !== undefined) {
      const base = stem(uncontracted(word))
      add(base, weightOf(base))
    } else if (number !== undefined) add(number, numberWeight)
    else if (run === undefined) announcing = joined = false
    else {
      for (const part of run.split(unspacedRequest)) {
        joined = false
        for (const pair of characterPairs(part)) add(pair, 1)
      }
    }
  }
  if (place === 0) raiseAnnounced(terms, Math.min(announcedTerm, terms.length - 1))
  else if (announcedAt < 0) raiseLast(terms, place)
  return terms
}

/** `distance` counts subject terms since the announcement, or since the beginning when there was none. */
const energyAt = (distance: number, announcedAt: number, announcing: boolean): number => {
  if (announcing && distance < firstTerms) return announcedEnergy
  const base = announcedAt < 0 || announcing ? 1 : laterEnergy
  return distance < firstTerms ? base : base * (firstTerms / (distance + 1)) ** 2
}

const raiseLast = (terms: ReadonlyArray<Term>, subjectTerms: number): void => {
  if (subjectTerms <= firstTerms) return
  let left = lastTerms
  for (let index = terms.length - 1; index >= 0 && left > 0; index--) {
    const term = terms[index]
    if (term?.subject !== true) continue
    term.energy = Math.max(term.energy, announcedEnergy)
    left--
  }
}

/** A subject that is made of request words only, as in "a blog post about blogging". */
const raiseAnnounced = (terms: ReadonlyArray<Term>, from: number): void => {
  const strongest = terms.slice(from).reduce((energy, term) => Math.max(energy, term.energy), 0)
  for (let index = from; index < terms.length; index++) {
    const term = terms[index]
    if (term?.energy === strongest) term.energy = 1
  }
}

/** The word that was meant: without possessive, elision and contraction. */
const uncontracted = (word: string): string => {
  const at = word.search(/['’]/u)
  if (at < 0) return word === "cannot" ? "not" : word
  if (/n['’]t$/u.test(word)) return "not"
  const rest = word.slice(at + 1)
  return rest.length > at ? rest : word.slice(0, at)
}

/** Characters of a run without spaces: pairs of them stand for words. */
const characterPairs = (run: string): ReadonlyArray<string> => {
  const characters = Array.from(run)
  if (characters.length < 2) return characters
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`)
}
