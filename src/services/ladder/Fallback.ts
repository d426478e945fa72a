/** The fallback step of the ladder: the closest earlier answer, then a template, then an honest refusal. */
import { Clock, Duration, Effect, Metric, Option } from "effect"
import { GenerationUnavailable, type Recoverable } from "../../domain/errors.ts"
import type { FallbackGeneration, GenerationId } from "../../domain/Generation.ts"
import { fallbackReasonOf, retryAfterMillisOf } from "../../domain/ladder/ErrorTable.ts"
import type { CacheMatch, FallbackCache } from "../FallbackCache.ts"
import { fallbackSpan, findSpan, templateSpan } from "../telemetry/ladderSpans.ts"
import type { Templates } from "../Templates.ts"
import type { Call } from "./ProviderStep.ts"

export interface FallbackServices {
  readonly cache: FallbackCache["Service"]
  readonly templates: Templates["Service"]
  readonly newId: () => GenerationId
}

/** When nobody says when to come back. */
const defaultRetryAfterMillis = 5_000

const lookupFailures = Metric.counter("understudy_cache_lookup_failures_total", {
  description: "Fallback lookups that failed or were too slow",
  incremental: true
})

/** Takes away every error of the live step but a refusal of the request itself, as long as there is anything to show. */
export const makeFallback = ({ cache, newId, templates }: FallbackServices) => {
  /** One warning when the cache stops answering, not one for each request that it leaves without. */
  let isMissed = false
  const missed = (why: string): Effect.Effect<Option.Option<CacheMatch>> => {
    const log = isMissed ? Effect.logDebug : Effect.logWarning
    isMissed = true
    return Effect.as(
      Effect.andThen(Metric.update(lookupFailures, 1), log(`no answers from the cache for now: ${why}`)),
      Option.none()
    )
  }
  const answered = <A>(found: A): A => {
    isMissed = false
    return found
  }

  /** Never fails and never takes more than what is left: the answer's time is not the cache's to spend. */
  const lookup = ({ deadlines, request }: Call): Effect.Effect<Option.Option<CacheMatch>> => {
    if (request.maxAgeMillis === 0) return Effect.succeedNone
    return Clock.clockWith((clock) => {
      const left = Math.max(deadlines.minAttemptMillis, deadlines.total - clock.currentTimeMillisUnsafe())
      return findSpan(cache.find(request)).pipe(
        Effect.map(answered),
        Effect.timeoutOrElse({ duration: left, orElse: () => missed("the lookup was too slow") }),
        Effect.catch((error) => missed(error.message)),
        Effect.catchDefect((defect) => missed(`the cache died: ${String(defect)}`))
      )
    })
  }

  const fallback = Effect.fnUntraced(function*(
    call: Call,
    error: Recoverable
  ): Effect.fn.Return<FallbackGeneration, GenerationUnavailable> {
    const reason = fallbackReasonOf(error)
    const { attempts, request } = call
    const match = yield* lookup(call)
    if (Option.isSome(match)) return { source: "cache", attempts, reason, ...match.value }
    // A text to fill in is no answer to what asks for a tool's call or speaks of an image.
    const template = request.isExactOnly === true ? Option.none() : yield* templateSpan(templates.render(request))
    if (Option.isSome(template)) {
      const { name, text } = template.value
      return { source: "template", id: newId(), attempts, reason, template: name, text }
    }
    const retryAfter = Duration.millis(retryAfterMillisOf(error) || defaultRetryAfterMillis)
    return yield* new GenerationUnavailable({ cause: error, retryAfter })
  })

  return (call: Call, error: Recoverable): Effect.Effect<FallbackGeneration, GenerationUnavailable> =>
    fallbackSpan(error, fallback(call, error))
}
