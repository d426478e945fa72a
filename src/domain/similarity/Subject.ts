/** What a prompt is about, without the words around it that ask for a text. */
import { requestOf } from "./RequestPhrase.ts"

/** The most of a subject that fits a headline, in characters. */
const subjectLength = 120

/** How much of a prompt is looked at, in characters: the request stands at its beginning. */
const scannedLength = 4000

/**
 * The subject in one line of at most 121 characters: the prompt without general request phrasing ("Please write a blog
 * post about X." gives "X"), else its first line. Empty only when the prompt is blank.
 */
export const subjectOf = (prompt: string): string => {
  const { subject } = requestOf(cleanText(prompt.slice(0, scannedLength)))
  return shortened(subject.replace(/\s+/g, " "), subjectLength)
}

const typeWords: ReadonlyArray<readonly [contentType: string, words: RegExp]> = [
  ["blog_post", word("blogs?|blog[ -]?(?:posts?|articles?|entr(?:y|ies)|beitrag|beiträge|artikel|eintrag)")],
  [
    "product_description",
    word("product[ -](?:descriptions?|texts?|copy|pages?|listings?)|produkt(?:beschreibung(?:en)?|texte?)")
  ],
  [
    "press_release",
    word("(?:press|news|media)[ -]?releases?|press statements?|presse(?:mitteilung(?:en)?|meldung(?:en)?)")
  ],
  ["newsletter", word("newsletters?|news ?letters?|rundbrief|rundmail")]
]

/** Words that mean a blog post where a text is asked for, and much else everywhere else. */
const postWords = word(
  "(?<!(?:instagram|facebook|linkedin|twitter|tiktok|media|forum) )(?:post|article|beitrag|artikel)"
)

/** The content type that the prompt asks for, where it says so. */
export const contentTypeOf = (prompt: string): string | undefined => {
  const text = cleanText(prompt.slice(0, scannedLength))
  const { request } = requestOf(text)
  // A request that names something else ("Write a poem about press releases") is not searched beyond itself.
  if (request === undefined) return firstType(text.slice(0, 400))
  return firstType(request) ?? (postWords.test(request) ? "blog_post" : undefined)
}

const firstType = (text: string): string | undefined => {
  let best: { readonly contentType: string; readonly at: number } | undefined
  for (const [contentType, words] of typeWords) {
    const at = text.search(words)
    if (at >= 0 && (best === undefined || at < best.at)) best = { contentType, at }
  }
  return best?.contentType
}

function word(alternatives: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${alternatives})(?![\\p{L}\\p{N}])`, "iu")
}

/**
 * Text that can be shown: no control characters but the line break, nothing that turns the direction of writing, no
 * broken surrogates; runs of spaces and of blank lines become one.
 */
export const cleanText = (text: string): string =>
  text
    .toWellFormed()
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, "\n")
    .replace(/[^\S\n]+/g, " ")
    .replace(/[\p{Cc}\u202A-\u202E\u2066-\u2069\uFEFF]/gu, (one) => one === "\n" ? one : "")
    .replace(/ *\n */g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim()

/** At most `length` characters and an ellipsis, cut between words where there are any. */
export const shortened = (text: string, length: number): string => {
  if (text.length <= length) return text
  let cut = 0
  let space = 0
  for (const { index, segment } of graphemes.segment(text.slice(0, length + 64))) {
    if (index + segment.length > length) break
    cut = index + segment.length
    if (/^\s/.test(segment)) space = index
  }
  const end = /^\s/.test(text.slice(cut)) || space < length / 2 ? cut : space
  return `${text.slice(0, end === 0 ? length : end).toWellFormed().replace(/[\s,;:–—-]+$/, "")}…`
}

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" })
