/** `understudy calibrate`: what the configured embedder and the guard serve of labelled pairs, per threshold. */
import { Array, Console, Effect, Option, Schema } from "effect"
import {
  type LabelledPair,
  type Outcome,
  outcomeAt,
  recommend,
  type ScoredPair,
  thresholds
} from "../domain/similarity/Calibration.ts"
import { objectionTo } from "../domain/similarity/Guard.ts"
import { normalizePrompt } from "../domain/similarity/Prompt.ts"
import { promptTraits } from "../domain/similarity/PromptTraits.ts"
import { similarity } from "../domain/similarity/TextVector.ts"
import { load } from "../layers/AppConfig.ts"
import * as EmbedderLayers from "../layers/EmbedderLayers.ts"
import * as ProviderConfig from "../layers/ProviderConfig.ts"
import { Embedder } from "../services/Embedder.ts"
import { calibrationHtml } from "./calibrationHtml.ts"
import type { Calibration } from "./calibrationResult.ts"
import { calibrationJson, calibrationText } from "./calibrationText.ts"
import { failed } from "./CommandFailed.ts"
import { listProblems, readJsonLines } from "./jsonLines.ts"
import { writeText } from "./outputFile.ts"

const Pair = Schema.Struct({ a: Schema.String, b: Schema.String, same: Schema.Boolean, kind: Schema.NonEmptyString })

const example = "{\"a\": \"…\", \"b\": \"…\", \"same\": true or false, \"kind\": \"…\"}"

/** Texts per call of the embedder. */
const batchSize = 64

/** The hundredths, and what is set now. */
const outcomesOf = (pairs: ReadonlyArray<ScoredPair>, current: number): ReadonlyArray<Outcome> =>
  [...new Set([...thresholds, current])].sort((a, b) => a - b).map((threshold) => outcomeAt(pairs, threshold))

export const calibrate = Effect.fnUntraced(function*(input: {
  readonly pairs: string
  readonly wrongRate: number
  readonly html: Option.Option<string>
  readonly json: boolean
}) {
  const config = yield* load
  const { lines, problems } = yield* readJsonLines(input.pairs, Pair, example)
  if (problems.length > 0) return yield* failed("the pairs cannot be used:", ...listProblems(problems))
  const layer = EmbedderLayers.alone(config, yield* ProviderConfig.load(config))
  const { embedder, pairs } = yield* Effect.provide(score(lines.map(({ value }) => value)), layer)
  const outcomes = outcomesOf(pairs, config.fallbackMinSimilarity)
  const calibration: Calibration = {
    file: input.pairs,
    embedder,
    pairs,
    outcomes,
    recommendation: recommend(outcomes, input.wrongRate),
    wrongRate: input.wrongRate,
    current: config.fallbackMinSimilarity
  }
  if (Option.isSome(input.html)) yield* writeText(input.html.value, calibrationHtml(calibration))
  yield* Console.log(input.json ? calibrationJson(calibration) : calibrationText(calibration))
  if (Option.isSome(input.html) && !input.json) yield* Console.log(`\nThe report is in ${input.html.value}.`)
})

/** Every prompt is embedded once, however many pairs it stands in. */
const score = Effect.fnUntraced(function*(pairs: ReadonlyArray<LabelledPair>) {
  const embedder = yield* Embedder
  const prompts = [...new Set(pairs.flatMap(({ a, b }) => [a, b]))]
  const vectors = new Map<string, Float32Array>()
  for (const batch of Array.chunksOf(prompts, batchSize)) {
    const embedded = yield* embedder.embedMany(batch)
    for (const [index, prompt] of batch.entries()) {
      const vector = embedded[index]
      if (vector !== undefined) vectors.set(prompt, vector)
    }
  }
  return { embedder: embedder.name, pairs: pairs.map((pair) => scored(pair, vectors)) }
})

const scored = (pair: LabelledPair, vectors: ReadonlyMap<string, Float32Array>): ScoredPair => {
  const [left, right] = [vectors.get(pair.a), vectors.get(pair.b)]
  // As in the cache: the exact match asks neither the threshold nor the guard.
  if (normalizePrompt(pair.a) === normalizePrompt(pair.b)) return { ...pair, similarity: 1, objection: undefined }
  return {
    ...pair,
    similarity: left === undefined || right === undefined ? 0 : Math.min(1, similarity(left, right)),
    objection: objectionTo(promptTraits(pair.a), promptTraits(pair.b))?.kind
  }
}
