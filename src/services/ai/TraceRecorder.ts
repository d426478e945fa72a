/** Writes a trace off the answers' path: a bounded queue, and one fiber that appends what is in it, in batches. */
import { type Cause, Effect, Fiber, Latch, Metric, Queue, type Scope } from "effect"
import type { TraceLine } from "../../domain/Trace.ts"

export interface TraceRecorder {
  /** Takes no time: a line that finds no room is dropped and counted. */
  readonly record: (line: TraceLine) => Effect.Effect<void>
}

/** Lines that may wait to be written. */
const capacity = 10_000
/** Lines of one append, about 100 kB. */
const maxBatch = 1_000
/** Between two appends, while there is not much to write. */
const rest = "250 millis"
/** How long a stop waits for what is still in the queue. */
const flushTimeout = "5 seconds"

const dropped = Metric.counter("understudy_trace_dropped_total", {
  description: "Calls that the trace lacks: too many waited to be written, or the file could not be written",
  incremental: true
})

/**
 * `append` gets whole lines, one call at a time. What it cannot write is given up, with one warning until it can again.
 * Closing the scope writes what is left, for at most 5 seconds.
 */
export const makeTraceRecorder = Effect.fnUntraced(function*<E extends Error>(
  append: (lines: string) => Effect.Effect<void, E>
): Effect.fn.Return<TraceRecorder, never, Scope.Scope> {
  const queue = yield* Queue.dropping<TraceLine, Cause.Done>(capacity)
  const closing = Latch.makeUnsafe()
  let isLosing = false
  let isClosing = false

  const lost = (count: number, why: string): Effect.Effect<void> => {
    const counted = Metric.update(dropped, count)
    if (isLosing) return counted
    isLosing = true
    return Effect.andThen(counted, Effect.logWarning(`RECORD_TRACE: the trace lacks calls for now: ${why}`))
  }

  /** Not as long as there is hardly any room: it would warn again at once. */
  const wrote = Effect.suspend(() => {
    if (!isLosing || Queue.sizeUnsafe(queue) > capacity / 2) return Effect.void
    isLosing = false
    return Effect.logInfo("RECORD_TRACE: the trace is written again")
  })

  const write = (lines: ReadonlyArray<TraceLine>): Effect.Effect<void> =>
    Effect.suspend(() => append(lines.map((line) => `${JSON.stringify(line)}\n`).join(""))).pipe(
      Effect.matchEffect({
        onFailure: (error) => lost(lines.length, error.message),
        onSuccess: () => wrote
      }),
      Effect.catchDefect((defect) => lost(lines.length, String(defect)))
    )

  const worker = yield* Effect.forkScoped(Effect.forever(
    Effect.flatMap(Queue.takeBetween(queue, 1, maxBatch), (lines) =>
      Effect.andThen(
        write(lines),
        lines.length === maxBatch ? Effect.void : Effect.timeoutOption(closing.await, rest)
      ))
  ))

  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      isClosing = true
      closing.openUnsafe()
      yield* Queue.end(queue)
      yield* Effect.timeoutOption(Effect.interruptible(Fiber.await(worker)), flushTimeout)
      const left = Queue.sizeUnsafe(queue)
      if (left > 0) yield* lost(left, "its file took them no more before the stop")
    })
  )

  return {
    record: (line) =>
      Queue.offerUnsafe(queue, line)
        ? Effect.void
        : isClosing
        ? Metric.update(dropped, 1)
        : lost(1, "its file does not take them as fast as they come")
  }
})
