/** The ladder for an answer in pieces: the same steps, and once the first piece is out only what is true. */
import { Clock, type Duration, Effect, type Scope, type Stream } from "effect"
import { type LiveError, type Recoverable, StreamBroken } from "../../domain/errors.ts"
import type {
  FallbackGeneration,
  Generation,
  GenerationId,
  GenerationRequest,
  LiveGeneration,
  StreamPart,
  StreamStart
} from "../../domain/Generation.ts"
import { isRecoverable } from "../../domain/ladder/ErrorTable.ts"
import { generateSpan } from "../telemetry/ladderSpans.ts"
import { countBroken } from "./AnswerCounts.ts"
import { flightKey, makeFlights } from "./Flights.ts"
import type { LiveAnswer } from "./Live.ts"
import type { Call } from "./ProviderStep.ts"
import { makeStreamRelay, type Refusal, type StreamRelay } from "./StreamRelay.ts"
import type { StreamSink } from "./StreamStep.ts"

/** An answer that has begun. */
export interface GenerationStream {
  readonly start: StreamStart
  /**
   * Its pieces, the last one an `End`. Fails when a live answer breaks off; a fallback never does. A reader may take its
   * time, and whoever joins late gets all of it.
   */
  readonly parts: Stream.Stream<StreamPart, StreamBroken>
}

export interface LadderSteps {
  readonly begin: (request: GenerationRequest, now: number, sink: StreamSink) => Call
  readonly live: (call: Call) => Effect.Effect<LiveAnswer, LiveError>
  readonly deliver: (call: Call, answer: LiveAnswer, id: GenerationId) => Effect.Effect<LiveGeneration>
  readonly fallback: (call: Call, error: Recoverable) => Effect.Effect<FallbackGeneration, Refusal>
  readonly newId: () => GenerationId
}

export const makeStreamedLadder = Effect.fnUntraced(function*(steps: LadderSteps, readerTimeout: Duration.Duration) {
  const flights = yield* makeFlights<StreamRelay, Generation, Refusal | StreamBroken>()

  /** Runs the ladder into a relay, whoever reads it and when. */
  const runInto = (
    relay: StreamRelay,
    request: GenerationRequest
  ): Effect.Effect<Generation, Refusal | StreamBroken> =>
    Clock.clockWith((clock) => {
      const id = steps.newId()
      const call = steps.begin(request, clock.currentTimeMillisUnsafe(), {
        hasBegun: relay.hasBegun,
        isWaiting: relay.isWaiting,
        emit: relay.emit,
        begin: (provider, { frame, model }) =>
          relay.begin({ source: "live", id, attempts: call.attempts, provider, model, frame })
      })
      const standIn = (error: Recoverable) =>
        Effect.tap(steps.fallback(call, error), (generation) => {
          relay.begin(generation)
          return relay.emit([{ _tag: "Delta", text: generation.text }])
        })
      const answered: Effect.Effect<Generation, Refusal | StreamBroken> = Effect.flatMap(
        steps.live(call),
        (answer): Effect.Effect<Generation> => steps.deliver(call, answer, id)
      ).pipe(
        Effect.catch((error): Effect.Effect<Generation, Refusal | StreamBroken> => {
          if (relay.hasBegun()) return Effect.fail(new StreamBroken({ cause: error }))
          return isRecoverable(error) ? standIn(error) : Effect.fail(error)
        })
      )
      return generateSpan(request, "stream", answered).pipe(
        Effect.tapError((error) => error._tag === "StreamBroken" ? countBroken(error) : Effect.void),
        Effect.onExit((exit) => Effect.sync(() => relay.end(exit)))
      )
    })

  /** Once its first piece is there. Closing the scope leaves the stream, and ends it when nobody else reads it. */
  return (request: GenerationRequest): Effect.Effect<GenerationStream, Refusal, Scope.Scope> =>
    Effect.suspend(() => {
      const key = flightKey(request)
      const boarding = flights.board(key, () => {
        const relay = makeStreamRelay(readerTimeout, key !== undefined)
        return { shared: relay, call: runInto(relay, request) }
      })
      return Effect.flatMap(
        Effect.acquireRelease(boarding, flights.leave),
        ({ shared: { parts, started } }) => Effect.map(started, (start) => ({ start, parts }))
      )
    })
})
