/**
 * What is written down of one call of a provider: when, how long, and what it came to. Never what was asked, what was
 * answered, or by whom. A file of them has one JSON object per line (docs/traces.md).
 */
import { Schema } from "effect"
import { faultKinds } from "./FaultKind.ts"

const Millis = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/** One call of a provider, as it is recorded and replayed. */
export const TraceLine = Schema.Struct({
  /** When the call began, in milliseconds since the epoch. */
  at: Millis,
  provider: Schema.NonEmptyString,
  /** From there to its end, however it ended; of a stream to its last piece. */
  latency_ms: Millis,
  /** `canceled`: we ended it before the provider could show anything. */
  outcome: Schema.Literals(["answer", ...faultKinds, "canceled"]),
  /** Of a stream that began: from the call to its first piece. */
  first_ms: Schema.optionalKey(Millis),
  /** Of a failure: how long the provider asked us to wait. */
  retry_after_ms: Schema.optionalKey(Millis)
})
export type TraceLine = typeof TraceLine.Type

/** For messages: what a line looks like. */
export const traceExample = `{"at": 1764012345678, "provider": "openai", "latency_ms": 812, "outcome": "answer"}`
