import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Alarm, makeAlarms } from "../../../src/simulation/time/Alarms.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Step = Schema.Union([
  Schema.TaggedStruct("set", { at: int(0, 20) }),
  Schema.TaggedStruct("set", { at: int(0, 20) }),
  Schema.TaggedStruct("cancel", { which: int(0, 200) }),
  Schema.TaggedStruct("next", {})
])

/** By their time, and those of the same time in the order in which they were set. */
const inOrder = (alarms: ReadonlyArray<Alarm>) =>
  alarms.toSorted((one, other) => one.at - other.at || one.order - other.order)

/** All that are left, as they ring. */
const drain = ({ next }: ReturnType<typeof makeAlarms>): ReadonlyArray<Alarm> => {
  const rung: Array<Alarm> = []
  for (let alarm = next(); alarm !== undefined; alarm = next()) rung.push(alarm)
  return rung
}

const nothing = () => undefined

describe("Alarms", () => {
  it.prop(
    "ring as a sorted list of them would, whatever is set and canceled meanwhile",
    [Schema.Array(Step).check(Schema.isMaxLength(200))],
    ([steps]) => {
      const alarms = makeAlarms()
      const ever: Array<Alarm> = []
      let list: ReadonlyArray<Alarm> = []
      for (const step of steps) {
        switch (step._tag) {
          case "set": {
            const alarm = alarms.set(step.at, nothing)
            ever.push(alarm)
            list = inOrder([...list, alarm])
            break
          }
          case "cancel": {
            // Also one that has rung already, or is canceled: that changes nothing.
            const alarm = ever[step.which]
            if (alarm !== undefined) alarms.cancel(alarm)
            list = list.filter((other) => other !== alarm)
            break
          }
          case "next": {
            const [first, ...others] = list
            assert.strictEqual(alarms.next(), first)
            list = others
          }
        }
      }
      assert.deepStrictEqual(drain(alarms), list)
      assert.isUndefined(alarms.next())
    }
  )

  it.prop(
    "keep their order when thousands of canceled ones are swept out",
    [int(1, 1_000), int(2, 10)],
    ([a, every]) => {
      const alarms = makeAlarms()
      const all = Array.from({ length: 3_000 }, (_, n) => alarms.set(n * a % 1_009, nothing))
      const kept = all.filter(({ order }) => order % every === 0)
      for (const alarm of all) if (alarm.order % every !== 0) alarms.cancel(alarm)
      const later = Array.from({ length: 100 }, (_, n) => alarms.set(n * 7 % 1_009, nothing))
      for (const alarm of later.slice(50)) alarms.cancel(alarm)
      assert.deepStrictEqual(drain(alarms), inOrder([...kept, ...later.slice(0, 50)]))
    }
  )

  it("may be canceled by what they woke", () => {
    const alarms = makeAlarms()
    const first = alarms.set(1, nothing)
    const second = alarms.set(2, nothing)
    assert.strictEqual(alarms.next(), first)
    for (let times = 0; times < 3_000; times++) alarms.cancel(first)
    assert.strictEqual(alarms.next(), second)
    assert.isUndefined(alarms.next())
  })
})
