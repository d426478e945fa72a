/** The ladder: live, else the closest earlier answer, else a template. The one place where the steps are composed. */
import { Clock, Context, Duration, Effect, Fiber, Layer, Random, type Result, type Scope } from "effect"
import { lengthOf, maxRemembered } from "../domain/CacheEntry.ts"
import type { AiError, AiRejected, GenerationUnavailable, LiveError, Recoverable } from "../domain/errors.ts"
import type {
  FallbackGeneration,
  Generation,
  GenerationId,
  GenerationRequest,
  LiveGeneration
} from "../domain/Generation.ts"
import { generationIds } from "../domain/GenerationId.ts"
import { deadlinesFrom } from "../domain/ladder/Deadlines.ts"
import { isRecoverable } from "../domain/ladder/ErrorTable.ts"
import { defaultRetryBudget, type RetryBudgetPolicy } from "../domain/ladder/RetryBudget.ts"
import { CircuitBreaker } from "./CircuitBreaker.ts"
import { FallbackCache } from "./FallbackCache.ts"
import { counted } from "./ladder/AnswerCounts.ts"
import { makeFallback } from "./ladder/Fallback.ts"
import { flightKey, makeFlights } from "./ladder/Flights.ts"
import { type LiveAnswer, makeLive } from "./ladder/Live.ts"
import type { Call } from "./ladder/ProviderStep.ts"
import { type GenerationStream, makeStreamedLadder } from "./ladder/StreamedLadder.ts"
import type { Refusal } from "./ladder/StreamRelay.ts"
import type { StreamSink } from "./ladder/StreamStep.ts"
import { Providers } from "./Providers.ts"
import { RateLimiter } from "./RateLimiter.ts"
import { generateSpan, type Manner } from "./telemetry/ladderSpans.ts"
import { Templates } from "./Templates.ts"

export type { GenerationStream } from "./ladder/StreamedLadder.ts"

/** The times and the retries of the ladder. */
export interface GeneratorOptions {
  /** The longest that one attempt may take, its body included. Default 30 seconds. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** From the request to the answer, waiting included. Default 60 seconds. */
  readonly totalTimeout?: Duration.Input | undefined
  /** The longest that a stream may take to its first piece. Default: as long as an attempt. */
  readonly firstTokenTimeout?: Duration.Input | undefined
  /** The longest silence in a stream, and the longest that its reader may take nothing of it. Default 20 seconds. */
  readonly stallTimeout?: Duration.Input | undefined
  /** Attempts per call, the first included. Default 2. */
  readonly maxAttempts?: number | undefined
  /** Upper bound of the wait before the second attempt; doubles with each. Default 1 second. */
  readonly retryBaseDelay?: Duration.Input | undefined
  /** Retries per provider and minute. Default: a fifth of its calls, and at least 10. */
  readonly retryBudget?: RetryBudgetPolicy | undefined
}

/** What came of one turn of a job at the live step. */
export interface BackgroundTurn {
  /** That reached a provider. */
  readonly attempts: number
  readonly result: Result.Result<LiveGeneration, LiveError>
}

/** The ladder. Errors say what is left: `live` fails with everything, `generate` with a refusal or nothing to show. */
export class Generator extends Context.Service<Generator, {
  /** The live step alone: no fallback, every error in the type. The answer is remembered. */
  readonly live: (request: GenerationRequest) => Effect.Effect<LiveGeneration, LiveError>
  /** Always an answer while there is anything honest to show; a refusal of the request itself is passed on. */
  readonly generate: (request: GenerationRequest) => Effect.Effect<Generation, AiRejected | GenerationUnavailable>
  /**
   * The same in pieces, once the first one is there: up to then all is as for `generate`, a fallback included. Closing
   * the scope ends the provider's call. A stream that breaks off says so, and is not remembered.
   */
  readonly stream: (
    request: GenerationRequest
  ) => Effect.Effect<GenerationStream, AiRejected | GenerationUnavailable, Scope.Scope>
  /**
   * One go at the live step for whoever has time: behind those who wait for an answer, and without waiting for a circuit
   * or a limit. Never fails: who asks looks at what it came to, and comes again. `withinMillis` is all that is left.
   */
  readonly background: (request: GenerationRequest, withinMillis: number) => Effect.Effect<BackgroundTurn>
  /** The fallback step alone, for whoever has no more time to go live. `attempts` is what the answer says of them. */
  readonly fallback: (
    request: GenerationRequest,
    error: Recoverable,
    attempts: number
  ) => Effect.Effect<FallbackGeneration, GenerationUnavailable>
  /** What the last attempts at the providers failed with; those that succeeded are left out. For operators. */
  readonly lastErrors: Effect.Effect<ReadonlyArray<AiError>>
}>()("understudy/services/Generator") {
  static readonly layer = (
    options: GeneratorOptions = {}
  ): Layer.Layer<Generator, never, Providers | CircuitBreaker | RateLimiter | FallbackCache | Templates> =>
    Layer.effect(Generator, make(options))
}

const make = Effect.fnUntraced(function*(options: GeneratorOptions) {
  const policy = policyOf(options)
  const { inOrder } = yield* Providers
  const cache = yield* FallbackCache
  const gates = { breaker: yield* CircuitBreaker, limiter: yield* RateLimiter }
  const { lastErrors, live } = makeLive(inOrder, gates, policy)
  const newId = generationIds(yield* Clock.currentTimeMillis, yield* Random.nextInt, yield* Random.nextInt)
  const fallback = makeFallback({ cache, templates: yield* Templates, newId })
  const flights = yield* makeFlights<undefined, Generation, Refusal>()

  const begin = (request: GenerationRequest, now: number, sink?: StreamSink): Call => ({
    request,
    deadlines: deadlinesFrom(policy, now),
    attempts: 0,
    sink
  })

  /** Hands a live answer to the cache, unless its asker said not to, and gives it a name. */
  const deliver = (call: Call, { answer, provider }: LiveAnswer, id: GenerationId): Effect.Effect<LiveGeneration> => {
    const { finishReason, isComplete, model, native, text, usage } = answer
    const { contentType, context, isExactOnly, locale, model: askedModel, namespace, prompt, remember } = call.request
    const isRemembered = remember && isComplete && lengthOf({ prompt, context, text }) <= maxRemembered
    const generation: LiveGeneration = {
      source: "live",
      id,
      text,
      attempts: call.attempts,
      provider,
      model,
      usage,
      isRemembered,
      finishReason: finishReason ?? (isComplete ? "stop" : "length"),
      native
    }
    const answered = {
      id,
      namespace,
      prompt,
      contentType,
      context,
      isExactOnly,
      locale,
      model,
      askedModel,
      text,
      usage
    }
    return isRemembered ? Effect.as(cache.remember(answered), generation) : Effect.succeed(generation)
  }

  const liveStep = (call: Call): Effect.Effect<LiveGeneration, LiveError> =>
    Effect.flatMap(live(call), (answer) => deliver(call, answer, newId()))

  /** Without the rest of the ladder. */
  const liveAlone = (call: Call, manner: Manner) => generateSpan(call.request, manner, liveStep(call))

  const ladder = (request: GenerationRequest): Effect.Effect<Generation, Refusal> =>
    Clock.clockWith((clock) => {
      const call = begin(request, clock.currentTimeMillisUnsafe())
      return Effect.catchIf(liveStep(call), isRecoverable, (error) => fallback(call, error))
    })

  /** One call for all who ask for the very same at the same time. */
  const sharedLadder = (request: GenerationRequest): Effect.Effect<Generation, Refusal> => {
    const key = flightKey(request)
    return key === undefined ? ladder(request) : Effect.acquireUseRelease(
      flights.board(key, () => ({ shared: undefined, call: ladder(request) })),
      ({ fiber }) => Fiber.join(fiber),
      flights.leave
    )
  }

  const stream = yield* makeStreamedLadder(
    { begin, live, deliver, fallback, newId },
    Duration.millis(policy.stallMillis)
  )

  return Generator.of({
    live: (request) => Clock.clockWith((clock) => liveAlone(begin(request, clock.currentTimeMillisUnsafe()), "whole")),
    generate: (request) => counted(generateSpan(request, "whole", sharedLadder(request)), (generation) => generation),
    stream: (request) => counted(stream(request), ({ start }) => start),
    background: (request, withinMillis) =>
      Clock.clockWith((clock) => {
        const totalMillis = Math.min(policy.totalMillis, withinMillis)
        const deadlines = deadlinesFrom({ ...policy, totalMillis }, clock.currentTimeMillisUnsafe())
        const call: Call = { request, deadlines, attempts: 0, isBackground: true }
        return Effect.map(
          Effect.result(liveAlone(call, "background")),
          (result) => ({ attempts: call.attempts, result })
        )
      }),
    fallback: (request, error, attempts) =>
      Clock.clockWith((clock) => fallback({ ...begin(request, clock.currentTimeMillisUnsafe()), attempts }, error)),
    lastErrors
  })
})

const policyOf = (options: GeneratorOptions) => ({
  attemptMillis: Duration.toMillis(options.attemptTimeout ?? "30 seconds"),
  totalMillis: Duration.toMillis(options.totalTimeout ?? "60 seconds"),
  firstTokenMillis: options.firstTokenTimeout === undefined ? undefined : Duration.toMillis(options.firstTokenTimeout),
  stallMillis: Duration.toMillis(options.stallTimeout ?? "20 seconds"),
  maxAttempts: options.maxAttempts ?? 2,
  baseDelayMillis: Duration.toMillis(options.retryBaseDelay ?? "1 second"),
  retryBudget: options.retryBudget ?? defaultRetryBudget
})
