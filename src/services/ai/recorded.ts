/** A client whose calls are written down: when each began, how long it took, and what it came to. */
import { Cause, Clock, Duration, Effect, Exit, Option, Scope, Stream } from "effect"
import type { AiPart } from "../../domain/Ai.ts"
import type { AiError } from "../../domain/errors.ts"
import { faultKindOf } from "../../domain/FaultKind.ts"
import { isBeyondText } from "../../domain/TextOnly.ts"
import type { TraceLine } from "../../domain/Trace.ts"
import type { AiClient } from "../AiClient.ts"
import type { TraceRecorder } from "./TraceRecorder.ts"

type Client = AiClient["Service"]

/** How long the ladder waits, by which a call that hangs is told from one whose asker has gone away. */
export interface Patience {
  /** The longest that an attempt may take, when nothing has shortened it. */
  readonly attemptMillis: number
  /** The longest that a stream may take to its first piece. */
  readonly firstPieceMillis: number
  /** The longest that it may be silent after it. */
  readonly stallMillis: number
}

/** Behaves as the client does. */
export const recorded = (client: Client, recorder: TraceRecorder, patience: Patience): Client => {
  const { provider } = client
  /** It refuses these by itself, and the provider hears nothing of it. */
  const isNoCall = (request: Parameters<Client["generate"]>[0]) =>
    client.takesTextOnly === true && isBeyondText(request)

  return {
    ...client,
    generate: (request) =>
      isNoCall(request) ? client.generate(request) : Clock.clockWith((clock) => {
        const at = clock.currentTimeMillisUnsafe()
        return Effect.onExit(client.generate(request), (exit) => {
          const millis = since(at, clock)
          return recorder.record({
            at,
            provider,
            latency_ms: millis,
            ...Exit.isSuccess(exit)
              ? answered
              : failureIn(exit.cause) ?? (isAbout(millis, patience.attemptMillis) ? timedOut : canceled)
          })
        })
      }),
    stream: (request) =>
      isNoCall(request) ? client.stream(request) : Stream.transformPull(
        client.stream(request),
        (pull, scope) =>
          Clock.clockWith((clock) => {
            const watch = watchStream(clock, patience)
            const watched = Effect.onExit(pull, (exit) => {
              if (Exit.isSuccess(exit)) watch.came(exit.value)
              else watch.ended(exit.cause)
              return Effect.void
            })
            return Effect.as(
              Scope.addFinalizer(scope, Effect.suspend(() => recorder.record({ provider, ...watch.line() }))),
              Effect.suspend(() => {
                watch.waits()
                return watched
              })
            )
          })
      )
  }
}

type Came = Pick<TraceLine, "outcome" | "retry_after_ms">

const answered: Came = { outcome: "answer" }
const timedOut: Came = { outcome: "timeout" }
const malformed: Came = { outcome: "malformed" }
const canceled: Came = { outcome: "canceled" }

/** What one stream has come to so far. */
const watchStream = (clock: Clock.Clock, patience: Patience) => {
  const at = clock.currentTimeMillisUnsafe()
  let first: number | undefined
  let end: { readonly millis: number; readonly came: Came } | undefined
  /** Since when its reader waits for more. */
  let waitingSince: number | undefined

  const left = (): Came => {
    // What a slow reader has not taken is no silence.
    if (waitingSince === undefined) return canceled
    const isSilent = first === undefined
      ? isAbout(since(at, clock), patience.firstPieceMillis)
      : isAbout(since(waitingSince, clock), patience.stallMillis)
    return isSilent ? timedOut : canceled
  }

  return {
    waits: () => {
      waitingSince = clock.currentTimeMillisUnsafe()
    },
    came: (parts: ReadonlyArray<AiPart>) => {
      waitingSince = undefined
      if (first === undefined && parts.some(isShown)) first = since(at, clock)
      if (parts.some(({ _tag }) => _tag === "End")) end = { millis: since(at, clock), came: answered }
    },
    ended: (cause: Cause.Cause<AiError | Cause.Done>) => {
      // One that ends without an answer is none.
      const came = isDone(cause) ? end?.came ?? malformed : failureIn(cause)
      if (came !== undefined && came !== end?.came) end = { millis: since(at, clock), came }
    },
    line: (): Omit<TraceLine, "provider"> => {
      const { came, millis } = end ?? { came: left(), millis: since(at, clock) }
      return { at, latency_ms: millis, ...came, ...first !== undefined && { first_ms: first } }
    }
  }
}

/** What the ladder takes for a beginning. */
const isShown = (part: AiPart): boolean =>
  part._tag === "End" || (part._tag === "Delta" && (part.chunk !== undefined || part.text.trim() !== ""))

const isDone = (cause: Cause.Cause<AiError | Cause.Done>): boolean => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  return error !== undefined && Cause.isDone(error)
}

/** None: the call was ended from our side, or by a bug. */
const failureIn = (cause: Cause.Cause<AiError | Cause.Done>): Came | undefined => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error === undefined || Cause.isDone(error)) return undefined
  const asked = "retryAfter" in error && error.retryAfter !== undefined ? Duration.toMillis(error.retryAfter) : Infinity
  return { outcome: faultKindOf(error), ...Number.isFinite(asked) && { retry_after_ms: Math.round(asked) } }
}

/** The ladder ends a silent call at its limit; a little earlier where it had not quite all of its request's time left. */
const isAbout = (millis: number, limit: number): boolean => millis >= 0.9 * limit

/** Whole milliseconds. A clock that is set back makes nothing negative. */
const since = (from: number, clock: Clock.Clock): number =>
  Math.max(0, Math.round(clock.currentTimeMillisUnsafe() - from))
