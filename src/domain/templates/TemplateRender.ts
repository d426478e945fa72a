/** Fills a template in. The prompt is foreign text: it can neither open a placeholder nor a block of Markdown or HTML. */
import { cleanText, shortened, subjectOf } from "../similarity/Subject.ts"
import type { Segment, Template } from "./Template.ts"

/**
 * The first line of every rendered template, by language. It is no part of the files, so that none can lack it; a
 * template in another language carries the English line.
 */
const english =
  "**This is a template to fill in, not a generated draft.** Replace what stands in [brackets], then delete this line."
const labels: ReadonlyMap<string, string> = new Map([
  ["en", english],
  [
    "de",
    "**Das ist eine Vorlage zum Ausfüllen, kein generierter Entwurf.** Bitte ersetzen, was in [Klammern] steht, und diese Zeile löschen."
  ],
  [
    "fr",
    "**Ceci est un modèle à compléter, pas un texte généré.** Remplacez ce qui est entre [crochets], puis supprimez cette ligne."
  ],
  [
    "es",
    "**Esto es una plantilla para completar, no un borrador generado.** Sustituya lo que está entre [corchetes] y borre esta línea."
  ],
  [
    "it",
    "**Questo è un modello da compilare, non una bozza generata.** Sostituire quanto è tra [parentesi], poi eliminare questa riga."
  ],
  [
    "nl",
    "**Dit is een sjabloon om in te vullen, geen gegenereerd concept.** Vervang wat tussen [haken] staat en verwijder deze regel."
  ],
  [
    "pt",
    "**Este é um modelo para preencher, não um rascunho gerado.** Substitua o que está entre [colchetes] e apague esta linha."
  ]
])

/** The most of a prompt that `{{prompt}}` repeats, in characters. */
const promptLength = 2000

/** Markdown: the label line, then the template's body with its placeholders filled from the prompt. */
export const renderTemplate = (template: Template, prompt: string): string => {
  const subject = escapeInline(subjectOf(prompt) || "…")
  const title = capitalised(template.title.map((part) => "text" in part ? part.text : subject).join(""))
  const brief = shortened(cleanText(prompt), promptLength)
  const lines = brief.split("\n").map((line) => escapeInline(line.trim()))
  const fill = (part: Segment): string => {
    if ("text" in part) return part.text
    if (part.placeholder === "title") return title
    if (part.placeholder === "subject") return subject
    return part.quote === undefined
      ? escapeInline(brief.replace(/\s+/g, " "))
      : lines.join(`\n${part.quote}`)
  }
  return `> ${labelOf(template.locale)}\n\n${template.body.map(fill).join("").trim()}\n`
}

const labelOf = (locale: string | undefined): string =>
  labels.get(locale?.split(/[-_]/)[0]?.toLowerCase() ?? "en") ?? english

/**
 * One line of foreign text, shown as it was written wherever it stands: HTML and character references, links, images,
 * code, emphasis, table cells, and what would open a block at the start of a line.
 */
const escapeInline = (line: string): string =>
  line
    .replace(/[\\`*[\]|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\$&")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/^(?:[#+=-])/, "\\$&")
    .replace(/^(\d+)([.)])(?=\s|$)/, "$1\\$2")

/** Begins a title with a capital, but leaves names such as "iPhone" alone. */
const capitalised = (title: string): string => {
  const [word = ""] = title.split(/\s/, 1)
  return word === word.toLowerCase() ? title.replace(/^\p{Ll}/u, (first) => first.toUpperCase()) : title
}
