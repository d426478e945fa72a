/** The guard at work: chooses among the nearest entries, and says in the log and the metrics what it refused. */
import { Clock, Effect, Metric } from "effect"
import type { GenerationId } from "../../domain/Generation.ts"
import { chooseCandidate, type Refusal } from "../../domain/similarity/Candidates.ts"
import { type PromptTraits, promptTraits } from "../../domain/similarity/PromptTraits.ts"
import type { CacheQuery } from "../FallbackCache.ts"

export interface Candidate {
  readonly id: GenerationId
  readonly similarity: number
  readonly traits: PromptTraits | undefined
}

const refusals = Metric.counter("understudy_cache_refused_total", {
  description: "Entries above the threshold that the guard refused, by what was different",
  incremental: true
})

/** At most one line of the log in so many milliseconds: an outage refuses many times a second. */
const quietMillis = 10_000

const nothing = { chosen: undefined, refused: [] }

/** Built once per cache. A trial that nobody sees leaves no trace. The response of a refused match says nothing; the log names the entry, never its words. */
export const makeChoose = () => {
  let loggedAt = -Infinity
  let unlogged = 0

  const log = <C extends Candidate>(refused: ReadonlyArray<Refusal<C>>) =>
    Clock.clockWith((clock) => {
      const now = clock.currentTimeMillisUnsafe()
      const [first] = refused
      if (first === undefined) return Effect.void
      if (now - loggedAt < quietMillis) {
        unlogged += refused.length
        return Effect.void
      }
      const { candidate: { id, similarity }, kind } = first
      const more = refused.length - 1 + unlogged
      loggedAt = now
      unlogged = 0
      return Effect.logInfo(
        `the guard has refused the answer ${id} (similarity ${similarity.toFixed(3)}): ${kind}`
          + (more > 0 ? `; and ${more} more since the last such line` : "")
      )
    })

  return <C extends Candidate>(
    { isShadow, prompt }: Pick<CacheQuery, "isShadow" | "prompt">,
    candidates: ReadonlyArray<C>
  ): Effect.Effect<C | undefined> =>
    Effect.suspend(() => {
      const { chosen, refused } = candidates.length === 0
        ? nothing
        : chooseCandidate(promptTraits(prompt), candidates)
      if (refused.length === 0 || isShadow === true) return Effect.succeed(chosen)
      return Effect.forEach(refused, ({ candidate, detail, kind }) =>
        Effect.andThen(
          Metric.update(Metric.withAttributes(refusals, { kind }), 1),
          Effect.logDebug(`the guard refuses ${candidate.id}: ${kind}`, detail)
        ), { discard: true }).pipe(Effect.andThen(log(refused)), Effect.as(chosen))
    })
}
