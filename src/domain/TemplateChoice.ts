/** Which template fits a request best. */
import { contentTypeOf } from "./Subject.ts"
import { genericContentType, type Template } from "./Template.ts"

export interface TemplateWish {
  readonly prompt: string
  readonly contentType?: string | undefined
  readonly locale?: string | undefined
}

/**
 * By content type first (as asked, else as guessed from the prompt, else generic), then by locale (the same, its
 * language, none, English), then by name. A template in a foreign language comes last but one, and one of a foreign
 * content type last: absent only when there are no templates.
 */
export const chooseTemplate = <T extends Template>(templates: ReadonlyArray<T>, wish: TemplateWish): T | undefined => {
  const types = [wish.contentType ?? "", contentTypeOf(wish.prompt) ?? "", genericContentType].map(plain)
  const locale = plainLocale(wish.locale)
  let best: { readonly template: T; readonly key: Key } | undefined
  for (const template of templates) {
    const type = plain(template.contentType)
    const typeRank = rank(types.indexOf(type), types.length)
    const distance = localeDistance(locale, plainLocale(template.locale))
    const group = typeRank === types.length ? 2 : distance === foreign ? 1 : 0
    const key: Key = [group, typeRank, distance, template.name]
    if (best === undefined || isBefore(key, best.key)) best = { template, key }
  }
  return best?.template
}

type Key = readonly [group: number, type: number, locale: number, name: string]

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
