/** How near a template's words are to what a prompt is about. Whole words only: whoever reads both can tell why. */
import { normalizePrompt } from "../similarity/Prompt.ts"
import { subjectOf } from "../similarity/Subject.ts"
import type { Template } from "./Template.ts"
import { tokensOf } from "../similarity/Tokens.ts"

export interface TemplateWords {
  readonly words: ReadonlySet<string>
  /** Meant for some subjects only: it stands back where none of its words fits. */
  readonly hasKeywords: boolean
}

/**
 * The words of its name, title and keywords: without those of its content type, which every template of the type
 * shares, and without the title's [hints].
 */
export const templateWords = (template: Template): TemplateWords => {
  const title = template.title.map((part) => "text" in part ? part.text : " ").join("").replace(/\[[^\]]*\]/g, " ")
  const shared = new Set(wordsOf(template.contentType))
  const own = wordsOf([template.name, title, ...template.keywords].join(" "))
  return { words: new Set(own.filter((word) => !shared.has(word))), hasKeywords: template.keywords.length > 0 }
}

/** The words that a prompt's subject consists of. */
export const subjectWords = (prompt: string): ReadonlyArray<string> => [...new Set(wordsOf(subjectOf(prompt)))]

/** The share of the subject's words that the template names, from 0; -1 for a template that is for something else. */
export const nearness = (template: TemplateWords, subject: ReadonlyArray<string>): number => {
  const named = subject.filter((word) => isNamed(template.words, word)).length
  if (named > 0) return named / subject.length
  return template.hasKeywords ? -1 : 0
}

/** Long enough to be a word's stem, and what may follow it. */
const stemLength = 4
const endingLength = 3

/** Endings differ between languages: of two words, one may be the beginning of the other. */
const isNamed = (words: ReadonlySet<string>, word: string): boolean => {
  if (words.has(word)) return true
  for (const one of words) {
    const [short, long] = one.length < word.length ? [one, word] : [word, one]
    if (short.length >= stemLength && long.length <= short.length + endingLength && long.startsWith(short)) return true
  }
  return false
}

/** Kinds of text count here: "recipe" is what a template may be for. */
const wordsOf = (text: string): ReadonlyArray<string> =>
  tokensOf(normalizePrompt(text.replace(/[-_./]+/g, " ")))
    .filter(({ role }) => role !== "grammar" && role !== "request")
    .map((token) => token.stem)
