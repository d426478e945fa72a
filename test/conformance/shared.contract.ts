/** Cases 24 to 28 of the conformance list, in real time and in the database's. */
import { assert } from "@effect/vitest"
import { Clock, Effect, type Scope } from "effect"
import { freshKey } from "./circuits.ts"
import type { Instance, Start } from "./instances.ts"

type Case = (start: Start) => Effect.Effect<void, never, Scope.Scope>

const millisUntil = Effect.fnUntraced(function*<E, R>(condition: Effect.Effect<boolean, E, R>) {
  const from = yield* Clock.currentTimeMillis
  while (!(yield* condition)) yield* Effect.sleep("5 millis")
  return (yield* Clock.currentTimeMillis) - from
})

/** Without moving the circuit. */
const isRejecting = (instance: Instance) => Effect.map(instance.tell("calls I"), (result) => result === "-")

const expects = (instance: Instance, line: string, expected: string) =>
  Effect.map(instance.tell(line), (result) => assert.strictEqual(result, expected, line))

export const sharedCases: ReadonlyArray<readonly [title: string, run: Case]> = [
  ["24. what trips on one instance is rejected by the other within 500 ms", (start) =>
    Effect.gen(function*() {
      const key = freshKey()
      const [one, two] = [yield* start(key), yield* start(key)]
      yield* expects(two, "calls S", "S")
      yield* expects(one, "calls FFF", "FFF")
      assert.isBelow(yield* millisUntil(isRejecting(two)), 500)
    })],
  ["25. failures on 1, 2 and 1 open both", (start) =>
    Effect.gen(function*() {
      const key = freshKey()
      const [one, two] = [yield* start(key), yield* start(key)]
      yield* expects(one, "calls F", "F")
      yield* expects(two, "calls F", "F")
      yield* expects(one, "calls F", "F")
      yield* expects(one, "tag", "Open")
      assert.isBelow(yield* millisUntil(isRejecting(two)), 500)
    })],
  ["26. a new instance resets nothing", (start) =>
    Effect.gen(function*() {
      const key = freshKey()
      const one = yield* start(key)
      yield* expects(one, "calls FFF", "FFF")
      const two = yield* start(key)
      yield* expects(two, "tag", "Open")
      yield* expects(two, "calls SSS", "---")
      yield* expects(one, "calls S", "-")
    })],
  [
    "27. of two instances with 50 calls each at the end of an opening, one call is the probe",
    (start) =>
      Effect.gen(function*() {
        const key = freshKey()
        const [one, two] = [yield* start(key, 1_000), yield* start(key, 1_000)]
        yield* expects(two, "calls S", "S")
        yield* expects(one, "calls FFF", "FFF")
        yield* millisUntil(isRejecting(two))
        yield* Effect.sleep("1 second")
        const reached = yield* Effect.all([one.tell("burst 50"), two.tell("burst 50")], { concurrency: 2 })
        assert.deepStrictEqual(reached.sort(), ["0", "1"])
        yield* millisUntil(Effect.map(two.tell("tag"), (tag) => tag === "Closed"))
      })
  ]
]

/** The longest that one call took while they went on for this long, all of them answered. */
const goOn = Effect.fnUntraced(function*(instance: Instance, millis: number) {
  let longest = 0
  const until = (yield* Clock.currentTimeMillis) + millis
  while ((yield* Clock.currentTimeMillis) < until) {
    const from = yield* Clock.currentTimeMillis
    yield* expects(instance, "calls S", "S")
    longest = Math.max(longest, (yield* Clock.currentTimeMillis) - from)
    yield* Effect.sleep("10 millis")
  }
  return longest
})

/** Case 28, with whatever takes the database away and brings it back. */
export const outage = Effect.fnUntraced(function*<E, R>(
  start: Start,
  stop: Effect.Effect<unknown, E, R>,
  startAgain: Effect.Effect<unknown, E, R>
) {
  const key = freshKey()
  const [one, two] = [yield* start(key), yield* start(key)]
  yield* expects(one, "calls S", "S")
  yield* expects(two, "calls S", "S")
  yield* stop
  const longest = yield* Effect.all([goOn(one, 1_500), goOn(two, 1_500)], { concurrency: 2 })
  assert.isBelow(Math.max(...longest), 600)
  yield* expects(one, "calls FFF", "FFF")
  yield* expects(one, "calls S", "-")
  yield* expects(two, "calls S", "S")
  yield* startAgain
  assert.isBelow(yield* millisUntil(isRejecting(two)), 2_000)
  yield* expects(one, "calls S", "-")
})
