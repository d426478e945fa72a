/** Takes a normalised text apart into words, numbers and characters of unspaced scripts. Linear in its length. */
import { factorWord, multiplied, numberWord, numberWritten } from "./Numbers.ts"
import { type Role, rolesFor, unspacedRequest } from "./RequestWords.ts"
import { stem } from "./Stem.ts"
import { canonicalWord } from "./WordPairs.ts"

/** What stands between a token and the one before it. */
export const Gap = { none: 0, comma: 1, colon: 2, sentence: 3 } as const

export interface Token {
  /** As it stands in the normal form. */
  readonly word: string
  /** Stemmed, and one for words of equal meaning; a number begins with "#". */
  stem: string
  readonly number: boolean
  gap: number
  role: Role | undefined
  /** Says nothing about the subject, because of where it stands. */
  mark: "none" | "asking" | "instruction" | "context"
}

/** Scripts that are written without spaces between words. */
const unspaced = String.raw`\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}ー\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}`
const spaced = String.raw`[[\p{L}\p{M}\p{N}]--[${unspaced}]]`
const tokens = new RegExp(
  String.raw`([${unspaced}][${unspaced}\p{M}]*)` +
    String.raw`|((?<![^\s$€£¥])[\-−]?\p{N}{1,3}(?: \p{N}{3})+(?![\p{L}\p{N}]|[.,]\p{N})` +
    String.raw`|(?<!\S)[\-−]\p{N}+(?:[.,:\/'’^]\p{N}+)*(?![\p{L}\p{N}])|\p{N}+(?:[.,:\/⁄'’^]\p{N}+)*(?![\p{L}\p{N}]))` +
    String.raw`|((?:(?<![^\s\(])\.(?=\p{L}))?${spaced}+(?:['’\-‐‑]${spaced}+)*[+#]*)` +
    String.raw`|([$€£¥%])|([.!?](?=\s|$)|[。！？;])|(:|\s(?:[\-–—\|•~]|\/+|[\-=]>)(?=\s)|[–—](?=\s))|[,\(\)\|"“”„«»]`,
  "gv"
)

/** A full stop after these ends no sentence. */
const abbreviations = new Set("vs dr mr mrs ms st prof no nr inc corp approx ca max min etc eg ie".split(" "))

export const tokensOf = (normal: string): ReadonlyArray<Token> => {
  const found: Array<Token> = []
  let gap: number = Gap.none
  const add = (word: string, stemmed: string, number: boolean): void => {
    found.push({
      word,
      stem: stemmed,
      number,
      gap: found.length === 0 ? Gap.sentence : gap,
      role: undefined,
      mark: "none"
    })
    gap = Gap.none
  }
  for (const [, run, number, word, sign, end, colon] of normal.matchAll(tokens)) {
    if (word !== undefined) addWord(found, add, word)
    else if (number !== undefined) add(number, `#${numberWritten(number)}`, true)
    else if (sign !== undefined) add(sign, canonicalWord(sign), false)
    else if (run !== undefined) {
      for (const part of run.split(unspacedRequest)) {
        gap = Math.max(gap, Gap.comma)
        for (const pair of characterPairs(part)) add(pair, pair, false)
      }
      gap = Math.max(gap, Gap.comma)
    } else if (abbreviations.has(found[found.length - 1]?.word ?? "") && end === ".") continue
    else gap = Math.max(gap, end !== undefined ? Gap.sentence : colon !== undefined ? Gap.colon : Gap.comma)
  }
  // Roles go by the stem and not by its canonical word: "begin" asks for nothing, however much "start" does.
  const roleOf = rolesFor(found.map((token) => token.stem))
  for (const token of found) {
    if (token.number) continue
    token.role = roleOf(token.stem, token.word)
    if (token.role === undefined || token.role === "polar") token.stem = canonicalWord(token.stem)
  }
  return found
}

const addWord = (
  found: ReadonlyArray<Token>,
  add: (word: string, stemmed: string, number: boolean) => void,
  written: string
): void => {
  const word = uncontracted(written.replace(/[‐‑]/gu, "-"))
  const last = found[found.length - 1]
  const factor = factorWord(word)
  if (factor !== undefined && last?.number === true && !last.stem.endsWith("th")) {
    last.stem = `#${multiplied(last.stem.slice(1), factor)}`
    return
  }
  if (factor !== undefined && last?.word === "a") return add(word, `#${factor}`, true)
  const value = numberWord(word)
  if (value !== undefined) return add(word, `#${value}`, true)
  // "six-month", "first-time": the number counts for itself.
  const dash = word.indexOf("-")
  const leading = dash > 0 ? numberWord(word.slice(0, dash)) : undefined
  if (leading !== undefined) add(word.slice(0, dash), `#${leading}`, true)
  const rest = leading === undefined ? word : word.slice(dash + 1)
  add(rest, stem(rest), false)
}

/** "propose-moi", "peux-tu". */
const frenchPronoun = /-(?:moi|toi|nous|vous|tu|ils?|elles?|je)$/u

/** The word that was meant: without possessive, elision and contraction. */
const uncontracted = (word: string): string => {
  if (frenchPronoun.test(word)) return word.replace(frenchPronoun, "")
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
