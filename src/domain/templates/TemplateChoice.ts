/** Which template fits a request best. */
import { contentTypeOf } from "../similarity/Subject.ts"
import { genericContentType, type Template } from "./Template.ts"
import { nearness, subjectWords, type TemplateWords, templateWords } from "./TemplateWords.ts"

export interface TemplateWish {
  readonly prompt: string
  readonly contentType?: string | undefined
  readonly locale?: string | undefined
}

/** A template with all that the choice looks at, taken from it once. */
export interface Candidate {
  readonly template: Template
  /** Of the namespace itself: before one that serves every namespace, where nothing else decides. */
  readonly isOwn: boolean
  readonly type: string
  readonly locale: ReadonlyArray<string>
  readonly words: TemplateWords
}

export const candidate = (template: Template, isOwn = false): Candidate => ({
  template,
  isOwn,
  type: plain(template.contentType),
  locale: plainLocale(template.locale),
  words: templateWords(template)
})

/**
 * By content type first (as asked, else as guessed from the prompt, else generic), then by locale (the same, its
 * language, none, English), then by the words that it has in common with the prompt's subject, then own before shared,
 * then by name. A template in a foreign language comes last but one, and one of a foreign content type last: absent
 * only when there are no templates.
 */
export const chooseTemplate = (candidates: ReadonlyArray<Candidate>, wish: TemplateWish): Template | undefined => {
  const types = [wish.contentType ?? "", contentTypeOf(wish.prompt) ?? "", genericContentType].map(plain)
  const locale = plainLocale(wish.locale)
  let best: Array<Candidate> = []
  let bestKey: Key | undefined
  for (const one of candidates) {
    const typeRank = rank(types.indexOf(one.type), types.length)
    const distance = localeDistance(locale, one.locale)
    const group = typeRank === types.length ? 2 : distance === foreign ? 1 : 0
    const key: Key = [group, typeRank, distance]
    if (bestKey === undefined || isBefore(key, bestKey)) {
      best = [one]
      bestKey = key
    } else if (!isBefore(bestKey, key)) best.push(one)
  }
  return nearest(best, wish.prompt)?.template
}

/** Most types have one template per locale: the words are looked at only where there is a choice. */
const nearest = (equals: ReadonlyArray<Candidate>, prompt: string): Candidate | undefined => {
  if (equals.length < 2) return equals[0]
  const subject = subjectWords(prompt)
  let best: { readonly one: Candidate; readonly key: Key } | undefined
  for (const one of equals) {
    const key: Key = [-nearness(one.words, subject), one.isOwn ? 0 : 1, one.template.name]
    if (best === undefined || isBefore(key, best.key)) best = { one, key }
  }
  return best?.one
}

type Key = readonly [number, number, number | string]

const isBefore = (a: Key, b: Key): boolean => {
  for (const [index, part] of a.entries()) {
    const other = b[index]
    if (other !== undefined && part !== other) return part < other
  }
  return false
}

const rank = (index: number, otherwise: number): number => index < 0 ? otherwise : index

const plain = (contentType: string): string => contentType.normalize("NFKC").toLowerCase().replace(/[-_\s]+/g, "")

const plainLocale = (locale: string | undefined): ReadonlyArray<string> =>
  (locale ?? "").trim().toLowerCase().split(/[-_]/).filter((part) => part !== "")

const foreign = 100

/** 0: the same; then the fewer parts two locales of one language share, the farther; then none, English, the others. */
const localeDistance = (wanted: ReadonlyArray<string>, offered: ReadonlyArray<string>): number => {
  if (offered.length === 0) return wanted.length === 0 ? 0 : 80
  if (wanted[0] === offered[0]) {
    const shared = offered.findIndex((part, index) => part !== wanted[index])
    // "de" serves "de-AT" better than "de-CH" does.
    const missing = wanted.length - (shared < 0 ? offered.length : shared)
    const surplus = shared < 0 ? 0 : offered.length - shared
    return Math.min(missing, 7) + 8 * Math.min(surplus, 7)
  }
  return offered[0] === "en" ? 80 + Math.min(offered.length, 9) : foreign
}
