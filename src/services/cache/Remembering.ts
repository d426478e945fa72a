/** Storing off the answer's path: a bounded queue, and one fiber that stores what is in it, in batches. */
import { Array, type Cause, Duration, Effect, Fiber, Latch, Metric, Queue, Ref, Schedule, type Scope } from "effect"
import { type CacheEntry, lengthOf, maxRemembered, toCacheEntries } from "../../domain/CacheEntry.ts"
import { StoreUnavailable } from "../../domain/errors.ts"
import type { RememberedAnswer } from "../FallbackCache.ts"
import { dropped, failed, remembered } from "./FallbackCacheOptions.ts"

/** Characters of prompts, contexts and texts that may wait to be stored. */
const maxQueued = 32_000_000

/** How long a stop waits for what is still in the queue, and so does whoever takes answers out. */
const flushTimeout = "5 seconds"

export interface RememberingOptions {
  readonly queueCapacity: number
  readonly batchSize: number
  /** Answers how many of the entries it could not store. */
  readonly store: (entries: ReadonlyArray<CacheEntry>) => Effect.Effect<number, StoreUnavailable>
}

export interface Remembering {
  /** On the answer's path nothing happens but an offer to the queue. */
  readonly remember: (answer: RememberedAnswer) => Effect.Effect<void>
  /**
   * Runs `change` once everything offered so far has been stored or given up, so that an answer that is taken out does
   * not appear afterwards. Fails after 5 seconds of waiting, with nothing changed.
   */
  readonly settled: <A>(
    operation: string,
    change: Effect.Effect<A, StoreUnavailable>
  ) => Effect.Effect<A, StoreUnavailable>
}

/** Closing the scope stores what is left in the queue, for at most 5 seconds. */
export const makeRemembering = Effect.fnUntraced(function*(
  options: RememberingOptions
): Effect.fn.Return<Remembering, never, Scope.Scope> {
  const queue = yield* Queue.dropping<RememberedAnswer, Cause.Done>(options.queueCapacity)
  const storing = yield* makeStoring(options)
  const progress = makeProgress()
  let queued = 0
  const cycle = Effect.gen(function*() {
    const answers = yield* Queue.takeBetween(queue, 1, options.batchSize)
    queued -= answers.reduce((sum, answer) => sum + lengthOf(answer), 0)
    const [took] = yield* Effect.timed(Effect.catchCause(storing(answers), (cause) =>
      Effect.andThen(
        Metric.update(failed, answers.length),
        Effect.logError(`${answers.length} answers are not remembered: a bug`, cause)
      )))
    progress.done(answers.length)
    yield* Effect.timeoutOption(progress.hurried, restAfter(took, progress.waiting() / options.queueCapacity))
  })
  const worker = yield* Effect.forkScoped(Effect.forever(cycle))
  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      progress.close()
      yield* Queue.end(queue)
      yield* Effect.timeoutOption(Effect.interruptible(Fiber.await(worker)), flushTimeout)
    })
  )
  return {
    remember: (answer) =>
      Effect.suspend(() => {
        const length = lengthOf(answer)
        if (length > maxRemembered || queued + length > maxQueued || !Queue.offerUnsafe(queue, answer)) {
          return Metric.update(dropped, 1)
        }
        queued += length
        progress.offered()
        return Effect.void
      }),
    settled: (operation, change) =>
      Effect.timeoutOrElse(progress.caughtUp, {
        duration: flushTimeout,
        orElse: () =>
          Effect.fail(new StoreUnavailable({ operation, cause: new Error("answers are still waiting to be stored") }))
      }).pipe(Effect.andThen(change))
  }
})

/** Counts what came and what is done with, wakes those who wait for it, and keeps the worker from resting meanwhile. */
const makeProgress = () => {
  let offered = 0
  let done = 0
  const waiting = new Set<{ readonly target: number; readonly reached: Latch.Latch }>()
  const hurry = Latch.makeUnsafe()
  let isClosing = false
  return {
    hurried: hurry.await,
    close: () => {
      isClosing = true
      hurry.openUnsafe()
    },
    offered: () => void offered++,
    waiting: () => offered - done,
    done: (count: number) => {
      done += count
      for (const { reached, target } of waiting) if (done >= target) reached.openUnsafe()
    },
    caughtUp: Effect.suspend(() => {
      if (done >= offered) return Effect.void
      const waiter = { target: offered, reached: Latch.makeUnsafe() }
      waiting.add(waiter)
      hurry.openUnsafe()
      return Effect.ensuring(
        waiter.reached.await,
        Effect.sync(() => {
          waiting.delete(waiter)
          if (waiting.size === 0 && !isClosing) hurry.closeUnsafe()
        })
      )
    })
  }
}

/** Stores at once, in batches, and says how many could be stored. */
export const storeAll = Effect.fnUntraced(function*(
  answers: ReadonlyArray<RememberedAnswer>,
  batchSize: number,
  store: RememberingOptions["store"]
): Effect.fn.Return<number, StoreUnavailable> {
  let stored = 0
  for (const entries of Array.chunksOf(toCacheEntries(answers), batchSize)) {
    stored += entries.length - (yield* store(entries))
  }
  return stored
})

/**
 * Storing gets a quarter of the time, because it shares the processor, and an embedded database's only session, with the
 * answers; more the fuller the queue is, and from a quarter of its capacity on all of it: answers that are dropped stand
 * in for nothing. A single answer after a quiet time is stored at once.
 */
const restAfter = (took: Duration.Duration, fullness: number): Duration.Duration =>
  Duration.min(Duration.times(took, 3 * Math.max(0, 1 - 4 * fullness)), Duration.seconds(1))

/** Never fails: what cannot be stored after a few tries is given up, with one warning per episode. */
const makeStoring = Effect.fnUntraced(function*({ store }: RememberingOptions) {
  const failing = yield* Ref.make(false)
  return Effect.fnUntraced(function*(answers: ReadonlyArray<RememberedAnswer>) {
    const entries = toCacheEntries(answers)
    if (entries.length === 0) return
    const lost = yield* store(entries).pipe(
      Effect.retry({ times: 2, schedule: Schedule.exponential("100 millis", 4) }),
      Effect.tap(() =>
        Effect.flatMap(
          Ref.getAndSet(failing, false),
          (before) => before ? Effect.logInfo("answers are remembered again") : Effect.void
        )
      ),
      Effect.catch((error) =>
        Effect.flatMap(Ref.getAndSet(failing, true), (before) =>
          before
            ? Effect.logDebug(`${entries.length} answers are not remembered`, error)
            : Effect.logWarning(`answers are not remembered for now: ${error.message}`)).pipe(
            Effect.as(entries.length)
          )
      )
    )
    yield* Metric.update(remembered, entries.length - lost)
    if (lost > 0) yield* Metric.update(failed, lost)
  })
})
