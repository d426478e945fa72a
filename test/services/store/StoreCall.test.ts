import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { makeStoreCall } from "../../../src/services/store/StoreCall.ts"

it.effect("answers with what the call answers", () =>
  Effect.gen(function*() {
    const storeCall = yield* makeStoreCall
    assert.strictEqual(yield* storeCall("test", "1 second", Effect.succeed(7)), 7)
  }))

it.effect("turns failures and defects into StoreUnavailable, with the operation and the reason", () =>
  Effect.gen(function*() {
    const storeCall = yield* makeStoreCall
    for (const call of [Effect.fail("down"), Effect.die(new Error("down")), Effect.interrupt]) {
      const error = yield* Effect.flip(storeCall("find", "1 second", call))
      assert.strictEqual(error._tag, "StoreUnavailable")
      assert.include(error.message, "find failed")
    }
  }))

it.effect("leaves a call that does not answer in time, although it cannot be interrupted", () =>
  Effect.gen(function*() {
    const storeCall = yield* makeStoreCall
    const gate = yield* Deferred.make<void>()
    const stuck = Effect.uninterruptible(Deferred.await(gate))
    const caller = yield* Effect.forkChild(Effect.flip(storeCall("find", "1 second", stuck)))
    yield* TestClock.adjust("1 second")
    assert.include((yield* Fiber.join(caller)).message, "did not answer in time")
    yield* Deferred.succeed(gate, undefined)
  }))

it.effect("interrupts the call when its caller is interrupted, and lets the caller go", () =>
  Effect.gen(function*() {
    const storeCall = yield* makeStoreCall
    const [started, interrupted] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
    const call = Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
      Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
    )
    const caller = yield* Effect.forkChild(storeCall("find", "1 second", call))
    yield* Deferred.await(started)
    yield* Fiber.interrupt(caller)
    yield* Deferred.await(interrupted)
  }))

it.effect("keeps further calls waiting while very many hang, each in its own time, and takes calls again afterwards", () =>
  Effect.gen(function*() {
    const storeCall = yield* makeStoreCall
    const gate = yield* Deferred.make<void>()
    let started = 0
    const stuck = Effect.suspend(() => {
      started += 1
      return Effect.uninterruptible(Deferred.await(gate))
    })
    const callers = yield* Effect.forkChild(
      Effect.all(Array.from({ length: 300 }, () => Effect.flip(storeCall("find", "1 second", stuck))), {
        concurrency: "unbounded"
      })
    )
    yield* TestClock.adjust("1 second")
    const messages = (yield* Fiber.join(callers)).map((error) => error.message)
    assert.isTrue(messages.every((message) => message.includes("did not answer in time")))
    assert.strictEqual(started, 256)
    const late = yield* Effect.forkChild(Effect.flip(storeCall("find", "1 second", Effect.void)))
    yield* TestClock.adjust("1 second")
    yield* Fiber.join(late)
    yield* Deferred.succeed(gate, undefined)
    yield* Effect.yieldNow
    yield* storeCall("find", "1 second", Effect.void)
    assert.strictEqual(started, 256, "who has left takes no turn any more")
  }))

it.effect("still takes calls from finalizers of the scope it was made in", () =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const storeCall = yield* Scope.provide(makeStoreCall, scope)
    const stored = yield* Deferred.make<number>()
    yield* Scope.addFinalizer(
      scope,
      Effect.orDie(
        Effect.flatMap(storeCall("flush", "1 second", Effect.succeed(7)), (n) => Deferred.succeed(stored, n))
      )
    )
    yield* Scope.close(scope, Exit.void)
    assert.strictEqual(yield* Deferred.await(stored), 7)
  }))
