import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Circuit from "../../../src/domain/circuit/Circuit.ts"
import { control, merge, neededUntil, statusOf } from "../../../src/domain/circuit/CircuitControl.ts"

const Step = Schema.Union([
  Schema.TaggedStruct("wait", { seconds: Schema.Literals([0, 1, 4, 10, 29, 30, 61]) }),
  Schema.TaggedStruct("admit", {}),
  Schema.TaggedStruct("settle", {
    which: Schema.Literals([0, 1, 2, 3]),
    outcome: Schema.Literals(["success", "failure", "busy", "ignored"])
  }),
  /** The process of a probe dies: it neither settles nor renews. */
  Schema.TaggedStruct("lose", { which: Schema.Literals([0, 1, 2, 3]) }),
  Schema.TaggedStruct("renew", { which: Schema.Literals([0, 1, 2, 3]) }),
  Schema.TaggedStruct("control", { action: Schema.Literals(["force-open", "force-close", "reset", "reset"]) })
])

const outcomes = {
  success: Circuit.success,
  failure: Circuit.failure("down"),
  busy: Circuit.failure("busy", 90_000),
  ignored: Circuit.ignored
}

const windowMillis = 60_000
const trips: Record<string, Circuit.TripPolicy> = {
  "consecutive failures": { _tag: "Consecutive", failures: 3, windowMillis },
  "a rate": { _tag: "Rate", threshold: 0.5, minimumCalls: 4, windowMillis },
  "slow calls": { _tag: "Slow", threshold: 0.5, slowMillis: 5_000, minimumCalls: 4, windowMillis }
}
const openMillis = 30_000

const drive = (policy: Circuit.CircuitPolicy, steps: ReadonlyArray<typeof Step.Type>): void => {
  const pending: Array<Circuit.Admission> = []
  let state = Circuit.initial(0)
  let now = 0
  const take = (which: number) => pending.splice(which % Math.max(1, pending.length), 1)[0]
  for (const step of steps) {
    const before = state
    switch (step._tag) {
      case "wait":
        now += step.seconds * 1_000
        break
      case "admit": {
        const verdict = Circuit.admit(policy, state, now)
        const rejection = Circuit.rejectedFor(policy, state, now)
        assert.strictEqual(verdict._tag === "Rejected", rejection > 0, "check and admit agree")
        if (verdict._tag === "Rejected") {
          assert.isFalse(before._tag === "Closed", "forced or not, a closed circuit rejects nothing")
          break
        }
        if (before._tag === "Open") {
          assert.isFalse(before.forced, "nothing passes what is forced open")
          assert.isAtLeast(now, before.until, "nothing passes an opening")
        }
        state = verdict.state
        pending.push(verdict.admission)
        assert.strictEqual(verdict.admission.probe, state._tag === "HalfOpen")
        if (verdict.admission.probe) assert.isAbove(state.generation, before.generation, "a probe is a new generation")
        break
      }
      case "settle": {
        const admission = take(step.which)
        if (admission === undefined) break
        const outcome = outcomes[step.outcome]
        const counts = Circuit.counts(state, admission)
        const opens = Circuit.openingOf(policy, state, admission, outcome, now) !== undefined
        state = Circuit.settle(policy, state, admission, outcome, now, openMillis)
        if (!counts) assert.strictEqual(state, before, "older generations are void")
        if (before._tag === "Closed" && admission.generation !== before.generation) assert.isFalse(counts)
        assert.strictEqual(opens, before._tag !== "Open" && state._tag === "Open", "openings are announced")
        if (opens && state._tag === "Open") {
          const lasts = step.outcome === "busy" ? 90_000 : openMillis
          assert.strictEqual(state.until, now + lasts, "as long as the schedule or the provider says, the longer")
        }
        if (before._tag === "HalfOpen" && state._tag === "HalfOpen") {
          assert.isFalse(state.probes.some(({ generation }) => generation === admission.generation), "its slot is free")
        }
        break
      }
      case "lose":
        take(step.which)
        break
      case "renew": {
        const admission = pending[step.which]
        if (admission !== undefined) state = Circuit.renew(policy, state, admission, now)
        if (!(before._tag === "HalfOpen" && state._tag === "HalfOpen")) break
        assert.strictEqual(state.probes.length, before.probes.length, "a lost slot is not won back")
        for (const [n, probe] of state.probes.entries()) {
          assert.isAtLeast(probe.leaseUntil, before.probes[n]?.leaseUntil ?? 0)
        }
        break
      }
      case "control":
        state = control(state, step.action, now)
        assert.isAbove(state.generation, before.generation, "calls of before an intervention are void")
    }
    if (state._tag === "HalfOpen") {
      const running = state.probes.filter(({ leaseUntil }) => leaseUntil > now)
      assert.isAtMost(running.length, policy.probes, "never more probes than allowed")
      assert.isBelow(state.successes, policy.successes)
    }
    if (before._tag === "Open" && state._tag === "Open" && step._tag !== "control") {
      assert.strictEqual(state, before, "nothing but an operator touches an opening")
    }
    if (before._tag !== "HalfOpen" && before.forced && step._tag !== "control") {
      assert.strictEqual(state, before, "what is forced holds until a reset")
    }
    if (before._tag !== state._tag) {
      assert.isAbove(state.generation, before.generation, "a transition is a new generation")
    }
    assert.isAtLeast(state.generation, before.generation)
    assert.isAtMost(state.recent.length, 10)
    assert.isAtLeast(statusOf("key", state, now).remainingMillis, 0)
    if (state._tag === "Open" && !state.forced) assert.isAtLeast(neededUntil(state), state.until)
  }
}

describe("any interleaving of calls, clock, lost probes and operators", () => {
  for (const [name, trip] of Object.entries(trips)) {
    for (const [probes, successes] of [[1, 1], [2, 3]] as const) {
      it.prop(
        `keeps every promise, tripped by ${name}, with ${probes} probes and ${successes} successes needed`,
        [Schema.Array(Step).check(Schema.isMaxLength(200))],
        ([steps]) =>
          drive({ trip, probes, successes, probeLeaseMillis: 10_000, maxRetryAfterMillis: 3_600_000 }, steps),
        { arbitrary: { runs: 300 } }
      )
    }
  }
})

describe("a circuit that was apart", () => {
  const policy: Circuit.CircuitPolicy = {
    trip: { _tag: "Consecutive", failures: 3, windowMillis },
    probes: 1,
    successes: 1,
    probeLeaseMillis: 10_000,
    maxRetryAfterMillis: 3_600_000
  }
  const after = (failures: number, at: number) => {
    let state = Circuit.initial(0)
    for (let n = 0; n < failures; n++) {
      const verdict = Circuit.admit(policy, state, at)
      if (verdict._tag === "Admitted") {
        state = Circuit.settle(policy, verdict.state, verdict.admission, Circuit.failure(), at, openMillis)
      }
    }
    return state
  }

  it("opens the other one, until the later of both ends", () => {
    const [early, late] = [after(3, 0), after(3, 5_000)]
    assert.deepInclude(merge(policy, early, Circuit.initial(0), 6_000), { _tag: "Open", until: 30_000 })
    assert.deepInclude(merge(policy, early, late, 6_000), { _tag: "Open", until: 35_000 })
    assert.deepInclude(merge(policy, late, early, 6_000), { _tag: "Open", until: 35_000 })
  })

  it("brings its failures along", () => {
    const merged = merge(policy, after(1, 2_000), after(1, 1_000), 3_000)
    assert.deepInclude(merged, { _tag: "Closed", failures: [1_000, 2_000] })
  })

  it("follows what an operator forced last", () => {
    const [opened, closed] = [control(after(0, 0), "force-open", 1), control(after(3, 0), "force-close", 2)]
    assert.deepInclude(merge(policy, opened, closed, 3), { _tag: "Closed", forced: true })
    assert.deepInclude(merge(policy, closed, opened, 3), { _tag: "Closed", forced: true })
    assert.deepInclude(merge(policy, after(3, 0), opened, 3), { _tag: "Open", forced: true })
  })
})
