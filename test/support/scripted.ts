/** A ladder without a network: a scripted provider and cache under the real steps, on the virtual clock. */
import { Effect, Exit, Layer, Option, Stream } from "effect"
import type { AiAnswer, AiPart, AiRequest } from "../../src/domain/Ai.ts"
import { type AiError, AiUnavailable } from "../../src/domain/errors.ts"
import { defaultNamespace, GenerationId, type GenerationRequest } from "../../src/domain/Generation.ts"
import { inOnePiece } from "../../src/services/ai/inOnePiece.ts"
import { CircuitBreaker, type CircuitBreakerOptions } from "../../src/services/CircuitBreaker.ts"
import { type CacheMatch, FallbackCache, type RememberedAnswer } from "../../src/services/FallbackCache.ts"
import { Generator, type GeneratorOptions } from "../../src/services/Generator.ts"
import { Providers } from "../../src/services/Providers.ts"
import { RateLimiter, type RateLimiterOptions } from "../../src/services/RateLimiter.ts"
import { type RenderedTemplate, Templates } from "../../src/services/Templates.ts"

export const provider = "scripted"
export const secondProvider = "second"

type Attempt = (request: AiRequest) => Effect.Effect<AiAnswer, AiError>
type StreamAttempt = (request: AiRequest) => Stream.Stream<AiPart, AiError>
type Find = FallbackCache["Service"]["find"]

/** Answers at once. */
export const answers: Attempt = (request) =>
  Effect.succeed({
    text: `answer to ${request.prompt}`,
    model: "m-1",
    usage: { inputTokens: 1, outputTokens: 2 },
    isComplete: true
  })

export const failsWith = (error: AiError): Attempt => () => Effect.fail(error)

/** Fails at once, as a provider that is down. */
export const fails: Attempt = failsWith(new AiUnavailable({ provider, status: 503, detail: "status 503" }))

export const hangs: Attempt = () => Effect.never

export const takes = (millis: number, then: Attempt = answers): Attempt => (request) =>
  Effect.delay(then(request), millis)

export interface Piece {
  /** Before it, in milliseconds. */
  readonly after?: number
  readonly text: string
}

/** A stream that begins at once, sends these pieces, and ends well, or with `then`. */
export const sends = (pieces: ReadonlyArray<Piece>, then?: Effect.Effect<never, AiError>): StreamAttempt => () => {
  const begin: AiPart = { _tag: "Begin", model: "m-1" }
  const text = pieces.map((piece) => piece.text).join("")
  const end: AiPart = { _tag: "End", answer: { text, model: "m-1", usage: undefined, isComplete: true } }
  return Stream.make(begin).pipe(
    Stream.concat(Stream.mapEffect(
      Stream.fromIterable(pieces),
      ({ after = 0, text }) => Effect.delay(Effect.succeed<AiPart>({ _tag: "Delta", text }), after)
    )),
    Stream.concat(then === undefined ? Stream.make(end) : Stream.fromEffect(then))
  )
}

/** Finds this one, whatever is asked. */
export const finds = (match: Partial<CacheMatch> = {}): Find => () =>
  Effect.succeedSome({
    id: GenerationId.make("gen_earlier"),
    text: "an earlier answer",
    model: "m-1",
    usage: undefined,
    match: "similar",
    similarity: 0.9,
    ageMillis: 1_000,
    ...match
  })

export const aTemplate: RenderedTemplate = { name: "generic", text: "a template to fill in" }

export interface Scripted extends GeneratorOptions {
  /** What the provider does, attempt by attempt; the last one for ever. */
  readonly script: ReadonlyArray<Attempt>
  /** What it does when it is asked to answer in pieces; none: the same, in one piece. */
  readonly streams?: ReadonlyArray<StreamAttempt>
  /** The script of another provider, which is asked when the first one is out; none: there is just one. */
  readonly second?: ReadonlyArray<Attempt>
  readonly find?: Find
  readonly template?: RenderedTemplate
  readonly breaker?: CircuitBreakerOptions
  readonly limiter?: RateLimiterOptions
}

/** A provider that follows its script, and what was seen of it. */
const makeProvider = (name: string, script: ReadonlyArray<Attempt>, streams?: ReadonlyArray<StreamAttempt>) => {
  const seen = {
    calls: 0,
    running: 0,
    peak: 0,
    interrupted: 0,
    startedAt: Array<number>(),
    prompts: Array<string>()
  }
  const begin = <A>(steps: ReadonlyArray<A>, { prompt }: AiRequest) =>
    Effect.clockWith((clock) => {
      const step = steps[Math.min(seen.calls, steps.length - 1)]
      seen.calls += 1
      seen.running += 1
      seen.peak = Math.max(seen.peak, seen.running)
      seen.startedAt.push(clock.currentTimeMillisUnsafe())
      seen.prompts.push(prompt)
      return Effect.succeed(step)
    })
  const end = (exit: Exit.Exit<unknown, unknown>) =>
    Effect.sync(() => {
      seen.running -= 1
      if (Exit.hasInterrupts(exit)) seen.interrupted += 1
    })
  const generate: Attempt = (request) =>
    Effect.flatMap(begin(script, request), (attempt = answers) => Effect.onExit(attempt(request), end))
  const stream: StreamAttempt = streams === undefined
    ? inOnePiece(generate)
    : (request) =>
      Stream.unwrap(
        Effect.map(begin(streams, request), (attempt = sends([])) => Stream.onExit(attempt(request), end))
      )
  return { seen, client: { provider: name, generate, stream } }
}

/** The real ladder over scripted ends, and what has been seen at them. */
export const makeLadder = (
  { breaker, find, limiter, script, second, streams, template, ...options }: Scripted
) => {
  const first = makeProvider(provider, script, streams)
  const next = makeProvider(secondProvider, second ?? [])
  const remembered: Array<RememberedAnswer> = []
  const layer = Generator.layer(options).pipe(
    Layer.provideMerge(Layer.mergeAll(
      Providers.layerList([{ client: first.client }, ...second === undefined ? [] : [{ client: next.client }]]),
      Layer.succeed(FallbackCache, {
        find: find ?? (() => Effect.succeedNone),
        remember: (answer) => Effect.sync(() => void remembered.push(answer)),
        rememberAll: (answers) => Effect.succeed(answers.length),
        unembedded: Effect.succeed(0),
        quarantine: () => Effect.succeed(false),
        forget: () => Effect.succeed(false),
        erase: () => Effect.succeed(0)
      }),
      Layer.succeed(Templates, {
        render: () => Effect.succeed(Option.fromUndefinedOr(template)),
        erase: () => Effect.succeed(0)
      }),
      CircuitBreaker.layerMemory(breaker),
      RateLimiter.layer(limiter)
    ))
  )
  return { layer, seen: Object.assign(first.seen, { remembered, second: next.seen }) }
}

export const request = (prompt: string, more: Partial<GenerationRequest> = {}): GenerationRequest => ({
  namespace: defaultNamespace,
  prompt,
  maxTokens: 100,
  remember: true,
  ...more
})
