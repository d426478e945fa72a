import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as LeaseBook from "../../../src/domain/limits/LeaseBook.ts"
import type { Charge } from "../../../src/domain/limits/MinuteWindow.ts"
import { RateBudgetLeases } from "../../../src/services/limiter/RateBudgetLeases.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("several instances on one book", () => {
  it.prop(
    "never start more together within a minute than the limits allow",
    [
      between(1, 40),
      between(50, 400),
      Schema.Array(Schema.Struct({
        instance: between(0, 2),
        pause: Schema.Literals([0, 0, 1, 300, 1_000, 5_000, 59_000]),
        act: Schema.Literals(["start", "start", "start", "settle", "visit"]),
        burst: between(1, 10),
        tokens: between(0, 50)
      })).check(Schema.isMaxLength(120))
    ],
    ([requestsPerMinute, tokensPerMinute, steps]) => {
      const policy = { requestsPerMinute, tokensPerMinute }
      const instances = ["a", "b", "c"].map((name) => new RateBudgetLeases(policy, name))
      let book = LeaseBook.empty
      let now = 1_000_000
      const starts: Array<Charge> = []
      const visit = (leases: RateBudgetLeases, first: number | undefined) => {
        const { entry, heard } = leases.entry(now, { waiting: 3, first, cooldownMillis: 0, isLeaving: false })
        // The book's clock is another one.
        const [next, outcome] = LeaseBook.enter(policy, book, entry, now + 777_000)
        book = next
        heard(outcome, now)
      }
      for (const { act, burst, instance, pause, tokens } of steps) {
        now += pause
        const leases = instances[instance]
        if (leases === undefined) continue
        for (let n = 0; n < (act === "start" ? burst : 0); n++) {
          if (leases.earliest(now, tokens) > now) visit(leases, tokens)
          if (leases.earliest(now, tokens) <= now) starts.push(leases.charge(now, tokens))
        }
        if (act === "visit") visit(leases, undefined)
        const last = starts.at(-1)
        if (act === "settle" && last !== undefined) {
          for (const each of instances) each.settle(last, Math.floor(last.tokens / 2))
        }
      }
      for (const [index, first] of starts.entries()) {
        const within = starts.slice(index).filter(({ at }) => at <= first.at + 60_000)
        assert.isAtMost(within.length, requestsPerMinute)
        assert.isAtMost(within.reduce((sum, { tokens }) => sum + tokens, 0), tokensPerMinute)
      }
    }
  )

  it("give back what they did not use", () => {
    const policy = { requestsPerMinute: 10 }
    const [one, other] = ["one", "other"].map((name) => new RateBudgetLeases(policy, name))
    assert.isTrue(one !== undefined && other !== undefined)
    if (one === undefined || other === undefined) return
    let book = LeaseBook.empty
    const visit = (leases: RateBudgetLeases, now: number, waiting: number, first?: number) => {
      const { entry, heard } = leases.entry(now, { waiting, first, cooldownMillis: 0, isLeaving: false })
      const [next, outcome] = LeaseBook.enter(policy, book, entry, now)
      book = next
      heard(outcome, now)
    }
    visit(one, 0, 10, 0)
    one.charge(1, 0)
    visit(other, 10, 1, 0)
    assert.isAbove(other.earliest(10, 0), 10)
    visit(one, 1_000, 0)
    visit(other, 1_010, 9, 0)
    let count = 0
    for (; other.earliest(1_011, 0) <= 1_011; count++) {
      other.charge(1_011, 0)
      if (other.earliest(1_011, 0) > 1_011) visit(other, 1_011, 9, 0)
    }
    assert.strictEqual(count, 9)
  })
})

describe("an instance that cannot reach the book", () => {
  it("goes on with its equal share, counting what it has started before, and tells afterwards", () => {
    const policy = { requestsPerMinute: 10 }
    const leases = new RateBudgetLeases(policy, "one")
    const outcome = {
      lease: { requests: 2, tokens: 9 },
      waitMillis: 0,
      settledUntil: 0,
      instances: 2,
      cooldownMillis: 0
    }
    const occasion = { waiting: 1, first: 0, cooldownMillis: 0, isLeaving: false }
    leases.entry(0, occasion).heard(outcome, 0)
    leases.charge(0, 0)
    leases.charge(0, 0)
    assert.strictEqual(leases.earliest(1, 0), Number.POSITIVE_INFINITY)
    leases.entry(1, occasion).lost()
    const starts = [1, 2, 3, 4].map((now) => leases.earliest(now, 0) <= now && leases.charge(now, 0).counted)
    assert.deepStrictEqual(starts, [true, true, true, false])
    const { entry } = leases.entry(10, { ...occasion, first: undefined })
    assert.deepInclude(entry, { unleased: { requests: 3, tokens: 0 } })
    assert.deepInclude(entry.settled[0], { requests: 2 })
  })
})
