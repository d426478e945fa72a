/** What is counted of answers: how many, from where, and how long they took. */
import { Effect, Metric } from "effect"
import type { AiRejected, GenerationUnavailable, StreamBroken } from "../domain/errors.ts"
import { fallbackReasonOf } from "../domain/ErrorTable.ts"
import type { FallbackReason, Generation } from "../domain/Generation.ts"

const answers = Metric.counter("understudy_answers_total", {
  description: "Answers, by source and by the reason why they are not live; source none: there was nothing to show",
  incremental: true
})
const counter = (source: Generation["source"] | "none", reason: FallbackReason | "none" | "rejected") =>
  Metric.withAttributes(answers, { source, reason })
const live = counter("live", "none")

const seconds = Metric.histogram("understudy_answer_seconds", {
  description: "From the request to the answer, of a stream to its first piece",
  boundaries: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
})

const broken = Metric.counter("understudy_streams_broken_total", {
  description: "Live answers that broke off after their first piece, by the error",
  incremental: true
})

/** `millis`: how long the asker waited. */
export const countAnswer = (generation: Generation, millis: number): Effect.Effect<void> =>
  Effect.andThen(
    Metric.update(generation.source === "live" ? live : counter(generation.source, generation.reason), 1),
    Metric.update(seconds, millis / 1_000)
  )

export const countRefusal = (error: AiRejected | GenerationUnavailable): Effect.Effect<void> =>
  Metric.update(counter("none", error._tag === "AiRejected" ? "rejected" : fallbackReasonOf(error.cause)), 1)

export const countBroken = ({ cause }: StreamBroken): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(broken, { error: cause._tag }), 1)
