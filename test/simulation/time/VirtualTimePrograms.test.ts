/** What programs on virtual time come to: their order, their ends, and what they have of the outside world. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Deferred, Effect, Exit, Fiber, Option, Queue, Random, Schema, Semaphore } from "effect"
import { setTimeout } from "node:timers/promises"
import { onVirtualTime } from "../../../src/simulation/time/VirtualTime.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const virtual = onVirtualTime()

/** Fibers that wait for one another in every way there is, and note what they do when. */
const lively = Effect.gen(function*() {
  const notes: Array<string> = []
  const note = (text: string) => Effect.map(Clock.currentTimeMillis, (at) => void notes.push(`${at} ${text}`))
  const queue = yield* Queue.bounded<number>(2)
  const lock = yield* Semaphore.make(2)
  const done = yield* Deferred.make<void>()
  const worker = (n: number) =>
    Effect.gen(function*() {
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 20))
      yield* lock.withPermit(Effect.andThen(Effect.sleep(yield* Random.nextIntBetween(0, 5)), note(`work ${n}`)))
      yield* Queue.offer(queue, n)
      yield* Deferred.await(done)
      yield* note(`home ${n}`)
    })
  const fibers = yield* Effect.forEach(Array.from({ length: 40 }, (_, n) => n), (n) => Effect.forkChild(worker(n)))
  for (let taken = 0; taken < 40; taken++) {
    yield* Effect.sleep(1)
    yield* note(`took ${yield* Queue.take(queue)}`)
  }
  yield* Deferred.succeed(done, undefined)
  yield* Effect.forEach(fibers, Fiber.join)
  return notes
})

describe("a program on virtual time", () => {
  it.effect("does the same in the same order every time", () =>
    Effect.gen(function*() {
      const run = virtual(lively).pipe(Random.withSeed("1"))
      const first = yield* run
      assert.isAbove(first.length, 119)
      assert.deepStrictEqual(yield* run, first)
      assert.notDeepEqual(yield* virtual(lively).pipe(Random.withSeed("2")), first)
    }))

  it.effect("does the same beside another one as alone", () =>
    Effect.gen(function*() {
      const run = virtual(lively).pipe(Random.withSeed("1"))
      const alone = yield* run
      const both = yield* Effect.all([run, run], { concurrency: "unbounded" })
      assert.deepStrictEqual(both, [alone, alone])
    }))

  it.effect("wakes thousands of sleepers, each at its time", () =>
    Effect.gen(function*() {
      const millis = Array.from({ length: 5_000 }, (_, n) => n * 7_919 % 10_007)
      const woken: Array<number> = []
      const late = yield* virtual(Effect.forEach(millis, (wanted) =>
        Effect.andThen(
          Effect.sleep(wanted),
          Effect.map(Clock.currentTimeMillis, (at) => {
            woken.push(wanted)
            return at - wanted
          })
        ), { concurrency: "unbounded" }))
      assert.isTrue(late.every((millis) => millis === 0))
      assert.deepStrictEqual(woken, woken.toSorted((a, b) => a - b))
    }))

  it.effect("lets the children of children wait, each for its own time", () =>
    Effect.gen(function*() {
      const at = yield* virtual(Effect.gen(function*() {
        const inner = Effect.andThen(Effect.sleep("2 hours"), Clock.currentTimeMillis)
        const middle = Effect.gen(function*() {
          yield* Effect.sleep("1 hour")
          const fiber = yield* Effect.forkChild(inner)
          yield* Effect.sleep("1 minute")
          return [yield* Clock.currentTimeMillis, yield* Fiber.join(fiber)]
        })
        const fiber = yield* Effect.forkChild(middle)
        yield* Effect.sleep("1 second")
        return [yield* Clock.currentTimeMillis, ...(yield* Fiber.join(fiber))]
      }))
      assert.deepStrictEqual(at, [1_000, 3_660_000, 10_800_000])
    }))

  it.effect.prop(
    "decides races by the clock alone",
    [int(1, 500), int(1, 500)],
    ([work, patience]) =>
      Effect.gen(function*() {
        const [won, at] = yield* virtual(Effect.gen(function*() {
          const won = yield* Effect.sleep(work).pipe(
            Effect.as(true),
            Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.succeed(false) })
          )
          return [won, yield* Clock.currentTimeMillis]
        }))
        assert.strictEqual(at, Math.min(work, patience))
        if (work !== patience) assert.strictEqual(won, work < patience)
      })
  )

  it.effect("does not wait for a promise that never ends while there is anything to sleep for", () =>
    Effect.gen(function*() {
      const never = Effect.promise(() => new Promise<never>(() => undefined))
      const at = yield* virtual(
        Effect.andThen(Effect.timeoutOption(never, "1 day"), Clock.currentTimeMillis)
      )
      assert.strictEqual(at, 86_400_000)
    }))

  it.effect("takes no virtual time for what others' real timers do", () =>
    Effect.gen(function*() {
      const outside = Effect.promise(() => setTimeout(5, "done"))
      const seen = yield* virtual(Effect.gen(function*() {
        yield* Effect.sleep(10)
        const answer = yield* outside
        const afterTimer = yield* Clock.currentTimeMillis
        yield* Effect.sleep(10)
        return [answer, afterTimer, yield* Clock.currentTimeMillis]
      }))
      assert.deepStrictEqual(seen, ["done", 10, 20])
      // Whoever sleeps meanwhile does not wait for them.
      const raced = yield* virtual(Effect.timeoutOption(outside, "1 hour"))
      assert.isTrue(Option.isNone(raced))
    }))

  it.effect("comes to its defect, its interruption and its typed error as they are", () =>
    Effect.gen(function*() {
      const bug = new Error("a bug")
      const defect = yield* Effect.exit(virtual(Effect.andThen(Effect.sleep("1 day"), Effect.die(bug))))
      assert.isTrue(Exit.isFailure(defect) && Cause.squash(defect.cause) === bug)
      const thrown = yield* Effect.exit(virtual(Effect.sync(() => {
        throw bug
      })))
      assert.isTrue(Exit.isFailure(thrown) && Cause.squash(thrown.cause) === bug)
      const interrupted = yield* Effect.exit(virtual(Effect.andThen(Effect.sleep(1), Effect.interrupt)))
      assert.isTrue(Exit.isFailure(interrupted) && Cause.hasInterruptsOnly(interrupted.cause))
      const child = Effect.flatMap(Effect.forkChild(Effect.andThen(Effect.sleep(5), Effect.fail("no"))), Fiber.join)
      assert.strictEqual(yield* Effect.flip(virtual(child)), "no")
    }))

  it.effect("may hold another one, with a clock of its own", () =>
    Effect.gen(function*() {
      const times = yield* virtual(Effect.gen(function*() {
        yield* Effect.sleep("1 hour")
        const inner = yield* virtual(Effect.andThen(Effect.sleep("1 second"), Clock.currentTimeMillis))
        return [inner, yield* Clock.currentTimeMillis]
      }))
      assert.deepStrictEqual(times, [1_000, 3_600_000])
    }))
})
