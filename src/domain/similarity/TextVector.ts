/**
 * Text vectors without a model: words, pairs of words and character n-grams, weighted by how much they say about the
 * subject, hashed with a sign into a fixed number of dimensions. Pure and deterministic on every machine; a change of
 * what comes out needs a new name of `Embedder.layerLocal`.
 */
import { normalizePrompt } from "./Prompt.ts"
import { readingOf, type Term, type Weight } from "./TextTerms.ts"

export const dimensions = 384

/**
 * The cosine from which an answer to one prompt may stand in for the other, if the guard has no objection, by the vectors
 * of `textVector` only: other embedders need their own. The guard does the fine work; the threshold keeps away what has
 * little in common. Tables, and what is known to go wrong, are in `docs/similarity.md`; `scripts/calibrate.ts` makes them.
 */
export const defaultMinSimilarity = 0.7

/** Energies (squared weights) of a pair and of all n-grams of a word, relative to the word's. */
const pairEnergy = 0.4
const gramEnergy = 0.5

/**
 * The unit vector of a text. Texts that are equal for `normalizePrompt` have equal vectors. A text without a letter or
 * digit (blank, punctuation, emoji) gets the axis that its whole normal form hashes to.
 */
export const textVector = (text: string): Float32Array => {
  const normal = normalizePrompt(text)
  const vector = new Float64Array(dimensions)
  addTerms(vector, readingOf(normal).terms)
  return toUnitLength(vector) ?? axis(normal)
}

/** Cosine of two unit vectors of the same space, within rounding from -1 to 1. */
export const similarity = (left: Float32Array, right: Float32Array): number => {
  let sum = 0
  for (let index = 0; index < left.length; index++) sum += (left[index] ?? 0) * (right[index] ?? 0)
  return sum
}

/** The same direction at length 1; `undefined` when there is none (all zero, or not finite). */
export const toUnitLength = (numbers: ArrayLike<number>): Float32Array | undefined => {
  let largest = 0
  for (let index = 0; index < numbers.length; index++) largest = Math.max(largest, Math.abs(numbers[index] ?? 0))
  if (!(largest > 0 && largest < Infinity)) return undefined
  let sum = 0
  for (let index = 0; index < numbers.length; index++) sum += ((numbers[index] ?? 0) / largest) ** 2
  const length = Math.sqrt(sum)
  const unit = new Float32Array(numbers.length)
  for (let index = 0; index < unit.length; index++) unit[index] = (numbers[index] ?? 0) / largest / length
  return unit
}

/** The square of a term's weight; 1 is a subject word at the beginning. */
const energies: { readonly [weight in Weight]: number } = {
  subject: 1,
  instruction: 0.05,
  context: 0.05,
  weak: 0.05,
  negation: 1.5,
  question: 0.05,
  asking: 0.003
}
const numberEnergy = 1.5

/** Beyond these, subject terms weigh ever less: what is left of a long prompt is mostly the same in many. */
const firstTerms = 16

/** A request word counts once however often it comes; a subject word's energies add up, its weight grows as the root. */
const addTerms = (vector: Float64Array, terms: ReadonlyArray<Term>): void => {
  const sums = new Map<string, number>()
  const subjects = new Set<string>()
  let place = 0
  let previous = 0
  let previousEnergy = 0
  for (const { joined, number, parts, weight } of terms) {
    const subject = weight === "subject"
    const base = number && subject ? numberEnergy : energies[weight]
    if (!joined) previousEnergy = 0
    for (const text of parts) {
      const energy = subject && place++ >= firstTerms ? base * (firstTerms / place) ** 2 : base
      const before = sums.get(text) ?? 0
      sums.set(text, subject ? before + energy : Math.max(before, energy))
      if (!subject) continue
      const hash = hashOf(text)
      if (previousEnergy > 0) {
        addSpread(vector, mix(Math.imul(previous, 31) + hash), pairEnergy * Math.min(previousEnergy, energy))
      }
      subjects.add(text)
      previous = hash
      previousEnergy = energy
    }
  }
  for (const [text, energy] of sums) addSpread(vector, hashOf(text), energy)
  for (const text of subjects) {
    if (text.length > 3 && !startsWithDigit.test(text)) addGrams(vector, text, gramEnergy * (sums.get(text) ?? 0))
  }
}

/** Numbers are equal or not: 2019 is not close to 2026. */
const startsWithDigit = /^[#\p{N}]/u

const add = (vector: Float64Array, hash: number, weight: number): void => {
  const slot = slotOf(hash)
  vector[slot] = (vector[slot] ?? 0) + ((hash & 0x10000) === 0 ? weight : -weight)
}

/** Spread over four places: one collision must not make two words equal. */
const addSpread = (vector: Float64Array, hash: number, energy: number): void => {
  const weight = Math.sqrt(energy / 4)
  for (let copy = 1; copy <= 4; copy++) add(vector, mix(hash + Math.imul(copy, 0x9e3779b9)), weight)
}

const edge = 1

/** Every three neighbouring characters, the edges of the word included: forms and misspellings of a word share most. */
const addGrams = (vector: Float64Array, word: string, energy: number): void => {
  const weight = Math.sqrt(energy / word.length)
  let before = edge
  let at = word.charCodeAt(0)
  for (let index = 1; index <= word.length; index++) {
    const after = index === word.length ? edge : word.charCodeAt(index)
    add(vector, mix(step(step(step(seed, before), at), after)), weight)
    before = at
    at = after
  }
}

const axis = (text: string): Float32Array => {
  const vector = new Float32Array(dimensions)
  vector[slotOf(hashOf(text))] = 1
  return vector
}

const slotOf = (hash: number): number => ((hash & 0xffff) * dimensions) >>> 16

/** FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv, with the finaliser of MurmurHash3. */
const seed = 0x811c9dc5
const step = (hash: number, code: number): number => Math.imul(hash ^ code, 0x01000193)
const mix = (hash: number): number => {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

const hashOf = (text: string): number => {
  let hash = seed
  for (let index = 0; index < text.length; index++) hash = step(hash, text.charCodeAt(index))
  return mix(hash)
}
