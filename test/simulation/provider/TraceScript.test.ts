import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { faultKinds } from "../../../src/domain/FaultKind.ts"
import type { TraceLine } from "../../../src/domain/Trace.ts"
import type { CallOutcome } from "../../../src/simulation/provider/ProviderModel.ts"
import { scriptOfTrace, traceLength, traceProviders } from "../../../src/simulation/provider/TraceScript.ts"

const begin = 1_764_000_000_000
const line = (at: number, more: Partial<TraceLine> = {}): TraceLine => ({
  at: begin + at,
  provider: "p",
  latency_ms: 100,
  outcome: "answer",
  ...more
})

const scriptOf = (lines: ReadonlyArray<TraceLine>, provider?: string) => {
  const script = scriptOfTrace(lines, { provider })
  assert(script !== undefined)
  return script
}

/** Calls at these moments, from the beginning. */
const replay = (lines: ReadonlyArray<TraceLine>, times: ReadonlyArray<number>): ReadonlyArray<CallOutcome> => {
  const script = scriptOf(lines)
  return times.map((at) => script.next(at))
}

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
/** Many at the same time, too. */
const Lines = Schema.NonEmptyArray(Schema.Struct({
  at: int(0, 300),
  latency: int(0, 5),
  outcome: Schema.Literals(["answer", ...faultKinds])
}))
const toLines = (drawn: typeof Lines.Type): ReadonlyArray<TraceLine> =>
  drawn.map(({ at, latency, outcome }) => line(at * 10, { latency_ms: latency, outcome }))

const described = ({ afterMillis, outcome }: CallOutcome) => `${outcome} after ${afterMillis}`
const recordedAs = ({ latency_ms, outcome }: TraceLine) =>
  `${outcome} after ${outcome === "timeout" ? Infinity : latency_ms}`
const shareOf = (outcomes: ReadonlyArray<{ readonly outcome: string }>, outcome: string) =>
  outcomes.filter((one) => one.outcome === outcome).length / outcomes.length

describe("the replay of a trace", () => {
  it.prop("comes to nothing that was not recorded", [Lines, Schema.Array(int(0, 20_000))], ([drawn, times]) => {
    const lines = toLines(drawn)
    const known = new Set(lines.map(recordedAs))
    for (const outcome of replay(lines, times)) assert.isTrue(known.has(described(outcome)), described(outcome))
  })

  it.prop("of the very same calls comes to the very same, each once", [Lines], ([drawn]) => {
    const lines = toLines(drawn)
    const sorted = [...lines].sort((a, b) => a.at - b.at)
    const start = sorted[0]?.at ?? 0
    const outcomes = replay(lines, sorted.map(({ at }) => at - start))
    assert.deepStrictEqual(outcomes.map(described), sorted.map(recordedAs))
  })

  it.prop("has about the recorded shares when it is as long, whenever its calls are", [
    Schema.Array(Schema.Tuple([int(500, 1_500), int(0, 9)])).check(Schema.isMinLength(200), Schema.isMaxLength(400)),
    int(1, 3_000),
    int(50, 150)
  ], ([drawn, offset, percent]) => {
    let at = 0
    const lines = drawn.map(([gap, kind]) =>
      line(at += gap, { outcome: kind < 2 ? "unavailable" : kind < 3 ? "rate_limited" : "answer" })
    )
    const length = traceLength(lines)
    // About as many calls, evenly.
    const every = 1_000 * percent / 100
    const times = Array.from({ length: Math.floor(length / every) }, (_, n) => offset + n * every)
    const outcomes = replay(lines, times)
    for (const kind of ["answer", "unavailable", "rate_limited"]) {
      assert.closeTo(shareOf(outcomes, kind), shareOf(lines, kind), 0.1, kind)
    }
  })

  it.prop("has an outage when it was recorded", [int(2, 40), int(50, 90), int(20, 500)], ([from, to, every]) => {
    const lines = Array.from(
      { length: 100 },
      (_, second) => line(second * 1_000, { outcome: second >= from && second < to ? "unavailable" : "answer" })
    )
    const script = scriptOf(lines)
    for (let at = 0; at < 99_000; at += every) {
      const { outcome } = script.next(at)
      // Its edge is as sharp as the calls were dense.
      if (at < (from - 2) * 1_000 || at > (to + 1) * 1_000) assert.strictEqual(outcome, "answer", `${at}`)
      if (at > (from + 1) * 1_000 && at < (to - 2) * 1_000) assert.strictEqual(outcome, "unavailable", `${at}`)
    }
  })

  it("lets an outage of which few calls are known last as long as it did", () => {
    const second = (n: number, outcome: TraceLine["outcome"] = "answer") => line(n * 1_000, { outcome })
    const seconds = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => second(from + n))
    // The circuit let one probe through every 30 s.
    const probes = [60, 90, 120, 150, 180].map((n) => second(n, "unavailable"))
    const lines = [...seconds(0, 60), ...probes, ...seconds(181, 240)]
    const outcomes = replay(lines, Array.from({ length: 240 }, (_, n) => n * 1_000))
    assert.isAbove(shareOf(outcomes.slice(75, 165), "unavailable"), 0.99)
    assert.closeTo(shareOf(outcomes, "unavailable"), 0.5, 0.05)
  })

  it("begins again when it is over", () => {
    const lines = [line(0, { latency_ms: 1 }), line(1_000, { latency_ms: 2 }), line(2_000, { latency_ms: 3 })]
    assert.strictEqual(traceLength(lines), 3_000)
    const outcomes = replay(lines, [0, 1_000, 2_000, 3_000 * 7])
    assert.deepStrictEqual(outcomes.map(({ afterMillis }) => afterMillis), [1, 2, 3, 2])
  })

  it("does not give the very same call again and again, but its neighbours in turn", () => {
    const lines = [1, 2, 3, 4].map((latency_ms) => line(latency_ms * 1_000, { latency_ms }))
    const near = (at: number, times: number) =>
      replay(lines, Array.from({ length: times }, () => at)).map(({ afterMillis }) => afterMillis)
    assert.deepStrictEqual(near(1_100, 6), [2, 3, 1, 2, 3, 1])
    assert.deepStrictEqual(near(0, 4), [1, 2, 1, 2])
    assert.deepStrictEqual(near(3_000, 4), [4, 3, 4, 3])
  })

  it("lets a timeout hang, and gives a 429 as it was", () => {
    const timeout = line(0, { outcome: "timeout", latency_ms: 30_000 })
    const limited = line(1_000, { outcome: "rate_limited", latency_ms: 40, retry_after_ms: 2_000 })
    assert.deepStrictEqual(replay([limited, timeout], [0, 1_000]), [
      { afterMillis: Infinity, outcome: "timeout" },
      { afterMillis: 40, outcome: "rate_limited", retryAfterMillis: 2_000, limitedBy: "fault" }
    ])
  })

  it("passes over what was canceled, and other providers", () => {
    const lines = [
      line(0, { outcome: "canceled" }),
      line(10, { provider: "other", outcome: "malformed" }),
      line(20, { provider: "other", outcome: "malformed" }),
      line(500)
    ]
    assert.deepStrictEqual(traceProviders(lines), ["other", "p"])
    assert.strictEqual(scriptOf(lines, "p").next(0).outcome, "answer")
    assert.strictEqual(scriptOf(lines).next(0).outcome, "malformed")
  })

  it("is none when no call in the trace counts", () => {
    assert.isUndefined(scriptOfTrace([]))
    assert.isUndefined(scriptOfTrace([line(0, { outcome: "canceled" })]))
    assert.isUndefined(scriptOfTrace([line(0)], { provider: "other" }))
    assert.strictEqual(traceLength([]), 0)
    assert.isAbove(traceLength([line(0, { latency_ms: 0 })]), 0)
  })
})
