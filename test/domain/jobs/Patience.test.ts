import { assert, describe, it } from "@effect/vitest"
import { Duration, Schema } from "effect"
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
  type Recoverable
} from "../../../src/domain/errors.ts"
import { nextTurn } from "../../../src/domain/jobs/Patience.ts"

const provider = "p"
const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000_000 }))
const Chance = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.999 }))
const Turn = Schema.Struct({
  kind: Schema.Literals(["slow", "limited", "down", "malformed", "key", "open", "queue", "deadline"]),
  waitMillis: Millis,
  moreMillis: Millis,
  attempts: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })),
  leftMillis: Schema.Int.check(Schema.isBetween({ minimum: -10_000, maximum: 1_000_000 })),
  random: Chance
})

const errorOf = (kind: typeof Turn.Type["kind"], millis: number): Recoverable => {
  const retryAfter = Duration.millis(millis)
  switch (kind) {
    case "slow":
      return new AiTimeout({ provider, after: retryAfter, shortened: false })
    case "limited":
      return new AiRateLimited({ provider, retryAfter })
    case "down":
      return new AiUnavailable({ provider, detail: "down", retryAfter })
    case "malformed":
      return new AiMalformed({ provider, detail: "{}" })
    case "key":
      return new AiUnauthorized({ provider, status: 401 })
    case "open":
      return new CircuitOpen({ key: provider, retryAfter })
    case "queue":
      return new LimitExceeded({ key: provider, reason: "queue_full", retryAfter })
    case "deadline":
      return new DeadlineExceeded({ total: retryAfter })
  }
}

const waitOf = (turn: Parameters<typeof nextTurn>[0]): number | undefined => {
  const next = nextTurn(turn)
  return next._tag === "Wait" ? next.inMillis : undefined
}

describe("a job that could not go live", () => {
  it.prop("waits between one second and a good minute, or for its deadline when that comes first", [Turn], ([turn]) => {
    const next = nextTurn({ ...turn, error: errorOf(turn.kind, turn.waitMillis) })
    if (next._tag === "Refused") return assert.fail("it is none")
    const free = waitOf({ ...turn, leftMillis: Infinity, error: next.error })
    if (free === undefined) return assert.fail("it is tried again")
    assert.isTrue(Number.isInteger(free))
    assert.isAtLeast(free, 1_000)
    assert.isAtMost(free, 72_000)
    assert.strictEqual(next.inMillis, free < turn.leftMillis ? free : undefined)
  })

  it.prop("waits longer the longer it is asked to, and the more attempts it has made", [Turn], ([turn]) => {
    const free = { ...turn, leftMillis: Infinity }
    const wait = waitOf({ ...free, error: errorOf(turn.kind, turn.waitMillis) }) ?? NaN
    const asked = waitOf({ ...free, error: errorOf(turn.kind, turn.waitMillis + turn.moreMillis) }) ?? NaN
    const tried = waitOf({ ...free, attempts: turn.attempts + 1, error: errorOf(turn.kind, turn.waitMillis) }) ?? NaN
    assert.isAtLeast(asked, wait)
    assert.isAtLeast(tried, wait)
  })

  it.prop("does not come before it was asked to, up to a minute", [Turn], ([turn]) => {
    if (!["limited", "down", "open", "queue"].includes(turn.kind)) return
    const wait = waitOf({ ...turn, leftMillis: Infinity, error: errorOf(turn.kind, turn.waitMillis) }) ?? NaN
    assert.isAtLeast(wait, Math.min(turn.waitMillis, 60_000))
  })

  it.prop("does not wait when the request itself is refused", [Turn], ([turn]) => {
    const error = new AiRejected({ provider, status: 422, message: "no" })
    assert.deepStrictEqual(nextTurn({ ...turn, error }), { _tag: "Refused", error })
  })

  it("waits twice as long with every second attempt, and a minute for a key", () => {
    const wait = (attempts: number, error: Recoverable) => waitOf({ error, attempts, leftMillis: Infinity, random: 0 })
    assert.deepStrictEqual([0, 2, 4, 6, 20].map((n) => wait(n, errorOf("slow", 1))), [
      2_000,
      4_000,
      8_000,
      16_000,
      60_000
    ])
    assert.strictEqual(wait(0, errorOf("key", 0)), 60_000)
    assert.strictEqual(wait(0, errorOf("open", 5_000)), 5_000)
  })
})
