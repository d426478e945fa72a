/**
 * Time that goes on as soon as nobody has anything left to do: a day of waiting takes as long as the work in it. All
 * tasks run one after the other in the order in which they came, so the same program does the same every time.
 */
import { Clock, Context, Duration, Effect, Scheduler } from "effect"
import { type Alarms, makeAlarms } from "./Alarms.ts"

/** Where the virtual clock stands at first. */
export interface VirtualTimeOptions {
  /** Where the clock begins, in milliseconds since the epoch. Default 0. */
  readonly startMillis?: number | undefined
}

/** In real time, with nothing to do and nobody asleep, before that is said. */
const suspicious = "5 seconds"

/**
 * Runs a program on a clock of its own, which every `Clock`, sleep, timeout and schedule in it sees. Promises that need
 * nothing from outside are done before the clock goes on. What does (a socket, a file, another thread) takes its real
 * time, and the clock goes on meanwhile as far as others sleep: 100 ms of a socket lose against any timeout, so simulate
 * such parts too. Others of the process get their turn whenever the clock goes on.
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
          time.run()
          yield* Effect.yieldNow
          if (time.isQuiet() && fiber.pollUnsafe() === undefined && !time.goOn()) yield* waiting(time.work)
        }
      })
      // Its finalizers take their (virtual) time too.
      return Effect.onExit(drive, () =>
        Effect.suspend(() => {
          if (fiber.pollUnsafe() !== undefined) return Effect.void
          fiber.interruptUnsafe()
          return Effect.ignoreCause(drive)
        }))
    })

const waiting = (work: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.timeoutOrElse(work, { duration: suspicious, orElse: () => Effect.andThen(Effect.logWarning(stands), work) })

const stands = "virtual time stands still: nobody has anything to do, and nobody sleeps; a program on it waits for the "
  + "outside world, or for itself"

/** Real milliseconds until others of the process get their turn, though there is more to do at the same moment. */
const sliceMillis = 10

const makeVirtualTime = (startMillis: number) => {
  const alarms = makeAlarms()
  let tasks: Array<() => void> = []
  let now = startMillis
  /** Whoever drives the time, while it waits for the outside world. */
  let onWork: (() => void) | undefined
  let woken = false
  const wake = () => {
    woken = true
    onWork?.()
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
    isQuiet: () => tasks.length === 0,
    /** Does all that can be done at this moment, or some of it: then it is not quiet after it. */
    run: (): void => {
      const end = performance.now() + sliceMillis
      for (;;) {
        while (tasks.length > 0) {
          const batch = tasks
          tasks = []
          for (const task of batch) task()
          if (performance.now() > end) return
        }
        if (alarms.nextAt() !== now) return
        alarms.next()?.ring()
      }
    },
    /** Goes on to the next moment that somebody waits for. `false`: there is none. */
    goOn: (): boolean => {
      woken = false
      const alarm = alarms.next()
      if (alarm === undefined) return false
      now = Math.max(now, alarm.at)
      alarm.ring()
      return true
    },
    /** Waits until there is something to do again, since the clock could not go on. */
    work: Effect.callback<void>((resume) => {
      if (woken) return resume(Effect.void)
      onWork = () => {
        onWork = undefined
        resume(Effect.void)
      }
      return Effect.sync(() => {
        onWork = undefined
      })
    })
  }
}

const clockOf = (now: () => number, startMillis: number, alarms: Alarms): Clock.Clock => {
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
