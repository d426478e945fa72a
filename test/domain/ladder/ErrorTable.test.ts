import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import {
  AiMalformed,
  AiRateLimited,
  AiRejected,
  AiTimeout,
  AiUnauthorized,
  AiUnavailable,
  CircuitOpen,
  DeadlineExceeded,
  LimitExceeded,
  type LiveError
} from "../../../src/domain/errors.ts"
import * as ErrorTable from "../../../src/domain/ladder/ErrorTable.ts"

const provider = "p"
const wait = Duration.seconds(7)

const errors = {
  timeout: new AiTimeout({ provider, after: wait, shortened: false }),
  shortened: new AiTimeout({ provider, after: wait, shortened: true }),
  limited: new AiRateLimited({ provider, retryAfter: wait }),
  unavailable: new AiUnavailable({ provider, detail: "status 503", status: 503, retryAfter: wait }),
  malformed: new AiMalformed({ provider, detail: "not JSON" }),
  rejected: new AiRejected({ provider, status: 422, message: "too long" }),
  unauthorized: new AiUnauthorized({ provider, status: 401 })
}

describe("the error table", () => {
  it.each(
    [
      ["timeout", "Failure", true],
      ["shortened", "Ignored", true],
      ["limited", "Ignored", true],
      ["unavailable", "Failure", true],
      ["malformed", "Failure", true],
      ["rejected", "Success", false],
      ["unauthorized", "Ignored", false]
    ] as const
  )("%s counts as %s for the circuit, retryable: %s", (name, outcome, retryable) => {
    assert.strictEqual(ErrorTable.outcomeOf(errors[name])._tag, outcome)
    assert.strictEqual(ErrorTable.isRetryable(errors[name]), retryable)
  })

  it("never retries what our own circuit, limits or deadline refuse", () => {
    const ours: ReadonlyArray<LiveError> = [
      new CircuitOpen({ key: "p", retryAfter: wait }),
      new LimitExceeded({ key: "p", reason: "queue_full", retryAfter: wait }),
      new DeadlineExceeded({ total: wait })
    ]
    for (const error of ours) assert.isFalse(ErrorTable.isRetryable(error))
  })

  it("hands a provider's Retry-After on to the circuit", () => {
    assert.deepInclude(ErrorTable.outcomeOf(errors.unavailable), { retryAfterMillis: 7_000 })
  })

  it("believes no Retry-After beyond an hour", () => {
    const error = new AiRateLimited({ provider, retryAfter: Duration.hours(2) })
    assert.strictEqual(ErrorTable.retryAfterMillisOf(error), 3_600_000)
  })

  it("tells the user why, in one word", () => {
    const limit = (reason: LimitExceeded["reason"]) =>
      ErrorTable.fallbackReasonOf(new LimitExceeded({ key: "p", reason, retryAfter: wait }))
    assert.strictEqual(ErrorTable.fallbackReasonOf(errors.timeout), "timeout")
    assert.strictEqual(ErrorTable.fallbackReasonOf(errors.unauthorized), "unauthorized")
    assert.strictEqual(limit("queue_full"), "overloaded")
    assert.strictEqual(limit("would_miss_deadline"), "overloaded")
    assert.strictEqual(limit("cooling_down"), "rate_limited")
  })

  it("leaves only a refusal of the request itself to the user", () => {
    for (const error of Object.values(errors)) {
      assert.strictEqual(ErrorTable.isRecoverable(error), error._tag !== "AiRejected")
    }
  })

  it("says in every message what failed", () => {
    for (const error of Object.values(errors)) assert.isAbove(error.message.length, 5)
  })
})
