/** A ladder without a network: a scripted provider and cache under the real steps, on the virtual clock. */
import { Effect, Layer, Option } from "effect"
import type { AiAnswer, AiRequest } from "../../src/domain/Ai.ts"
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
  /** The script of another provider, which is asked when the first one is out; none: there is just one. */
  readonly second?: ReadonlyArray<Attempt>
  readonly find?: Find
  readonly template?: RenderedTemplate
  readonly breaker?: CircuitBreakerOptions
  readonly limiter?: RateLimiterOptions
}

/** A provider that follows its script, and what was seen of it. */
const makeProvider = (name: string, script: ReadonlyArray<Attempt>) => {
  const seen = {
    calls: 0,
    running: 0,
    peak: 0,
    interrupted: 0,
    startedAt: Array<number>(),
    prompts: Array<string>()
  }
  const generate: Attempt = (request) =>
    Effect.clockWith((clock) => {
      const attempt = script[Math.min(seen.calls, script.length - 1)] ?? answers
      seen.calls += 1
      seen.running += 1
      seen.peak = Math.max(seen.peak, seen.running)
      seen.startedAt.push(clock.currentTimeMillisUnsafe())
      seen.prompts.push(request.prompt)
      const interrupted = Effect.sync(() => {
        seen.interrupted += 1
      })
      const ended = Effect.sync(() => {
        seen.running -= 1
      })
      return Effect.ensuring(Effect.onInterrupt(attempt(request), () => interrupted), ended)
    })
  return { seen, client: { provider: name, generate, stream: inOnePiece(generate) } }
}

/** The real ladder over scripted ends, and what has been seen at them. */
export const makeLadder = ({ breaker, find, limiter, script, second, template, ...options }: Scripted) => {
  const first = makeProvider(provider, script)
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
