/** What the simple strategies are made of. */
import { Duration, Effect } from "effect"
import { type AiError, AiTimeout, GenerationUnavailable, type LiveError } from "../../domain/errors.ts"
import {
  type CachedGeneration,
  GenerationId,
  type GenerationRequest,
  type LiveGeneration
} from "../../domain/Generation.ts"
import { fallbackReasonOf, isRecoverable, retryAfterMillisOf } from "../../domain/ladder/ErrorTable.ts"
import type { AiClient } from "../../services/AiClient.ts"
import type { CacheMatch, FallbackCache } from "../../services/FallbackCache.ts"
import type { Policy } from "../policy/Policy.ts"

/** One call of the provider, with the timeout that every HTTP client has. */
export const makeAttempt = (client: AiClient["Service"], { timeout }: Policy) => {
  const { provider } = client
  const after = Duration.millis(timeout.attemptMillis)
  const tooLong = Effect.suspend(() => Effect.fail(new AiTimeout({ provider, after, shortened: false })))
  let count = 0
  return ({ maxTokens, prompt }: GenerationRequest): Effect.Effect<LiveGeneration, AiError> =>
    client.generate({ prompt, maxTokens }).pipe(
      Effect.timeoutOrElse({ duration: after, orElse: () => tooLong }),
      Effect.map(({ model, text, usage }) => ({
        source: "live",
        id: GenerationId.make(`simulated-${++count}`),
        text,
        attempts: 1,
        provider,
        model,
        usage,
        isRemembered: false,
        finishReason: "stop"
      }))
    )
}

/** There is nothing to fall back to: the user sees the error. */
export const orFail = <A, R>(live: Effect.Effect<A, LiveError, R>) =>
  Effect.mapError(live, (error) => isRecoverable(error) ? nothingToShow(error) : error)

export const nothingToShow = (cause: GenerationUnavailable["cause"]): GenerationUnavailable =>
  new GenerationUnavailable({ cause, retryAfter: Duration.millis(retryAfterMillisOf(cause)) })

export const remember = (
  cache: FallbackCache["Service"],
  { contentType, locale, namespace, prompt }: GenerationRequest,
  { id, model, text, usage }: LiveGeneration
): Effect.Effect<void> => cache.remember({ id, namespace, prompt, contentType, locale, model, text, usage })

/** An answer of the cache; `error` is why it is not live. */
export const cached = (match: CacheMatch, error: Parameters<typeof fallbackReasonOf>[0]): CachedGeneration => ({
  source: "cache",
  attempts: 0,
  reason: fallbackReasonOf(error),
  ...match
})
