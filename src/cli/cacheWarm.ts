/** `understudy cache warm`: drafts that people wrote or approved, stored as if they had been answered live. */
import { Array, Clock, Console, Effect, Layer, Random, Schema, Stdio, Terminal } from "effect"
import { cacheKey, toCacheEntry } from "../domain/CacheEntry.ts"
import { GenerationId, type Namespace } from "../domain/Generation.ts"
import { generationIds } from "../domain/GenerationId.ts"
import { counted } from "../domain/text/Table.ts"
import { load } from "../layers/AppConfig.ts"
import { isSimulated, realAnswers, simulatedSpace } from "../layers/CacheLayers.ts"
import * as EmbedderLayers from "../layers/EmbedderLayers.ts"
import * as ProviderConfig from "../layers/ProviderConfig.ts"
import { Embedder } from "../services/Embedder.ts"
import { FallbackCache, type RememberedAnswer } from "../services/FallbackCache.ts"
import { failed } from "./CommandFailed.ts"
import { type Line, listProblems, readJsonLines } from "./jsonLines.ts"
import { database } from "./store.ts"

/** What `model` says of a draft that no model wrote. */
const noModel = "draft"

/** As `POST /generate` takes them, so that every draft can be asked for. */
const Name = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200))
const Draft = Schema.Struct({
  prompt: Schema.String.check(Schema.isPattern(/\S/u), Schema.isMaxLength(200_000)),
  text: Schema.String.check(Schema.isPattern(/\S/u)),
  content_type: Schema.optionalKey(Schema.NullOr(Name)),
  locale: Schema.optionalKey(Schema.NullOr(Name)),
  model: Schema.optionalKey(Schema.NullOr(Name)),
  id: Schema.optionalKey(Schema.NullOr(Name))
})

const example = "{\"prompt\": \"…\", \"text\": \"…\"}, and content_type, locale, model and id where there are any"

/** Stored at a time; the progress moves on with each. */
const batchSize = 64

export const warmCache = Effect.fnUntraced(function*({ file, namespace, skipInvalid }: {
  readonly file: string
  readonly namespace: Namespace
  readonly skipInvalid: boolean
}) {
  const { lines, problems } = yield* readJsonLines(file, Draft, example)
  const { answers, rejected } = yield* toAnswers(lines, namespace)
  const wrong = [...problems, ...rejected]
  if (wrong.length > 0 && !skipInvalid) {
    return yield* failed("nothing is stored (--skip-invalid stores the other lines):", ...listProblems(wrong))
  }
  for (const problem of wrong) yield* Console.error(`skipped ${problem}`)
  const drafts = newestOfEachPrompt(answers)
  const config = yield* load
  const providers = yield* ProviderConfig.load(config)
  const embedder = EmbedderLayers.alone(config, providers)
  // Without vectors a draft is found by its very words only, and a wrong key would show in nothing else.
  const [first] = answers
  if (first !== undefined) {
    yield* Effect.provide(Effect.flatMap(Embedder, ({ embed }) => embed(first.prompt)), embedder)
  }

  const stored = yield* Effect.gen(function*() {
    const real = yield* storeAll(drafts)
    // Whoever tries the service without a provider expects to find them, too.
    if (isSimulated(providers)) yield* Effect.provide(storeAll(drafts), simulatedSpace)
    return real
  }).pipe(Effect.provide(Layer.provideMerge(Layer.provide(realAnswers(config), embedder), database)))

  if (stored < drafts.length) {
    return yield* failed(`${stored} of ${drafts.length} drafts are stored: the database refused the others`)
  }
  yield* Console.log(
    `Stored ${counted(stored, "draft")} in namespace "${namespace}"`
      + (wrong.length > 0 ? `, ${counted(wrong.length, "line")} skipped` : "")
      + (drafts.length < answers.length
        ? `, ${counted(answers.length - drafts.length, "line")} replaced by a later one with the same prompt`
        : "")
      + "."
  )
})

/** Those that would replace each other are stored once, so that the count is that of what can be found. */
const newestOfEachPrompt = (answers: ReadonlyArray<RememberedAnswer>): ReadonlyArray<RememberedAnswer> => {
  const newest = new Map<string, RememberedAnswer>()
  for (const answer of answers) {
    const entry = toCacheEntry(answer)
    if (entry !== undefined) newest.set(cacheKey(entry), answer)
  }
  return [...newest.values()]
}

/** What the cache would not have is said now, and not found missing later. */
const toAnswers = Effect.fnUntraced(function*(lines: ReadonlyArray<Line<typeof Draft.Type>>, namespace: Namespace) {
  const newId = generationIds(yield* Clock.currentTimeMillis, yield* Random.nextInt, yield* Random.nextInt)
  const ids = new Map<string, string>()
  const answers: Array<RememberedAnswer> = []
  const rejected: Array<string> = []
  for (const { place, value } of lines) {
    const answer: RememberedAnswer = {
      id: value.id == null ? newId() : GenerationId.make(value.id),
      namespace,
      prompt: value.prompt,
      text: value.text,
      contentType: value.content_type ?? undefined,
      locale: value.locale ?? undefined,
      model: value.model ?? noModel,
      usage: undefined
    }
    const other = ids.get(answer.id)
    ids.set(answer.id, place)
    if (other !== undefined) rejected.push(`${place}: the id "${answer.id}" stands at ${other} already`)
    else if (toCacheEntry(answer) === undefined) rejected.push(`${place}: it holds characters that cannot be stored`)
    else answers.push(answer)
  }
  return { answers, rejected }
})

const storeAll = Effect.fnUntraced(function*(answers: ReadonlyArray<RememberedAnswer>) {
  const cache = yield* FallbackCache
  const stdio = yield* Stdio.Stdio
  const terminal = yield* Terminal.Terminal
  const isWatched = yield* stdio.stdoutIsTerminal
  let stored = 0
  let done = 0
  for (const batch of Array.chunksOf(answers, batchSize)) {
    stored += yield* cache.rememberAll(batch)
    done += batch.length
    const isLast = done === answers.length
    if (isWatched) yield* terminal.display(`\r${done} of ${answers.length} drafts${isLast ? "\n" : ""}`)
  }
  return stored
})
