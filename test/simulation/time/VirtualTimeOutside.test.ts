import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Logger, Schedule } from "effect"
import { onVirtualTime } from "../../../src/simulation/time/VirtualTime.ts"

/** A promise that is done after so many turns of others, and needs nothing from outside. */
const hops = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await Promise.resolve()
}

describe("virtual time and the world outside", () => {
  it.live("promises that need nothing from outside take no time, however many turns they take", () =>
    Effect.gen(function*() {
      const at = yield* onVirtualTime()(Effect.gen(function*() {
        yield* Effect.forkChild(Effect.forever(Effect.sleep(1)))
        yield* Effect.forEach(Array.from({ length: 200 }), () => Effect.promise(() => hops(100)), {
          concurrency: "unbounded"
        })
        return yield* Clock.currentTimeMillis
      }))
      assert.strictEqual(at, 0)
    }))

  it.live("a program that never lets time go on leaves others their turn, and can be interrupted", () =>
    Effect.gen(function*() {
      for (const busy of [Effect.forever(Effect.yieldNow), Effect.repeat(Effect.void, Schedule.spaced(0))]) {
        const fiber = yield* Effect.forkChild(onVirtualTime()(busy))
        yield* Effect.sleep("30 millis")
        yield* Fiber.interrupt(fiber)
      }
    }))

  it.live(
    "says so when it stands still, and goes on when something comes from outside after all",
    () =>
      Effect.gen(function*() {
        const warned = yield* Deferred.make<string>()
        const outside = yield* Deferred.make<void>()
        const logger = Logger.make(({ message }) => Deferred.doneUnsafe(warned, Effect.succeed(String(message))))
        const fiber = yield* Effect.forkChild(
          onVirtualTime()(Effect.andThen(Deferred.await(outside), Effect.as(Effect.sleep("1 hour"), "done"))).pipe(
            Effect.provide(Logger.layer([logger]))
          )
        )
        assert.match(yield* Deferred.await(warned), /stands still.*waits for the outside world/)
        yield* Deferred.succeed(outside, undefined)
        assert.strictEqual(yield* Fiber.join(fiber), "done")
      }),
    30_000
  )
})
