/**
 * `node scripts/calibrate.ts [pairs.jsonl]`: what local embedder and guard serve of each kind of pair, per threshold. A line
 * is `{"a": prompt, "b": prompt, "same": boolean, "kind": string}`.
 */
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { shareOf } from "../src/domain/similarity/Calibration.ts"
import { type Objection, objectionTo } from "../src/domain/similarity/Guard.ts"
import { promptTraits } from "../src/domain/similarity/PromptTraits.ts"
import { defaultMinSimilarity, similarity } from "../src/domain/similarity/TextVector.ts"
import { Embedder } from "../src/services/Embedder.ts"
import { readPairs } from "./make-pairs.ts"

const Pair = Schema.Struct({ a: Schema.String, b: Schema.String, same: Schema.Boolean, kind: Schema.String })

export interface ScoredPair {
  readonly a: string
  readonly b: string
  readonly kind: string
  readonly similarity: number
  /** What the guard says against it. */
  readonly objection: Objection | undefined
}

export interface Served {
  readonly served: number
  readonly of: number
  /** Wilson score interval, 95 %. */
  readonly low: number
  readonly high: number
}

const developmentPairs = fileURLToPath(new URL("../../shared/data/prompt-pairs.jsonl", import.meta.url))

const decodePair = Schema.decodeUnknownSync(Schema.fromJsonString(Pair))

/** Of a file of pairs, or of a source of `make-pairs.ts`. Throws an `Error` that names the file or the line. */
export const scorePairs = (path: string): Promise<ReadonlyArray<ScoredPair>> =>
  Effect.gen(function*() {
    const embedder = yield* Embedder
    const pairs = path.endsWith(".json") ?
      readPairs(path) :
      readLines(path).flatMap((line, index) => line.trim() === "" ? [] : [parseLine(line, `${path}:${index + 1}`)])
    return yield* Effect.forEach(pairs, (pair) =>
      Effect.map(Effect.all([embedder.embed(pair.a), embedder.embed(pair.b)]), ([left, right]) => ({
        ...pair,
        similarity: similarity(left, right),
        objection: objectionTo(promptTraits(pair.a), promptTraits(pair.b))
      })))
  }).pipe(Effect.provide(Embedder.layerLocal), Effect.runPromise)

const readLines = (path: string): ReadonlyArray<string> => {
  try {
    return readFileSync(path, "utf8").split("\n")
  } catch (cause) {
    throw new Error(`${path} cannot be read: name a file of pairs, one JSON object per line`, { cause })
  }
}

const parseLine = (line: string, place: string): typeof Pair.Type => {
  try {
    return decodePair(line)
  } catch (cause) {
    throw new Error(`${place}: not a pair like {"a": "…", "b": "…", "same": true, "kind": "…"}`, { cause })
  }
}

export const servedAt = (pairs: ReadonlyArray<ScoredPair>, kind: string, threshold: number): Served => {
  const ofKind = pairs.filter((pair) => pair.kind === kind)
  const served = ofKind.filter((pair) => pair.similarity >= threshold && pair.objection === undefined).length
  const { high, low, of } = shareOf(served, ofKind.length)
  return { served, of, low, high }
}

const thresholds = [0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9]

const percent = (share: number) => `${(share * 100).toFixed(1)} %`

const cell = ({ served, of, low, high }: Served) =>
  `${served}/${of} = ${percent(of === 0 ? 0 : served / of)} (${percent(low)} to ${percent(high)})`

const table = (pairs: ReadonlyArray<ScoredPair>): string => {
  const kinds = [...new Set(pairs.map((pair) => pair.kind))]
  const rows = thresholds.map((threshold) => [
    `${threshold.toFixed(2)}${threshold === defaultMinSimilarity ? " (default)" : ""}`,
    ...kinds.map((kind) => cell(servedAt(pairs, kind, threshold)))
  ])
  return [["threshold", ...kinds], ["---", ...kinds.map(() => "---")], ...rows]
    .map((row) => `| ${row.join(" | ")} |\n`).join("")
}

if (import.meta.main) {
  const path = process.argv[2] ?? developmentPairs
  try {
    process.stdout.write(`Served of ${path}, with 95 % Wilson intervals:\n\n${table(await scorePairs(path))}`)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
