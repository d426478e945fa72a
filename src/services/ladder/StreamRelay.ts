/** An answer on its way from its provider to whoever reads it: all of it so far, for any number of readers. */
import { Cause, Deferred, type Duration, Effect, Exit, Option, Stream } from "effect"
import {
  type AiRejected,
  type GenerationUnavailable,
  ReaderStalled,
  StreamBroken,
  StreamStopped
} from "../../domain/errors.ts"
import type { Generation, StreamDelta, StreamPart, StreamStart } from "../../domain/Generation.ts"

/** How many characters the provider may be ahead of the fastest reader before it has to wait. */
const maxAhead = 256 * 1024

/** What a chunk takes beside its text is not counted exactly: most are of this order. */
const chunkWeight = 512

/** What is left of the ladder when there is nothing to show. */
export type Refusal = AiRejected | GenerationUnavailable

export interface StreamRelay {
  /** The first piece is out: nothing else can take the answer's place any more. */
  readonly hasBegun: () => boolean
  readonly begin: (start: StreamStart) => void
  /**
   * Hands pieces on, and waits while the fastest reader is too far behind. A reader that takes nothing for too long
   * interrupts whoever writes: that is nobody's failure.
   */
  readonly emit: (pieces: ReadonlyArray<StreamDelta>) => Effect.Effect<void>
  /** The provider has to wait for a reader. */
  readonly isWaiting: () => boolean
  /** Whatever has become of it. */
  readonly end: (exit: Exit.Exit<Generation, Refusal | StreamBroken>) => void
  readonly started: Effect.Effect<StreamStart, Refusal>
  /** From the first piece on, whenever one comes to read; for one reader only, where it is not shared. */
  readonly parts: Stream.Stream<StreamPart, StreamBroken>
}

/** `isShared`: others may come to read it, and late. If not, nothing is kept that has been taken. */
export const makeStreamRelay = (readerTimeout: Duration.Duration, isShared: boolean): StreamRelay => {
  const started = Deferred.makeUnsafe<StreamStart, Refusal>()
  const parts: Array<StreamPart> = []
  let written = 0
  /** What the fastest reader has taken. */
  let taken = 0
  let hasBegun = false
  let outcome: "running" | "ended" | StreamBroken = "running"
  const readers = new Set<() => void>()
  let writer: (() => void) | undefined

  const wakeReaders = () => {
    // Whoever is woken may run at once, and wait again.
    const waiting = [...readers]
    readers.clear()
    for (const wake of waiting) wake()
  }
  const finish = (as: "ended" | StreamBroken) => {
    if (outcome === "running") outcome = as
    wakeReaders()
  }
  const take = () => {
    if (written === taken) return
    taken = written
    writer?.()
  }

  // A fiber may have given way since it looked: both look again before they wait, or nobody would wake them.
  const waitForMore = (hasMore: () => boolean) =>
    Effect.callback<void>((resume) => {
      const wake = () => resume(Effect.void)
      if (hasMore() || outcome !== "running") return wake()
      readers.add(wake)
      return Effect.sync(() => readers.delete(wake))
    })

  const waitForReader: Effect.Effect<void> = Effect.callback<void>((resume) => {
    if (written - taken <= maxAhead) return resume(Effect.void)
    writer = () => {
      writer = undefined
      resume(Effect.void)
    }
    return Effect.sync(() => {
      writer = undefined
    })
  }).pipe(Effect.timeoutOrElse({
    duration: readerTimeout,
    orElse: () => {
      finish(new StreamBroken({ cause: new ReaderStalled({ after: readerTimeout }) }))
      return Effect.interrupt
    }
  }))

  return {
    hasBegun: () => hasBegun,
    begin: (start) => {
      hasBegun = true
      Deferred.doneUnsafe(started, Effect.succeed(start))
    },
    emit: (pieces) => {
      for (const piece of pieces) {
        parts.push(piece)
        written += piece.text.length + (piece.chunk === undefined ? 0 : chunkWeight)
      }
      wakeReaders()
      return written - taken > maxAhead ? waitForReader : Effect.void
    },
    isWaiting: () => writer !== undefined,
    end: (exit) => {
      if (Exit.isSuccess(exit)) {
        parts.push({ _tag: "End", generation: exit.value })
        return finish("ended")
      }
      const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
      if (error?._tag === "StreamBroken") return finish(error)
      // A stream that has begun can only have been ended from outside, or by a bug.
      if (hasBegun) return finish(new StreamBroken({ cause: new StreamStopped({}) }))
      Deferred.doneUnsafe(started, error === undefined ? stopped(exit.cause) : Effect.fail(error))
    },
    started: Deferred.await(started),
    parts: Stream.suspend(() => {
      let next = 0
      const pull: Effect.Effect<
        readonly [StreamPart, ...Array<StreamPart>],
        StreamBroken | Cause.Done
      > = Effect.suspend(() => {
        const [first, ...rest] = isShared ? parts.slice(next) : parts.splice(0)
        if (first !== undefined) {
          next = isShared ? parts.length : 0
          take()
          return Effect.succeed([first, ...rest] as const)
        }
        if (outcome === "ended") return Cause.done()
        return outcome === "running"
          ? Effect.flatMap(waitForMore(() => parts.length > next), () => pull)
          : Effect.fail(outcome)
      })
      return Stream.fromPull(Effect.succeed(pull))
    })
  }
}

/** An interruption or a bug, as it was. */
const stopped = (cause: Cause.Cause<unknown>): Effect.Effect<never> =>
  Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.die(Cause.squash(cause))
