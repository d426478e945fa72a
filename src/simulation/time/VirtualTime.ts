/**
 * Time that goes on as soon as nobody has anything left to do: a day of waiting takes as long as the work in it. All
 * tasks run one after the other in the order in which they came, so the same program does the same every time.
 */
import { Clock, Context, Duration, Effect, Scheduler } from "effect"
import { makeAlarms } from "./Alarms.ts"

export interface VirtualTimeOptions {
  /** Where the clock begins, in milliseconds since the epoch. Default 0. */
  readonly startMillis?: number | undefined
}

/**
 * Runs a program on a clock of its own, which every `Clock`, sleep, timeout and schedule in it sees. What waits for the
 * outside world (a socket, a file, another thread) takes its real time, in which the virtual clock does not wait for
 * it: simulate such parts too. Gives way to others of the process every few milliseconds.
 */
export const onVirtualTime =
  ({ startMillis = 0 }: VirtualTimeOptions = {}) =>
  <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.contextWith((context: Context.Context<R>) => {
      const time = makeVirtualTime(startMillis)
      const within = Context.add(context, Clock.Clock, time.clock).pipe(
        Context.add(Scheduler.Scheduler, time.scheduler)
      )
      const fiber = Effect.runForkWith(within)(program)
      fiber.addObserver(time.wake)
      const drive = Effect.gen(function*() {
        for (;;) {
          const exit = fiber.pollUnsafe()
          if (exit !== undefined) return yield* exit
          const isBusy = yield* Effect.promise(() => time.slice(() => fiber.pollUnsafe() !== undefined))
          yield* isBusy ? Effect.yieldNow : time.work
        }
      })
      // Its finalizers take their (virtual) time too.
      return Effect.onInterrupt(drive, () =>
        Effect.suspend(() => {
          fiber.interruptUnsafe()
          return Effect.ignoreCause(drive)
        }))
    })

/** Real milliseconds until others of the process get their turn. */
const sliceMillis = 10

const makeVirtualTime = (startMillis: number) => {
  const alarms = makeAlarms()
  const tasks: Array<() => void> = []
  let done = 0
  let now = startMillis
  /** Whoever drives the time, while it waits for the outside world. */
  let onWork: (() => void) | undefined
  let woken = false
  const wake = () => {
    woken = true
    onWork?.()
  }

  const runTasks = () => {
    while (done < tasks.length) tasks[done++]?.()
    tasks.length = 0
    done = 0
  }

  /** `false`: nothing is left to do, and nobody waits for any moment. */
  const step = (): boolean => {
    if (tasks.length > 0) {
      runTasks()
      return true
    }
    const alarm = alarms.next()
    if (alarm === undefined) return false
    now = Math.max(now, alarm.at)
    alarm.ring()
    return true
  }

  return {
    wake,
    clock: clockOf(() => now, startMillis, {
      ...alarms,
      // What the outside world wakes runs at once, and may do nothing but fall asleep again.
      set: (at, ring) => {
        const alarm = alarms.set(at, ring)
        wake()
        return alarm
      }
    }),
    scheduler: new Scheduler.MixedScheduler("async", (task) => {
      let isCanceled = false
      tasks.push(() => {
        if (!isCanceled) task()
      })
      wake()
      return () => {
        isCanceled = true
      }
    }),
    /** Goes on for a while; `false`: until there was nothing to do any more but to wait for the outside world. */
    slice: async (isOver: () => boolean): Promise<boolean> => {
      const end = performance.now() + sliceMillis
      while (performance.now() < end) {
        if (isOver()) return true
        woken = false
        if (!step()) return false
        // Promises that are done go on before the next moment.
        await Promise.resolve()
      }
      return true
    },
    /** Waits until there is something to do again. */
    work: Effect.callback<void>((resume) => {
      if (woken) return resume(Effect.void)
      onWork = () => {
        onWork = undefined
        resume(Effect.void)
      }
    })
  }
}

const clockOf = (now: () => number, startMillis: number, alarms: ReturnType<typeof makeAlarms>): Clock.Clock => {
  const nanos = (millis: number): bigint => BigInt(Math.round(millis * 1_000_000))
  const wall = () => nanos(now())
  const monotonic = () => nanos(now() - startMillis)
  return {
    currentTimeMillisUnsafe: now,
    currentTimeMillis: Effect.sync(now),
    currentTimeNanosUnsafe: wall,
    currentTimeNanos: Effect.sync(wall),
    monotonicTimeNanosUnsafe: monotonic,
    monotonicTimeNanos: Effect.sync(monotonic),
    sleep: (duration) => {
      const millis = Duration.toMillis(duration)
      if (millis <= 0) return Effect.yieldNow
      if (!Number.isFinite(millis)) return Effect.never
      return Effect.callback((resume) => {
        // In whole milliseconds, as the time of the real clock is: nobody can fall short of a moment by a rounding.
        const alarm = alarms.set(now() + Math.ceil(millis), () => resume(Effect.void))
        return Effect.sync(() => alarms.cancel(alarm))
      })
    }
  }
}
