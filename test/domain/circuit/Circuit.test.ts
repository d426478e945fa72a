import { assert, describe, it } from "@effect/vitest"
import * as Circuit from "../../../src/domain/circuit/Circuit.ts"

const policy: Circuit.CircuitPolicy = {
  trip: { _tag: "Consecutive", failures: 3, windowMillis: 60_000 },
  probes: 1,
  successes: 1,
  probeLeaseMillis: 10_000,
  maxRetryAfterMillis: 3_600_000
}
const openMillis = 30_000

/** A circuit that is called one call after the other. Seconds in, seconds out. */
const makeCircuit = () => {
  let state = Circuit.initial(0)
  const admit = (at: number): Circuit.Admission | number => {
    const verdict = Circuit.admit(policy, state, at * 1_000)
    if (verdict._tag === "Rejected") return verdict.retryAfterMillis / 1_000
    state = verdict.state
    return verdict.admission
  }
  const settle = (admission: Circuit.Admission, outcome: Circuit.Outcome, at: number) => {
    state = Circuit.settle(policy, state, admission, outcome, at * 1_000, openMillis)
  }
  const call = (outcome: Circuit.Outcome, at: number) => {
    const admission = admit(at)
    if (typeof admission !== "number") settle(admission, outcome, at)
    return admission
  }
  return { admit, settle, call, state: () => state }
}

const tripped = () => {
  const circuit = makeCircuit()
  for (const at of [0, 0, 0]) circuit.call(Circuit.failure(), at)
  return circuit
}

/** Only a started call gives an admission. */
const admitted = (admission: Circuit.Admission | number): Circuit.Admission => {
  if (typeof admission === "number") return assert.fail("the call was rejected")
  return admission
}

describe("a closed circuit", () => {
  it("opens on the third failure within a minute", () => {
    const circuit = makeCircuit()
    for (const at of [0, 30, 59.999]) circuit.call(Circuit.failure(), at)
    assert.strictEqual(circuit.state()._tag, "Open")
  })

  it("stays closed when the first of three failures is a minute old", () => {
    const circuit = makeCircuit()
    for (const at of [0, 30, 60]) circuit.call(Circuit.failure(), at)
    assert.strictEqual(circuit.state()._tag, "Closed")
  })

  it("forgets its failures on a success", () => {
    const circuit = makeCircuit()
    const { failure, success } = Circuit
    for (const outcome of [failure(), failure(), success, failure(), failure()]) circuit.call(outcome, 1)
    assert.strictEqual(circuit.state()._tag, "Closed")
  })

  it("does not count what says nothing of the provider", () => {
    const circuit = makeCircuit()
    for (let n = 0; n < 50; n++) circuit.call(Circuit.ignored, 1)
    for (let n = 0; n < 2; n++) circuit.call(Circuit.failure(), 1)
    assert.strictEqual(circuit.state()._tag, "Closed")
    circuit.call(Circuit.failure(), 1)
    assert.strictEqual(circuit.state()._tag, "Open")
  })
})

describe("an open circuit", () => {
  it("rejects with the remaining time until the opening is over", () => {
    const circuit = tripped()
    assert.strictEqual(circuit.admit(10), 20)
    assert.strictEqual(circuit.admit(29.999), 0.001)
    assert.deepInclude(admitted(circuit.admit(30)), { probe: true })
  })

  it("is moved by a call only, not by looking at it", () => {
    const circuit = tripped()
    assert.strictEqual(Circuit.rejectedFor(policy, circuit.state(), 31_000), 0)
    assert.strictEqual(circuit.state()._tag, "Open")
  })

  it.each([[120, 120], [5, 30], [7_200, 3_600]])(
    "opens for a Retry-After of %d seconds: %d seconds",
    (asked, lasts) => {
      const circuit = makeCircuit()
      circuit.call(Circuit.failure(), 0)
      circuit.call(Circuit.failure(), 0)
      circuit.call(Circuit.failure("busy", asked * 1_000), 0)
      assert.strictEqual(circuit.admit(0), lasts)
    }
  )

  it("is not touched by calls that it had admitted before the trip", () => {
    const circuit = makeCircuit()
    const early = admitted(circuit.admit(0))
    const late = admitted(circuit.admit(0))
    for (let n = 0; n < 3; n++) circuit.call(Circuit.failure(), 1)
    circuit.settle(early, Circuit.success, 2)
    circuit.settle(late, Circuit.failure(), 2)
    assert.strictEqual(circuit.state()._tag, "Open")
    assert.strictEqual(circuit.admit(2), 29)
  })
})

describe("a half-open circuit", () => {
  it("lets one probe through and rejects the others", () => {
    const circuit = tripped()
    const verdicts = Array.from({ length: 100 }, () => circuit.admit(30))
    assert.strictEqual(verdicts.filter((verdict) => typeof verdict !== "number").length, 1)
  })

  it("closes on the probe's success, with nothing counted against it", () => {
    const circuit = tripped()
    circuit.call(Circuit.success, 30)
    assert.strictEqual(circuit.state()._tag, "Closed")
    circuit.call(Circuit.failure(), 31)
    circuit.call(Circuit.failure(), 31)
    assert.strictEqual(circuit.state()._tag, "Closed")
    circuit.call(Circuit.failure(), 31)
    assert.strictEqual(circuit.state()._tag, "Open")
  })

  it("opens again on the probe's failure", () => {
    const circuit = tripped()
    circuit.call(Circuit.failure(), 30)
    assert.strictEqual(circuit.admit(31), 29)
  })

  it("gives the slot to the next call when a probe comes to nothing", () => {
    const circuit = tripped()
    for (let n = 0; n < 4; n++) circuit.call(Circuit.ignored, 30 + n)
    assert.strictEqual(circuit.state()._tag, "HalfOpen")
    circuit.call(Circuit.success, 40)
    assert.strictEqual(circuit.state()._tag, "Closed")
  })

  it("is not touched by calls of before the trip, whatever they came to", () => {
    const circuit = makeCircuit()
    const old = [admitted(circuit.admit(0)), admitted(circuit.admit(0))]
    for (let n = 0; n < 3; n++) circuit.call(Circuit.failure(), 0)
    const probe = admitted(circuit.admit(30))
    for (const [n, admission] of old.entries()) {
      circuit.settle(admission, n === 0 ? Circuit.success : Circuit.failure(), 31)
    }
    assert.strictEqual(circuit.state()._tag, "HalfOpen")
    assert.strictEqual(circuit.admit(31), 1)
    circuit.settle(probe, Circuit.success, 32)
    assert.strictEqual(circuit.state()._tag, "Closed")
  })

  it("ignores a probe that comes back after another one has begun", () => {
    const circuit = tripped()
    const lost = admitted(circuit.admit(30))
    circuit.settle(lost, Circuit.ignored, 31)
    const probe = admitted(circuit.admit(31))
    circuit.settle(lost, Circuit.success, 32)
    assert.strictEqual(circuit.state()._tag, "HalfOpen")
    circuit.settle(probe, Circuit.failure(), 33)
    assert.strictEqual(circuit.state()._tag, "Open")
  })
})

describe("the backoff", () => {
  const opening = (circuit: ReturnType<typeof makeCircuit>, at: number): number | undefined => {
    const admission = admitted(circuit.admit(at))
    return Circuit.openingOf(policy, circuit.state(), admission, Circuit.failure(), at * 1_000)
  }

  it("counts consecutive openings", () => {
    const circuit = tripped()
    circuit.call(Circuit.failure(), 30)
    assert.strictEqual(opening(circuit, 60), 3)
  })

  it("survives a close, and begins anew once the circuit stayed closed as long as it was open", () => {
    const soon = tripped()
    soon.call(Circuit.success, 30)
    for (const at of [31, 32]) soon.call(Circuit.failure(), at)
    assert.strictEqual(opening(soon, 33), 2)

    const later = tripped()
    later.call(Circuit.success, 30)
    for (const at of [58, 59]) later.call(Circuit.failure(), at)
    assert.strictEqual(opening(later, 60), 1)
  })
})
