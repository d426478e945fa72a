/** One attempt at an answer in pieces: each goes on at once, and silence ends it. */
import { Clock, Duration, Effect, Stream } from "effect"
import type { AiAnswer, AiBegin, AiDelta, AiPart, AiRequest } from "../../domain/Ai.ts"
import { type AiError, AiMalformed, AiTimeout } from "../../domain/errors.ts"
import { attemptTime, type Deadlines, type TimePolicy } from "../../domain/ladder/Deadlines.ts"
import type { AiClient } from "../AiClient.ts"

/** What a streamed call writes to. */
export interface StreamSink {
  /** The first piece is out: from now on there is no retry, no other provider and no fallback. */
  readonly hasBegun: () => boolean
  readonly begin: (provider: string, begin: AiBegin) => void
  /** Waits for a slow reader. */
  readonly emit: (pieces: ReadonlyArray<AiDelta>) => Effect.Effect<void>
  /** A reader is what the stream waits for. */
  readonly isWaiting: () => boolean
}

export interface StreamTimes extends TimePolicy {
  /** The longest that a stream may take to its first piece; absent: as long as an attempt. */
  readonly firstTokenMillis?: number | undefined
  /** The longest that a stream may be silent after it. */
  readonly stallMillis: number
}

/** The part of a call that its time depends on; moments in milliseconds since the epoch. */
export interface StreamTime {
  readonly deadlines: Deadlines
  readonly startedAt: number
  readonly waitedMillis: number
}

/**
 * The whole deadline bounds the first piece only. After it each next one has its own time, in which a slow reader does
 * not count.
 */
export const makeStreamStep = ({ provider, stream }: AiClient["Service"], times: StreamTimes) => {
  const firstToken = { ...times, attemptMillis: times.firstTokenMillis ?? times.attemptMillis }

  return (
    sink: StreamSink,
    request: AiRequest,
    { deadlines, startedAt, waitedMillis }: StreamTime
  ): Effect.Effect<AiAnswer, AiError> =>
    Clock.clockWith((clock) => {
      const first = attemptTime(firstToken, deadlines, startedAt, waitedMillis)
      let beginning: AiBegin | undefined
      let answer: AiAnswer | undefined
      /** White space before the first word: what may still turn out to be a blank answer must not be shown. */
      let held: Array<AiDelta> = []
      let heardAt = startedAt
      const heard = () => {
        heardAt = clock.currentTimeMillisUnsafe()
      }

      const takePart = (part: AiPart, pieces: Array<AiDelta>) => {
        if (part._tag === "Begin") beginning = part
        else if (part._tag === "End") answer = part.answer
        else if (part.text !== "" || part.chunk !== undefined) pieces.push(part)
      }

      const take = (parts: ReadonlyArray<AiPart>): Effect.Effect<void> => {
        const pieces = held
        held = []
        for (const part of parts) takePart(part, pieces)
        heard()
        if (answer === undefined) {
          if (pieces.length === 0) return Effect.void
          if (!sink.hasBegun() && isNothingToSee(pieces)) {
            held = pieces
            return Effect.void
          }
        }
        if (!sink.hasBegun()) sink.begin(provider, beginning ?? { _tag: "Begin", model: answer?.model ?? "" })
        return pieces.length === 0 ? Effect.void : Effect.tap(sink.emit(pieces), Effect.sync(heard))
      }

      const read = Effect.flatMap(
        Stream.runForEachArray(stream(request), take),
        () =>
          answer === undefined
            ? Effect.fail(new AiMalformed({ provider, detail: "its stream ended without an answer" }))
            : Effect.succeed(answer)
      )

      const tooLong = (millis: number, shortened: boolean) =>
        Effect.fail(new AiTimeout({ provider, after: Duration.millis(millis), shortened }))

      const watch: Effect.Effect<never, AiTimeout> = Effect.suspend(() => {
        const now = clock.currentTimeMillisUnsafe()
        const hasBegun = sink.hasBegun()
        const patience = hasBegun ? times.stallMillis : first.millis
        const ends = !hasBegun ? startedAt + patience : sink.isWaiting() ? now + patience : heardAt + patience
        if (ends <= now) return tooLong(patience, !hasBegun && first.shortened)
        // Whoever sleeps longer than a stall before the first piece would miss one that comes soon after it.
        return Effect.flatMap(Effect.sleep(Math.min(ends - now, times.stallMillis)), () => watch)
      })

      return Effect.raceFirst(read, watch)
    })
}

/** More white space than this is taken for an answer that wants to look so. */
const maxHeld = 1_000

const isNothingToSee = (pieces: ReadonlyArray<AiDelta>): boolean => {
  if (pieces.length > maxHeld) return false
  let length = 0
  for (const { chunk, text } of pieces) {
    length += text.length
    if (chunk !== undefined || length > maxHeld || text.trim() !== "") return false
  }
  return true
}
