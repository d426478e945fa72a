import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { PriorityRoom } from "../../../src/domain/limits/PriorityRoom.ts"
import type { Place } from "../../../src/domain/limits/WaitingRoom.ts"

/** Starts whose turn it is, and answers it. */
const serve = <A>(room: PriorityRoom<A>, now = 0, mayRun = true): A | undefined => {
  const line = room.next(mayRun)
  const place = line?.shift()
  if (line !== undefined) room.started(now, line === room.background)
  return place?.value
}

const serveAll = (room: PriorityRoom<string>): string => {
  let served = ""
  for (let value = serve(room); value !== undefined; value = serve(room)) served += value
  return served
}

const fill = (room: PriorityRoom<string>, interactive: number, background: number): void => {
  for (let n = 0; n < interactive; n++) room.interactive.enter("a", "i")
  for (let n = 0; n < background; n++) room.background.enter("a", "b")
}

describe("a room with two classes", () => {
  it("serves interactive callers first, but for a tenth of the starts, and then the background", () => {
    const room = new PriorityRoom<string>(0.1)
    fill(room, 30, 6)
    assert.strictEqual(serveAll(room), `${"i".repeat(10)}b${"i".repeat(9)}b${"i".repeat(9)}b${"ii"}bbb`)
  })

  it("has no reserve when it is told so, and none but that when the reserve is everything", () => {
    const none = new PriorityRoom<string>(0)
    fill(none, 50, 2)
    assert.strictEqual(serveAll(none), `${"i".repeat(50)}bb`)
    const all = new PriorityRoom<string>(1)
    fill(all, 3, 2)
    assert.strictEqual(serveAll(all), "ibbii")
  })

  it("passes the background over while it may not run, and keeps its turn", () => {
    const room = new PriorityRoom<string>(0.5)
    fill(room, 10, 3)
    for (let n = 0; n < 6; n++) assert.strictEqual(serve(room, 0, false), "i")
    assert.strictEqual(serve(room), "b")
    const idle = new PriorityRoom<string>(0.5)
    fill(idle, 0, 1)
    assert.isUndefined(idle.next(false))
  })

  it("saves no more than a turn up", () => {
    const room = new PriorityRoom<string>(0.1)
    fill(room, 130, 1)
    for (let n = 0; n < 100; n++) serve(room, 0, false)
    fill(room, 0, 9)
    assert.strictEqual(serveAll(room).slice(0, 12), `b${"i".repeat(8)}bii`)
  })

  it("keeps a place for one that will come again, until then and no longer", () => {
    const room = new PriorityRoom<string>(0.1)
    room.arrives(0)
    room.comesAgain(0, 60_000, 7)
    fill(room, 40, 0)
    for (let n = 0; n < 9; n++) serve(room, 1_000)
    assert.isUndefined(room.kept(1_000))
    serve(room, 1_000)
    assert.deepInclude(room.kept(1_000), { weight: 7 })
    assert.isUndefined(room.kept(60_000))
    // Once it is here, its turn is in the order of the room.
    fill(room, 0, 2)
    assert.isUndefined(room.kept(2_000))
    assert.strictEqual(serve(room, 2_000), "b")
    assert.strictEqual(serve(room, 2_000), "i")
  })

  it("forgets the credit of one that did not come again", () => {
    const room = new PriorityRoom<string>(0.1)
    room.arrives(0)
    room.comesAgain(0, 60_000, 0)
    fill(room, 40, 0)
    for (let n = 0; n < 20; n++) serve(room, 1_000)
    assert.isUndefined(room.kept(60_000))
    room.arrives(119_999)
    assert.isTrue(room.isDue(119_999))
    room.arrives(120_000)
    fill(room, 0, 1)
    assert.strictEqual(serve(room, 120_000), "i")
  })

  it("keeps nothing any more when one of the background has started, nor for one without a weight", () => {
    const room = new PriorityRoom<string>(1)
    const due = () => {
      fill(room, 2, 0)
      serve(room)
      serve(room)
      assert.isTrue(room.isDue(0))
    }
    room.comesAgain(0, 60_000, 7)
    due()
    assert.deepStrictEqual(room.kept(0), { weight: 7, until: 60_000 })
    fill(room, 0, 1)
    assert.strictEqual(serve(room), "b")
    due()
    assert.isUndefined(room.kept(0))
    room.comesAgain(0, 60_000, undefined)
    assert.isUndefined(room.kept(0))
    room.comesAgain(0, 10_000, 5)
    room.comesAgain(0, 5_000, 3)
    assert.deepStrictEqual(room.kept(0), { weight: 5, until: 10_000 })
  })

  it("serves a hundred thousand in no time", () => {
    const room = new PriorityRoom<string>(0.1)
    for (let n = 0; n < 50_000; n++) {
      room.interactive.enter(String(n % 500), "i")
      room.background.enter(String(n % 500), "b")
    }
    assert.strictEqual(serveAll(room).length, 100_000)
  })

  it.prop(
    "loses nobody, keeps its shares in every stretch of starts, and foresees who goes before, whatever happens",
    [
      Schema.Literals([0.05, 0.1, 0.25, 0.3, 0.5, 1]),
      Schema.Array(Schema.Struct({
        act: Schema.Literals(["interactive", "interactive", "background", "serve", "serve", "serve", "leave"]),
        namespace: Schema.Literals(["a", "b", "c"]),
        times: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })),
        mayRun: Schema.Boolean
      })).check(Schema.isMaxLength(60))
    ],
    ([share, steps]) => {
      const room = new PriorityRoom<number>(share)
      const waiting = new Map<number, Place<number>>()
      /** Starts since there is always somebody of both who may start, and how many of them were the background's. */
      let both = { starts: 0, background: 0 }
      let entered = 0
      for (const { act, mayRun, namespace, times } of steps) {
        for (let n = 0; n < times; n++) {
          if (act === "interactive" || act === "background") {
            const { count } = act === "background"
              ? room.aheadOfBackground(namespace)
              : room.aheadOfInteractive(namespace, true)
            assert.isAtMost(count, room.size)
            // Only one of those that go before may be wrong: starts of the background bring credit themselves.
            if (act === "interactive") assert.isAtLeast(count, room.interactive.ahead(namespace))
            else assert.isAtLeast(count, room.background.ahead(namespace))
            if (act === "background") room.arrives(0)
            waiting.set(entered, room[act].enter(namespace, entered++))
          } else if (act === "leave") {
            const [first] = waiting
            if (first === undefined) break
            assert.isTrue(room.interactive.leave(first[1]) || room.background.leave(first[1]))
            waiting.delete(first[0])
          } else {
            const isBoth = room.interactive.size > 0 && room.background.size > 0 && mayRun
            const before = room.background.size
            const value = serve(room, 0, mayRun)
            if (value === undefined) {
              assert.isTrue(room.interactive.size === 0 && (before === 0 || !mayRun))
              break
            }
            const isBackground = room.background.size < before
            assert.isFalse(isBackground && !mayRun)
            assert.isTrue(waiting.delete(value))
            both = isBoth
              ? { starts: both.starts + 1, background: both.background + (isBackground ? 1 : 0) }
              : { starts: 0, background: 0 }
            const due = both.starts * share
            assert.isAtMost(both.background, due + 1 + share + 1e-9)
            assert.isAbove(both.background, due - 1 - share - 1e-9)
          }
          assert.strictEqual(room.size, waiting.size)
        }
      }
    }
  )

  it.prop(
    "foresees exactly who goes before one of the background, while nobody else comes",
    [
      Schema.Literals([0, 0.05, 0.1, 0.25, 0.3, 0.5, 1]),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 }))
    ],
    ([share, interactive, background, before]) => {
      const room = new PriorityRoom<string>(share)
      fill(room, interactive, background)
      for (let n = 0; n < before; n++) serve(room)
      room.arrives(0)
      const { count } = room.aheadOfBackground("a")
      room.background.enter("a", "last")
      let gone = 0
      while (serve(room) !== "last") gone += 1
      assert.strictEqual(gone, count)
    }
  )
})
