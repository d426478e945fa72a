/** The spans of the ladder's steps. None of them holds a word of a prompt or of an answer. */
import { Effect, Exit, type Option } from "effect"
import type { AiAnswer } from "../../domain/Ai.ts"
import type { LimitExceeded, LiveError, Recoverable } from "../../domain/errors.ts"
import type { FallbackGeneration, Generation, GenerationRequest, StreamStart } from "../../domain/Generation.ts"
import { fallbackReasonOf } from "../../domain/ladder/ErrorTable.ts"
import type { CacheMatch } from "../FallbackCache.ts"
import type { Permit, PermitRequest, RateLimiterService } from "../limiter/RateLimiterApi.ts"
import type { RenderedTemplate } from "../Templates.ts"
import { type Attributes, endSpan, isTraced, spanned } from "./spans.ts"

/** What an answer says of itself: by it one finds everything that was not live. */
export const provenance = (answer: Generation | StreamStart): Attributes => ({
  "understudy.source": answer.source,
  "understudy.attempts": answer.attempts,
  ...answer.source === "live"
    ? { "understudy.provider": answer.provider }
    : { "understudy.reason": answer.reason }
})

const ifAnswered = <A, E>(tell: (value: A) => Attributes) => (exit: Exit.Exit<A, E>): Attributes =>
  Exit.isSuccess(exit) ? tell(exit.value) : {}

export type Manner = "whole" | "stream" | "background"

/** The ladder as a whole. */
export const generateSpan = <A extends Generation, E, R>(
  { contentType, locale, namespace }: GenerationRequest,
  manner: Manner,
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  spanned(self, () => ({
    name: "understudy.generate",
    attributes: {
      "understudy.manner": manner,
      "understudy.namespace": namespace,
      "understudy.content_type": contentType,
      "understudy.locale": locale
    },
    ended: ifAnswered(provenance)
  }))

/** One provider's part: its limiter, its attempts and what lies between them. */
export const askSpan = (
  provider: string,
  run: { readonly attempts: number },
  self: Effect.Effect<AiAnswer, LiveError>
): Effect.Effect<AiAnswer, LiveError> =>
  spanned(self, () => ({
    name: "understudy.ask",
    attributes: { "understudy.provider": provider },
    ended: () => ({ "understudy.attempts": run.attempts })
  }))

export const fallbackSpan = <E>(
  error: Recoverable,
  self: Effect.Effect<FallbackGeneration, E>
): Effect.Effect<FallbackGeneration, E> =>
  spanned(self, () => ({
    name: "understudy.fallback",
    attributes: { "understudy.reason": fallbackReasonOf(error) },
    ended: ifAnswered(({ source }) => ({ "understudy.source": source }))
  }))

export const findSpan = <E>(
  self: Effect.Effect<Option.Option<CacheMatch>, E>
): Effect.Effect<Option.Option<CacheMatch>, E> =>
  spanned(self, () => ({
    name: "understudy.cache.find",
    attributes: {},
    ended: ifAnswered((found) =>
      found._tag === "None" ? { "understudy.cache.match": "none" } : {
        "understudy.cache.match": found.value.match,
        "understudy.cache.similarity": found.value.similarity,
        "understudy.cache.age_seconds": Math.round(found.value.ageMillis / 1_000)
      }
    )
  }))

export const templateSpan = (
  self: Effect.Effect<Option.Option<RenderedTemplate>>
): Effect.Effect<Option.Option<RenderedTemplate>> =>
  spanned(self, () => ({
    name: "understudy.template",
    attributes: {},
    ended: ifAnswered((found) => ({ "understudy.template": found._tag === "None" ? "none" : found.value.name }))
  }))

/** The way to a permit in a span of its own, which ends where the attempt begins. */
export const withTracedPermit = (limiter: RateLimiterService) =>
<A, E>(
  request: PermitRequest,
  attempt: (permit: Permit) => Effect.Effect<A, E>
): Effect.Effect<A, E | LimitExceeded> =>
  Effect.withFiber((fiber) => {
    if (!isTraced(fiber)) return limiter.withPermit(request, attempt)
    const attributes = {
      "understudy.provider": request.key,
      "understudy.limiter.priority": request.priority ?? "interactive"
    }
    return Effect.useSpan("understudy.limiter", { attributes }, (span) => {
      const waited = (permit: Permit) =>
        endSpan(span, Exit.void, { "understudy.limiter.waited_ms": Math.round(permit.waitedMillis) })
      return Effect.onExit(
        limiter.withPermit(request, (permit) => Effect.andThen(waited(permit), attempt(permit))),
        (exit) => span.status._tag === "Ended" ? Effect.void : endSpan(span, exit)
      )
    })
  })
