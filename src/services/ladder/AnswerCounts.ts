/** What is counted of answers: how many, from where, and how long they took. */
import { Clock, Effect, Metric } from "effect"
import type { StreamBroken } from "../../domain/errors.ts"
import type { FallbackReason, Generation, StreamStart } from "../../domain/Generation.ts"
import { fallbackReasonOf } from "../../domain/ladder/ErrorTable.ts"
import { provenance } from "../telemetry/ladderSpans.ts"
import { annotateRequest } from "../telemetry/spans.ts"
import type { Refusal } from "./StreamRelay.ts"

/** A metric of its own for each, for `Metric.withAttributes` takes longer than the update. */
const counter = (source: Generation["source"] | "none", reason: FallbackReason | "none" | "rejected") =>
  Metric.counter("understudy_answers_total", {
    description: "Answers, by source and by the reason why they are not live; source none: there was nothing to show",
    incremental: true,
    attributes: { source, reason }
  })
const live = counter("live", "none")

const seconds = Metric.histogram("understudy_answer_seconds", {
  description: "From the request to the answer, of a stream to its first piece",
  boundaries: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
})

const broken = Metric.counter("understudy_streams_broken_total", {
  description: "Live answers that broke off after their first piece, by the error",
  incremental: true
})

/** Counts what one asker got, and how long it waited for it; those who share a call are counted each. */
export const counted = <A, E extends Refusal, R>(
  asked: Effect.Effect<A, E, R>,
  answerOf: (got: A) => Generation | StreamStart
): Effect.Effect<A, E, R> =>
  Clock.clockWith((clock) => {
    const startedAt = clock.currentTimeMillisUnsafe()
    return Effect.tap(Effect.tapError(asked, countRefusal), (got) => {
      const answer = answerOf(got)
      return Effect.withFiber((fiber) => {
        annotateRequest(fiber, () => provenance(answer))
        return Effect.andThen(
          Metric.update(answer.source === "live" ? live : counter(answer.source, answer.reason), 1),
          Metric.update(seconds, (clock.currentTimeMillisUnsafe() - startedAt) / 1_000)
        )
      })
    })
  })

const countRefusal = (error: Refusal): Effect.Effect<void> =>
  Metric.update(counter("none", error._tag === "AiRejected" ? "rejected" : fallbackReasonOf(error.cause)), 1)

export const countBroken = ({ cause }: StreamBroken): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(broken, { error: cause._tag }), 1)
