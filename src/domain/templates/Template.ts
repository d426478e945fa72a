/** A Markdown template with front matter, parsed once: placeholders are found here and never looked for again. */
import { Result, Schema } from "effect"

/** Cannot be used as a template. The message is `file:line: what is wrong, and what to do`. */
export class TemplateInvalid extends Schema.TaggedError<TemplateInvalid>()("TemplateInvalid", {
  file: Schema.String,
  line: Schema.Int,
  problem: Schema.String
}) {
  override get message() {
    return `${this.file}:${this.line}: ${this.problem}`
  }
}

type Placeholder = "subject" | "prompt" | "title"

/** Literal text, or a hole; `quote` is the `> ` before a hole that opens a line of a block quote. */
export type Segment =
  | { readonly text: string }
  | { readonly placeholder: Placeholder; readonly quote: string | undefined }

/** A page to fill in, parsed; `parseTemplate` makes it of a file's text. */
export interface Template {
  /** Unique within a folder; the file's name without `.md` when the front matter gives none. */
  readonly name: string
  /** For example "blog_post"; "generic" serves every request that no other template fits. */
  readonly contentType: string
  /** BCP 47; absent: fits every locale. */
  readonly locale: string | undefined
  /** Words of the subjects that it is meant for; none: for every subject. */
  readonly keywords: ReadonlyArray<string>
  /** Holds `subject` at most. */
  readonly title: ReadonlyArray<Segment>
  readonly body: ReadonlyArray<Segment>
}

/** The content type of a template that serves everything. */
export const genericContentType = "generic"

/** Reads one template. `file` names it in errors, and gives the default name. */
export const parseTemplate = (file: string, source: string): Result.Result<Template, TemplateInvalid> =>
  Result.gen(function*() {
    const lines = source.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n").split("\n")
    const garbled = lines.findIndex((line) => line.includes("\uFFFD"))
    if (garbled >= 0) {
      return yield* invalid(file, garbled + 1, "a character cannot be read: save the file as UTF-8")
    }
    const { end, fields } = yield* frontMatter(file, lines)
    const title = fields.get("title")
    if (title === undefined) {
      return yield* invalid(file, end + 1, "the title is missing: add a line like \"title: About {{subject}}\"")
    }
    const locale = fields.get("locale")
    if (locale !== undefined && !isLocale(locale.value)) {
      return yield* invalid(file, locale.line, `"${locale.value}" is no locale: write for example en, de or de-AT`)
    }
    const body = lines.slice(end + 1)
    if (body.every((line) => line.trim() === "")) {
      return yield* invalid(file, end + 1, "nothing follows the front matter: write the template's Markdown below it")
    }
    return {
      name: fields.get("name")?.value ?? file.replace(/^.*[/\\]/, "").replace(/\.md$/i, ""),
      contentType: fields.get("content_type")?.value ?? genericContentType,
      locale: locale?.value,
      keywords: listOf(fields.get("keywords")?.value),
      title: yield* segments(file, title.line, [title.value], ["subject"]),
      body: yield* segments(file, end + 2, body, ["subject", "prompt", "title"])
    }
  })

/** More of one file are not worth reading at once. */
const maxProblems = 20

/**
 * All that is wrong with a template, in the order of its lines; empty when `parseTemplate` reads it. A mistake in the
 * front matter hides those that follow it.
 */
export const templateProblems = (file: string, source: string): ReadonlyArray<TemplateInvalid> => {
  const lines = source.split(/\r\n?|\n/)
  const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === "---")
  const problems: Array<TemplateInvalid> = []
  while (problems.length < maxProblems) {
    const result = parseTemplate(file, lines.join("\n"))
    if (Result.isSuccess(result)) break
    const { line } = result.failure
    problems.push(result.failure)
    if (end < 0 || line <= end + 1 || lines[line - 1] === mended) break
    lines[line - 1] = mended
  }
  return problems
}

/** Stands in for a line whose problem is known already. */
const mended = "."

type Parsed<A> = Result.Result<A, TemplateInvalid>

const keys = ["name", "content_type", "locale", "keywords", "title"]

const listOf = (value: string | undefined): ReadonlyArray<string> =>
  (value ?? "").split(",").map((one) => one.trim()).filter((one) => one !== "")

const invalid = (file: string, line: number, problem: string): Result.Result<never, TemplateInvalid> =>
  Result.fail(new TemplateInvalid({ file, line, problem }))

const isLocale = (value: string): boolean => /^[a-z]{2,3}(?:[-_][a-z0-9]{2,8})*$/i.test(value)

interface Field {
  readonly value: string
  readonly line: number
}

const frontMatter = (
  file: string,
  lines: ReadonlyArray<string>
): Parsed<{ readonly fields: ReadonlyMap<string, Field>; readonly end: number }> =>
  Result.gen(function*() {
    if (lines[0]?.trimEnd() !== "---") {
      return yield* invalid(file, 1, "front matter is missing: begin the file with ---, \"title: …\" and ---")
    }
    const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === "---")
    if (end < 0) {
      return yield* invalid(file, 1, "the front matter does not end: close it with a line that holds only ---")
    }
    const fields = new Map<string, Field>()
    for (const [index, text] of lines.slice(1, end).entries()) {
      const line = index + 2
      if (text.trim() === "" || text.trimStart().startsWith("#")) continue
      const [, key = "", rest = ""] = /^([^\s:][^:]*?)\s*:(?:\s+(.*))?$/.exec(text.trimEnd()) ?? []
      const value = rest.trim().replace(/^(["'])(.*)\1$/, "$2").trim()
      if (key === "") {
        return yield* invalid(file, line, "this is not \"key: value\": write one key, a colon, a space and its value")
      }
      if (!keys.includes(key)) {
        return yield* invalid(file, line, `unknown key "${key}": use only ${listed(keys)}`)
      }
      if (fields.has(key)) return yield* invalid(file, line, `"${key}" stands here twice: keep one of the two`)
      if (value === "") return yield* invalid(file, line, `"${key}" is empty: give it a value or remove the line`)
      fields.set(key, { value, line })
    }
    return { fields, end }
  })

const segments = (
  file: string,
  firstLine: number,
  lines: ReadonlyArray<string>,
  allowed: ReadonlyArray<Placeholder>
): Parsed<ReadonlyArray<Segment>> =>
  Result.gen(function*() {
    const found: Array<Segment> = []
    for (const [index, line] of lines.entries()) {
      const [start = "", ...rest] = line.split("{{")
      found.push({ text: start })
      const quote = /^(?:\s*>)+\s*$/.test(start) ? start : undefined
      for (const [hole, part] of rest.entries()) {
        const close = part.indexOf("}}")
        if (close < 0) {
          return yield* invalid(file, firstLine + index, "a placeholder is not closed: write {{subject}}, or \\{\\{")
        }
        const name = part.slice(0, close).trim()
        const placeholder = allowed.find((one) => one === name)
        if (placeholder === undefined) {
          const known = listed(allowed.map((one) => `{{${one}}}`))
          return yield* invalid(file, firstLine + index, `unknown placeholder {{${name}}}: use only ${known} here`)
        }
        found.push({ placeholder, quote: hole === 0 ? quote : undefined })
        found.push({ text: part.slice(close + 2) })
      }
      if (index < lines.length - 1) found.push({ text: "\n" })
    }
    return found
  })

const listed = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`
