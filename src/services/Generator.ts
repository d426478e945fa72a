/** The ladder: live, else the closest earlier answer, else a template. The one place where the steps are composed. */
import { Clock, Context, Duration, Effect, Layer, Metric, Random, type Stream } from "effect"
import { deadlinesFrom } from "../domain/Deadlines.ts"
import type { AiError, AiRejected, GenerationUnavailable, LiveError, StreamBroken } from "../domain/errors.ts"
import { fallbackReasonOf, isRecoverable } from "../domain/ErrorTable.ts"
import type {
  FallbackReason,
  Generation,
  GenerationRequest,
  LiveGeneration,
  StreamPart,
  StreamStart
} from "../domain/Generation.ts"
import { generationIds } from "../domain/GenerationId.ts"
import { defaultRetryBudget, type RetryBudgetPolicy } from "../domain/RetryBudget.ts"
import { CircuitBreaker } from "./CircuitBreaker.ts"
import { makeFallback } from "./Fallback.ts"
import { FallbackCache } from "./FallbackCache.ts"
import { type LiveAnswer, makeLive } from "./Live.ts"
import { Providers } from "./Providers.ts"
import type { Call } from "./ProviderStep.ts"
import { RateLimiter } from "./RateLimiter.ts"
import { Templates } from "./Templates.ts"

export interface GeneratorOptions {
  /** The longest that one attempt may take, its body included. Default 30 seconds. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** From the request to the answer, waiting included. Default 60 seconds. */
  readonly totalTimeout?: Duration.Input | undefined
  /** Attempts per call, the first included. Default 2. */
  readonly maxAttempts?: number | undefined
  /** Upper bound of the wait before the second attempt; doubles with each. Default 1 second. */
  readonly retryBaseDelay?: Duration.Input | undefined
  /** Retries per provider and minute. Default: a fifth of its calls, and at least 10. */
  readonly retryBudget?: RetryBudgetPolicy | undefined
}

/** An answer that has begun. */
export interface GenerationStream {
  readonly start: StreamStart
  /**
   * Its pieces, the last one an `End`. Fails when a live answer breaks off; a fallback never does. A reader may take its
   * time, and whoever joins late gets all of it.
   */
  readonly parts: Stream.Stream<StreamPart, StreamBroken>
}

export class Generator extends Context.Service<Generator, {
  /** The live step alone: no fallback, every error in the type. The answer is remembered. */
  readonly live: (request: GenerationRequest) => Effect.Effect<LiveGeneration, LiveError>
  /** Always an answer while there is anything honest to show; a refusal of the request itself is passed on. */
  readonly generate: (request: GenerationRequest) => Effect.Effect<Generation, AiRejected | GenerationUnavailable>
  /** What the last attempts at the providers failed with; those that succeeded are left out. For operators. */
  readonly lastErrors: Effect.Effect<ReadonlyArray<AiError>>
}>()("understudy/services/Generator") {
  static readonly layer = (
    options: GeneratorOptions = {}
  ): Layer.Layer<Generator, never, Providers | CircuitBreaker | RateLimiter | FallbackCache | Templates> =>
    Layer.effect(Generator, make(options))
}

const answerCount = Metric.counter("understudy_answers_total", {
  description: "Answers, by source and by the reason why they are not live; source none: there was nothing to show",
  incremental: true
})
const counter = (source: Generation["source"] | "none", reason: FallbackReason | "none" | "rejected") =>
  Metric.withAttributes(answerCount, { source, reason })
const answerHistogram = Metric.histogram("understudy_answer_seconds", {
  description: "From the request to the answer",
  boundaries: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
})

const make = Effect.fnUntraced(function*(options: GeneratorOptions) {
  const policy = {
    attemptMillis: Duration.toMillis(options.attemptTimeout ?? "30 seconds"),
    totalMillis: Duration.toMillis(options.totalTimeout ?? "60 seconds"),
    maxAttempts: options.maxAttempts ?? 2,
    baseDelayMillis: Duration.toMillis(options.retryBaseDelay ?? "1 second"),
    retryBudget: options.retryBudget ?? defaultRetryBudget
  }
  const { inOrder } = yield* Providers
  const cache = yield* FallbackCache
  const gates = { breaker: yield* CircuitBreaker, limiter: yield* RateLimiter }
  const { lastErrors, live } = makeLive(inOrder, gates, policy)
  const newId = generationIds(yield* Clock.currentTimeMillis, yield* Random.nextInt, yield* Random.nextInt)
  const fallback = makeFallback({ cache, templates: yield* Templates, newId })

  const liveCount = counter("live", "none")
  const count = (generation: Generation) =>
    Metric.update(generation.source === "live" ? liveCount : counter(generation.source, generation.reason), 1)
  const countNone = (error: AiRejected | GenerationUnavailable) =>
    Metric.update(counter("none", error._tag === "AiRejected" ? "rejected" : fallbackReasonOf(error.cause)), 1)

  const begin = (request: GenerationRequest, now: number): Call => ({
    request,
    deadlines: deadlinesFrom(policy, now),
    attempts: 0
  })

  /** Hands a live answer to the cache, unless its asker said not to, and gives it a name. */
  const deliver = (call: Call, { answer, provider }: LiveAnswer): Effect.Effect<LiveGeneration> => {
    const { isComplete, model, text, usage } = answer
    const { contentType, context, isExactOnly, locale, model: askedModel, namespace, prompt, remember } = call.request
    const isRemembered = remember && isComplete
    const id = newId()
    const generation: LiveGeneration = {
      source: "live",
      id,
      text,
      attempts: call.attempts,
      provider,
      model,
      usage,
      isRemembered,
      finishReason: answer.finishReason ?? (isComplete ? "stop" : "length"),
      native: answer.native
    }
    return isRemembered
      ? Effect.as(
        cache.remember({
          id,
          namespace,
          prompt,
          context,
          isExactOnly,
          contentType,
          locale,
          model,
          askedModel,
          text,
          usage
        }),
        generation
      )
      : Effect.succeed(generation)
  }

  const liveStep = (call: Call): Effect.Effect<LiveGeneration, LiveError> =>
    Effect.flatMap(live(call), (answer) => deliver(call, answer))

  const generate = (request: GenerationRequest): Effect.Effect<Generation, AiRejected | GenerationUnavailable> =>
    Clock.clockWith((clock) => {
      const startedAt = clock.currentTimeMillisUnsafe()
      const call = begin(request, startedAt)
      const answered: Effect.Effect<Generation, AiRejected | GenerationUnavailable> = Effect.catchIf(
        liveStep(call),
        isRecoverable,
        (error) => fallback(call, error)
      )
      return Effect.tap(Effect.tapError(answered, countNone), (generation) =>
        Effect.andThen(
          count(generation),
          Metric.update(answerHistogram, (clock.currentTimeMillisUnsafe() - startedAt) / 1_000)
        ))
    })

  return Generator.of({
    live: (request) => Clock.clockWith((clock) => liveStep(begin(request, clock.currentTimeMillisUnsafe()))),
    generate,
    lastErrors
  })
})
