/** The ladder over two providers, and its two steps apart: what each can still fail with is in its type. Run: node examples/ladder.ts */
import { Console, Duration, Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import {
  AiClient,
  type AiRejected,
  CircuitBreaker,
  defaultNamespace,
  type Generation,
  type GenerationRequest,
  type GenerationUnavailable,
  Generator,
  isRecoverable,
  type LiveError,
  type LiveGeneration,
  Providers,
  Understudy
} from "understudy"

/** Nobody listens there, so every call goes on to the second one. */
const First = AiClient.layerOpenAi({ provider: "first", baseUrl: "http://127.0.0.1:61234/v1", model: "big-1" })
const Second = AiClient.layerSimulated()

const Ladder = Understudy.layer({ maxAttempts: 1, totalTimeout: "10 seconds" }).pipe(
  Layer.provide(Providers.layerClients(First, Second)),
  Layer.provide(FetchHttpClient.layer)
)

const asked = (prompt: string): GenerationRequest => ({
  namespace: defaultNamespace,
  prompt,
  maxTokens: 200,
  remember: true
})

const program = Effect.gen(function*() {
  const generator = yield* Generator
  const breaker = yield* CircuitBreaker

  /** The live step alone: the providers in order, each behind its circuit and its limits. */
  const live = (request: GenerationRequest): Effect.Effect<LiveGeneration, LiveError> => generator.live(request)

  /** The fallback step takes away all of it but a refusal. Together the two are `generator.generate`. */
  const withFallback = (request: GenerationRequest): Effect.Effect<Generation, AiRejected | GenerationUnavailable> =>
    Effect.catchIf(live(request), isRecoverable, (error) => generator.fallback(request, error, 0))

  const show = (request: GenerationRequest) =>
    withFallback(request).pipe(
      Effect.flatMap((generation) =>
        Console.log(
          generation.source === "live"
            ? `live, from ${generation.provider}, attempts: ${generation.attempts}`
            : `${generation.source}, because of: ${generation.reason}`
        )
      ),
      Effect.catchTags({
        AiRejected: ({ message }) => Console.log(`refused: ${message}`),
        GenerationUnavailable: ({ cause, retryAfter }) =>
          Console.log(`nothing: ${cause._tag}, come back in ${Duration.format(retryAfter)}`)
      })
    )

  yield* show(asked("Write a blog post about sourdough starters"))
  // Answers are stored off the path of those who wait for them.
  yield* Effect.sleep("1 second")
  // Once both are out of service, nobody is asked.
  yield* Effect.forEach(["first", "simulated"], (key) => breaker.control(key, "force-open"))
  yield* show(asked("Please write an article about sourdough starters"))
  yield* show(asked("Write a blog post about rye bread"))
})

await Effect.runPromise(Effect.provide(program, Ladder))
