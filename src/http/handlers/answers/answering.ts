/** What the endpoints that generate have in common: the ladder, the idempotency key, and one answer or its pieces. */
import { Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import type { Generation, GenerationRequest, StreamStart } from "../../../domain/Generation.ts"
import { Generator } from "../../../services/Generator.ts"
import { eventStreams, type EventWriter } from "./eventStream.ts"
import { claimOf, idempotencyProblems, makeIdempotent, replayed } from "./idempotency.ts"
import { provenanceHeaders } from "./provenance.ts"
import { refusals } from "./refusals.ts"

/** How an endpoint writes an answer down. */
export interface AnswerForm {
  readonly inPieces: boolean
  readonly whole: (generation: Generation) => object
  readonly events: (start: StreamStart) => EventWriter
}

/** `text` is the body, for a request that comes again is known by it. Problems are responses, or typed. */
export const answering = Effect.gen(function*() {
  const generator = yield* Generator
  const respondInEvents = yield* eventStreams
  const { answered, streamed } = yield* makeIdempotent
  return Effect.fnUntraced(
    function*(
      request: HttpServerRequest.HttpServerRequest,
      text: string,
      asked: GenerationRequest,
      form: AnswerForm
    ) {
      const claim = yield* claimOf(request, asked.namespace, text)
      if (form.inPieces) {
        const { answer: { parts, start }, isReplay } = yield* streamed(claim, generator.stream(asked))
        return respondInEvents(parts, form.events(start), headersOf(start, isReplay))
      }
      const { answer, isReplay } = yield* answered(claim, generator.generate(asked))
      return HttpServerResponse.jsonUnsafe(form.whole(answer), { headers: headersOf(answer, isReplay) })
    },
    Effect.catchTags({ ...idempotencyProblems, ...refusals })
  )
})

const headersOf = (answer: Generation | StreamStart, isReplay: boolean): Record<string, string> =>
  isReplay ? { ...provenanceHeaders(answer), ...replayed } : provenanceHeaders(answer)
