/** What the endpoints that generate have in common: the ladder, the idempotency key, and one answer or its pieces. */
import { Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import type { Generation, GenerationRequest, StreamStart } from "../../../domain/Generation.ts"
import type { JobForm } from "../../../domain/jobs/Job.ts"
import { Generator } from "../../../services/Generator.ts"
import { BodyTooLarge } from "../../api/Problems.ts"
import { makeBackground, maxJobLength } from "./background.ts"
import { type BackgroundFields, type BackgroundWishes, makeBackgroundWishes } from "./backgroundWishes.ts"
import { eventStreams, type EventWriter } from "./eventStream.ts"
import { claimOf, idempotencyProblems, makeIdempotent, replayed } from "./idempotency.ts"
import { answerJson } from "./jobAnswers.ts"
import { provenanceHeaders } from "./provenance.ts"
import { refusals } from "./refusals.ts"
import { makeUpgrades } from "./upgrades.ts"
import { wholeStream } from "./wholeStream.ts"

/** How an endpoint writes an answer down. */
export interface AnswerForm {
  readonly form: JobForm
  readonly inPieces: boolean
  readonly whole: (generation: Generation) => object
  readonly events: (start: StreamStart) => EventWriter
}

/** What a request has beside what is asked for. */
export interface Asking {
  readonly request: HttpServerRequest.HttpServerRequest
  readonly body: BackgroundFields
  /** Of the body: a request that comes again is known by it. */
  readonly text: string
}

/** Problems are responses, or typed. */
export const answering = Effect.gen(function*() {
  const generator = yield* Generator
  const respondInEvents = yield* eventStreams
  const idempotent = yield* makeIdempotent
  const backgroundWishes = yield* makeBackgroundWishes
  const inBackground = yield* makeBackground(idempotent)
  const upgrades = yield* makeUpgrades

  const inTime = ({ events, form, inPieces }: AnswerForm) => ({
    form,
    respond: (generation: Generation, endedAt: number, more: Readonly<Record<string, string>>) => {
      if (!inPieces) {
        return HttpServerResponse.jsonUnsafe(answerJson(form, generation, endedAt), {
          headers: { ...provenanceHeaders(generation), ...more }
        })
      }
      const { parts, start } = wholeStream(generation)
      return respondInEvents(parts, events(start), { ...provenanceHeaders(start), ...more })
    }
  })

  return Effect.fnUntraced(
    function*({ body, request, text }: Asking, asked: GenerationRequest, answerForm: AnswerForm) {
      const { events, form, inPieces, whole } = answerForm
      const wishes = yield* backgroundWishes(request, asked.namespace, body)
      const claim = yield* claimOf(request, asked.namespace, text)
      const isTooLong = text.length > maxJobLength
      if (wishes?.isAsync === true) {
        if (isTooLong) {
          return yield* new BodyTooLarge({ detail: `In the background send at most ${maxJobLength} bytes` })
        }
        const response = yield* inBackground(claim, asked, wishes, inTime(answerForm))
        if (response !== undefined) return response
      }
      const upgrading = wishes?.wantsUpgrade === true && !isTooLong
        ? { form, asked, callbackUrl: wishes.callbackUrl }
        : undefined
      if (inPieces) {
        const stream = generator.stream(asked)
        const { answer: { parts, start }, isReplay } = yield* idempotent.streamed(
          claim,
          upgrading === undefined ? stream : Effect.flatMap(stream, (begun) => upgrades.stream(begun, upgrading))
        )
        return respondInEvents(parts, events(start), headersOf(start, isReplay, wishes))
      }
      const generated = generator.generate(asked)
      const { answer, isReplay } = yield* idempotent.answered(
        claim,
        upgrading === undefined ? generated : Effect.flatMap(generated, (given) => upgrades.whole(given, upgrading))
      )
      return HttpServerResponse.jsonUnsafe(whole(answer), { headers: headersOf(answer, isReplay, wishes) })
    },
    Effect.catchTags({ ...idempotencyProblems, ...refusals })
  )
})

const headersOf = (
  answer: Generation | StreamStart,
  isReplay: boolean,
  wishes: BackgroundWishes | undefined
): Record<string, string> => {
  const headers = isReplay ? { ...provenanceHeaders(answer), ...replayed } : provenanceHeaders(answer)
  const isApplied = wishes?.preferences.upgrade === true && "upgrade" in answer && answer.upgrade !== undefined
  return isApplied ? { ...headers, "preference-applied": "upgrade" } : headers
}
