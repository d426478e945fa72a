import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { traceExample, TraceLine } from "../../src/domain/Trace.ts"

const decode = Schema.decodeUnknownResult(TraceLine)

describe("a line of a trace", () => {
  it("is as the example shows it", () => {
    const line: unknown = JSON.parse(traceExample)
    assert.deepStrictEqual(Schema.decodeUnknownSync(TraceLine)(line), {
      at: 1_764_012_345_678,
      provider: "openai",
      latency_ms: 812,
      outcome: "answer"
    })
  })

  it("may have fields that nobody knows, which are passed over", () => {
    const line = { at: 1, provider: "p", latency_ms: 0, outcome: "rate_limited", retry_after_ms: 5 } as const
    assert.deepStrictEqual(Schema.decodeUnknownSync(TraceLine)({ ...line, region: "eu", retries: [1] }), line)
  })

  it("has a time, a provider, a latency and an outcome that there is", () => {
    const line = { at: 1, provider: "p", latency_ms: 0, outcome: "answer" }
    for (
      const wrong of [{ at: "1" }, { at: -1 }, { latency_ms: null }, { latency_ms: -1 }, { provider: "" }, {
        outcome: "great"
      }, { retry_after_ms: "2" }]
    ) assert.strictEqual(decode({ ...line, ...wrong })._tag, "Failure", JSON.stringify(wrong))
  })
})
