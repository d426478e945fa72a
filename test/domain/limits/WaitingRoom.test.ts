import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Place, WaitingRoom } from "../../../src/domain/limits/WaitingRoom.ts"

const serveAll = <A>(room: WaitingRoom<A>) => {
  const served: Array<A> = []
  for (let place = room.shift(); place !== undefined; place = room.shift()) served.push(place.value)
  return served
}

describe("a waiting room", () => {
  it("serves namespaces in turn, and each in the order of arrival", () => {
    const room = new WaitingRoom<string>()
    for (const value of ["a1", "a2", "a3", "b1", "c1", "b2"]) room.enter(value.slice(0, 1), value)
    assert.deepStrictEqual(serveAll(room), ["a1", "b1", "c1", "a2", "b2", "a3"])
    assert.strictEqual(room.size, 0)
  })

  it("forgets who leaves, once", () => {
    const room = new WaitingRoom<string>()
    const places = ["a1", "a2", "a3"].map((value) => room.enter("a", value))
    const [, second] = places
    assert.isTrue(second !== undefined && room.leave(second))
    assert.isFalse(second !== undefined && room.leave(second))
    assert.deepStrictEqual(serveAll(room), ["a1", "a3"])
    assert.isFalse(places.some((place) => room.leave(place)))
  })

  it("asks the last of the namespace that fills it most to give way, but only to one that has less", () => {
    const room = new WaitingRoom<string>()
    for (const value of ["a1", "a2", "a3", "b1"]) room.enter(value.slice(0, 1), value)
    assert.strictEqual(room.crowder("c")?.value, "a3")
    assert.strictEqual(room.crowder("b")?.value, "a3")
    assert.isUndefined(room.crowder("a"))
    room.enter("b", "b2")
    assert.isUndefined(room.crowder("b"))
  })

  it("knows who is the last of the namespace that fills it most, and what those in it weigh", () => {
    const room = new WaitingRoom<string>()
    assert.isUndefined(room.last())
    assert.strictEqual(room.weightOf(1), 0)
    for (const value of ["b1", "a1", "a2"]) room.enter(value.slice(0, 1), value, 10)
    const place = room.enter("b", "b2", 50)
    assert.strictEqual(room.weightOf(2), 40)
    room.leave(place)
    assert.strictEqual(room.weightOf(3), 30)
    assert.strictEqual(room.last()?.value, "a2")
  })

  it("serves a hundred thousand in no time", () => {
    const room = new WaitingRoom<number>()
    for (let n = 0; n < 100_000; n++) room.enter(String(n % 1_000), n)
    assert.strictEqual(serveAll(room).length, 100_000)
  })

  it.prop(
    "starves nobody, keeps the order within a namespace, and foresees how many go before, whatever happens",
    [
      Schema.Array(Schema.Struct({
        act: Schema.Literals(["enter", "enter", "shift", "leave"]),
        namespace: Schema.Literals(["a", "b", "c", "d"]),
        pick: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 }))
      })).check(Schema.isMaxLength(80))
    ],
    ([steps]) => {
      const room = new WaitingRoom<number>()
      // The plain way to do the same: the namespaces in the order of their turns, each with its line.
      let lines: ReadonlyArray<Line> = []
      /** For each namespace that waits: whom it has seen served since its last turn. */
      const passed = new Map<string, Array<string>>()
      for (const [n, { act, namespace, pick }] of steps.entries()) {
        if (act === "enter") {
          const ahead = room.ahead(namespace)
          const place = room.enter(namespace, n)
          const isThere = lines.some((line) => line.namespace === namespace)
          lines = isThere
            ? lines.map((line) => line.namespace === namespace ? { ...line, places: [...line.places, place] } : line)
            : [...lines, { namespace, places: [place] }]
          if (!isThere) passed.set(namespace, [])
          assert.strictEqual(inOrder(lines).indexOf(place), ahead)
        } else if (act === "leave") {
          const all = lines.flatMap(({ places }) => places)
          const place = all[pick % Math.max(1, all.length)]
          if (place === undefined) continue
          assert.isTrue(room.leave(place))
          lines = without(lines, place)
          if (!lines.some((line) => line.namespace === place.namespace)) passed.delete(place.namespace)
        } else {
          const place = room.shift()
          assert.strictEqual(place, inOrder(lines)[0])
          if (place === undefined) continue
          const rest = without(lines, place)
          lines = [
            ...rest.filter((line) => line.namespace !== place.namespace),
            ...rest.filter((line) => line.namespace === place.namespace)
          ]
          passed.delete(place.namespace)
          for (const seen of passed.values()) {
            assert.notInclude(seen, place.namespace)
            seen.push(place.namespace)
          }
          if (lines.some((line) => line.namespace === place.namespace)) passed.set(place.namespace, [])
        }
        assert.strictEqual(room.size, lines.flatMap(({ places }) => places).length)
      }
    }
  )
})

interface Line {
  readonly namespace: string
  readonly places: ReadonlyArray<Place<number>>
}

const without = (lines: ReadonlyArray<Line>, place: Place<number>): ReadonlyArray<Line> =>
  lines
    .map((line) => ({ ...line, places: line.places.filter((other) => other !== place) }))
    .filter(({ places }) => places.length > 0)

/** First the first of every line, then the second, and so on. */
const inOrder = (lines: ReadonlyArray<Line>): ReadonlyArray<Place<number>> => {
  const longest = Math.max(0, ...lines.map(({ places }) => places.length))
  return Array.from({ length: longest }, (_, round) => lines.flatMap(({ places }) => places.slice(round, round + 1)))
    .flat()
}
