/** Works on jobs, in this process or in one that does nothing else. */
import { Cause, Effect, Layer } from "effect"
import type { Job } from "../../domain/jobs/Job.ts"
import { CallbackSender } from "../CallbackSender.ts"
import { Generator } from "../Generator.ts"
import { errandSpan } from "../telemetry/jobSpans.ts"
import { makeCallback } from "./Callback.ts"
import { makeDeadline } from "./Deadline.ts"
import { JobBook } from "./JobBook.ts"
import type { Errand, ErrandQueue } from "./JobQueues.ts"
import { NotNow } from "./NotNow.ts"
import { makeTurn } from "./Turn.ts"

/** How much this process does at a time. */
export interface JobWorkersOptions {
  /** Jobs at a time; with 0 only deadlines are kept and callbacks told. Default 4. */
  readonly workers?: number | undefined
  /** Callbacks at a time. Default 16: most of the time of one is a receiver's that is slow. */
  readonly callbackWorkers?: number | undefined
  /** What is sent to a callback. */
  readonly bodyOf: (job: Job) => string
}

/** Nothing is asked of anybody for a fallback but the database, and perhaps an embedder. */
const deadlineWorkers = 8

/** Works as long as its scope lives; then its errands go back to the queue. */
export const layer = (options: JobWorkersOptions): Layer.Layer<never, never, JobBook | Generator | CallbackSender> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const book = yield* JobBook
    const generator = yield* Generator
    const { callbacks, deadlines, turns } = book.queues
    yield* work("jobs", "understudy.job", turns, options.workers ?? 4, makeTurn(book, generator))
    yield* work(
      "jobs at their deadline",
      "understudy.job.deadline",
      deadlines,
      deadlineWorkers,
      makeDeadline(book, generator)
    )
    const callback = makeCallback(book, yield* CallbackSender, options.bodyOf)
    yield* work("callbacks", "understudy.callback", callbacks, options.callbackWorkers ?? 16, callback)
  }))

const work = <E extends Error>(
  what: string,
  span: string,
  queue: ErrandQueue,
  count: number,
  run: (errand: Errand) => Effect.Effect<void, E>
) =>
  Effect.gen(function*() {
    /** One warning when it begins to go wrong, not one for each errand. */
    let isTrouble = false
    const done = Effect.sync(() => {
      isTrouble = false
    })
    // An errand that interrupts itself comes here too, and must not take its worker away. One that is interrupted with
    // its worker does not.
    const trouble = Effect.fnUntraced(function*(cause: Cause.Cause<unknown>) {
      const log = isTrouble ? Effect.logDebug : Effect.logWarning
      isTrouble = true
      yield* log(`${what} do not go on as they should, they are tried again: ${messageOf(cause)}`)
      yield* Effect.sleep("1 second")
    })
    const traced = (errand: Errand) => errandSpan(span, errand, run(errand))
    const worker = Effect.forever(
      Effect.catchCause(Effect.andThen(Effect.catchIf(queue.take(traced), isNotNow, () => Effect.void), done), trouble)
    )
    yield* Effect.forEach(Array.from({ length: count }), () => Effect.forkScoped(worker), { discard: true })
  })

const isNotNow = (error: unknown): error is NotNow => error instanceof NotNow

const messageOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}
