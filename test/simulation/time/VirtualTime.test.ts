import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Queue, Schedule } from "effect"
import { onVirtualTime } from "../../../src/simulation/time/VirtualTime.ts"

describe("virtual time", () => {
  it.live("goes on as soon as nobody has anything to do", () =>
    Effect.gen(function*() {
      const realBegin = yield* Clock.currentTimeMillis
      const at = yield* onVirtualTime({ startMillis: 1_000 })(
        Effect.andThen(Effect.sleep("365 days"), Clock.currentTimeMillis)
      )
      assert.strictEqual(at, 1_000 + 365 * 86_400_000)
      assert.isBelow((yield* Clock.currentTimeMillis) - realBegin, 60_000)
    }))

  it.live(
    "wakes sleepers by their time, and those of the same time in the order in which they fell asleep",
    () =>
      Effect.gen(function*() {
        const woken: Array<string> = []
        const sleeper = (name: string, millis: number) =>
          Effect.andThen(Effect.sleep(millis), Effect.sync(() => void woken.push(name)))
        yield* onVirtualTime()(Effect.all(
          [sleeper("late", 30), sleeper("a", 10), sleeper("b", 10), sleeper("now", 0), sleeper("c", 10)],
          { concurrency: "unbounded" }
        ))
        assert.deepStrictEqual(woken, ["now", "a", "b", "c", "late"])
      })
  )

  it.live("is what timeouts, schedules and durations go by", () =>
    Effect.gen(function*() {
      const seen = yield* onVirtualTime()(Effect.gen(function*() {
        const result = yield* Effect.exit(Effect.timeout(Effect.never, "1 hour"))
        const afterTimeout = yield* Clock.currentTimeMillis
        yield* Effect.repeat(Effect.void, { schedule: Schedule.spaced("1 minute"), times: 5 })
        const afterSchedule = yield* Clock.currentTimeMillis
        const [took] = yield* Effect.timed(Effect.sleep("3 seconds"))
        return { failed: result._tag, afterTimeout, afterSchedule, took: Duration.toMillis(took) }
      }))
      assert.deepStrictEqual(seen, {
        failed: "Failure",
        afterTimeout: 3_600_000,
        afterSchedule: 3_900_000,
        took: 3_000
      })
    }))

  it.live("hands on what the program fails with", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(onVirtualTime()(Effect.andThen(Effect.sleep("1 day"), Effect.fail("no"))))
      assert.strictEqual(error, "no")
    }))

  it.live(
    "an interruption ends the program with its finalizers, whose sleeps it sees too",
    () =>
      Effect.gen(function*() {
        const begun = yield* Queue.unbounded<void>()
        let cleaned = 0
        const fiber = yield* Effect.forkChild(
          onVirtualTime()(
            Effect.andThen(Queue.offer(begun, undefined), Effect.never).pipe(
              Effect.onInterrupt(() =>
                Effect.andThen(
                  Effect.sleep("1 hour"),
                  Effect.map(Clock.currentTimeMillis, (at) => {
                    cleaned = at
                  })
                )
              )
            )
          )
        )
        yield* Queue.take(begun)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(cleaned, 3_600_000)
      })
  )

  it.live("waits for the outside world when nothing else is to be done", () =>
    Effect.gen(function*() {
      const digest = yield* onVirtualTime()(Effect.gen(function*() {
        const bytes = yield* Effect.promise(() => crypto.subtle.digest("SHA-256", new Uint8Array(4)))
        yield* Effect.sleep("1 minute")
        return bytes.byteLength + (yield* Clock.currentTimeMillis)
      }))
      assert.strictEqual(digest, 60_032)
    }))

  it.live("leaves the process its turns, however long it goes on", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(
        onVirtualTime()(
          Effect.forever(Effect.sleep("1 second"))
        )
      )
      yield* Effect.sleep("50 millis")
      yield* Fiber.interrupt(fiber)
    }))
})
