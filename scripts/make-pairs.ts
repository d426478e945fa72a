/**
 * `node scripts/make-pairs.ts source.json > pairs.jsonl`: prints pairs of prompts, one JSON object per line, from request wordings,
 * subjects and near misses. Always the same for the same source: which wordings meet is counted, not drawn.
 */
import { Schema } from "effect"
import { readFileSync } from "node:fs"

const Twins = Schema.Record(Schema.String, Schema.Array(Schema.Tuple([Schema.String, Schema.String])))

const Source = Schema.Struct({
  /** Request wordings and subjects by language; `{s}` is where the subject stands. */
  templates: Schema.Record(Schema.String, Schema.Array(Schema.String)),
  subjects: Schema.Record(Schema.String, Schema.Array(Schema.String)),
  /** Subjects that differ in one thing that matters, by language and by what is different. */
  near: Schema.Record(Schema.String, Twins),
  /** Whole prompts: kind, the two prompts and, for a near miss, what is different. */
  pairs: Schema.Array(Schema.Array(Schema.String))
})

export interface Pair {
  readonly a: string
  readonly b: string
  readonly same: boolean
  readonly kind: string
  readonly about?: string | undefined
}

const kinds = { paraphrase: "paraphrase", other: "other subject", near: "near miss" }

/** Paraphrases and other subjects per subject, near misses per twin. */
const rounds = 4

const pairsOf = (source: typeof Source.Type): ReadonlyArray<Pair> => {
  const pairs: Array<Pair> = []
  for (const [language, subjects] of Object.entries(source.subjects)) {
    const ask = wordings(source.templates[language] ?? [])
    subjects.forEach((subject, index) => {
      for (let round = 0; round < (language === "en" ? rounds : 3); round++) {
        const [first, second] = ask.next()
        pairs.push({ a: first(subject), b: second(subject), same: true, kind: kinds.paraphrase })
        const other = subjects[(index + 1 + round * 7) % subjects.length]
        if (other === undefined || other === subject || round > 2) continue
        const sameWording = round === 0
        pairs.push({ a: first(subject), b: (sameWording ? first : second)(other), same: false, kind: kinds.other })
      }
    })
    for (const [about, twins] of Object.entries(source.near[language] ?? {})) {
      for (const [left, right] of twins) {
        const [first, second] = ask.next()
        pairs.push({ a: first(left), b: first(right), same: false, kind: kinds.near, about })
        pairs.push({ a: second(left), b: first(right), same: false, kind: kinds.near, about })
      }
    }
  }
  for (const [kind = "", a = "", b = "", about] of source.pairs) {
    pairs.push({ a, b, same: kind === kinds.paraphrase, kind, ...(about === undefined ? {} : { about }) })
  }
  return pairs
}

/** Two different wordings at a time; the second goes round the list at another pace, so that all meet. */
const wordings = (templates: ReadonlyArray<string>) => {
  let turn = 0
  const at = (index: number) => (subject: string) =>
    (templates[index % templates.length] ?? "{s}").replace("{s}", () => subject)
  return {
    next: () => {
      const step = 1 + Math.floor(turn / templates.length) * 5 % Math.max(templates.length - 1, 1)
      const first = turn++
      return [at(first), at(first + step)] as const
    }
  }
}

/** Throws where the file cannot be read or is no source. */
export const readPairs = (path: string): ReadonlyArray<Pair> =>
  pairsOf(Schema.decodeSync(Schema.fromJsonString(Source))(readFileSync(path, "utf8")))

if (import.meta.main) {
  const path = process.argv[2]
  if (path === undefined) {
    process.stderr.write("Name a source: node scripts/make-pairs.ts test/fixtures/first-pairs.json\n")
    process.exitCode = 1
  } else process.stdout.write(readPairs(path).map((pair) => `${JSON.stringify(pair)}\n`).join(""))
}
