import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { parseRateLimitHeaders } from "../../../src/domain/limits/RateLimitHeaders.ts"

const now = Date.parse("2026-01-01T00:00:00Z")

const resetOf = (value: string) =>
  parseRateLimitHeaders({ "x-ratelimit-reset-requests": value }, now)?.requests?.resetAt

describe("x-ratelimit headers", () => {
  it("say what is left of requests and tokens, and until when", () => {
    assert.deepStrictEqual(
      parseRateLimitHeaders({
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6m0s"
      }, now),
      {
        requests: { limit: 60, remaining: 59, resetAt: now + 1_000 },
        tokens: { limit: 150_000, remaining: 149_984, resetAt: now + 360_000 }
      }
    )
  })

  it.each<[string, number]>([
    ["12ms", 12],
    ["1s", 1_000],
    ["6m0s", 360_000],
    ["59m2s", 3_542_000],
    ["1m2.5s", 62_500],
    ["7.66s", 7_660],
    ["30", 30_000],
    ["0.5", 500],
    ["0s", 0],
    [" 2S ", 2_000]
  ])("are read in the form %j", (value, millis) => {
    assert.strictEqual(resetOf(value), now + millis)
  })

  it("never make anybody wait longer than an hour", () => {
    assert.strictEqual(resetOf("1h2m3s"), now + 3_600_000)
    assert.strictEqual(resetOf("3d"), now + 3_600_000)
  })

  it.each(["", "soon", "-1", "1x", "s", "1 s 2", "1e9", "NaN", "Infinity", "9".repeat(400)])(
    "are ignored when they say %j",
    (value) => {
      assert.isUndefined(parseRateLimitHeaders({
        "x-ratelimit-reset-requests": value,
        "x-ratelimit-remaining-tokens": value === "9".repeat(400) ? value : `${value}?`
      }, now))
    }
  )

  it.prop("never break the reader, whatever they hold", [Schema.String], ([value]) => {
    const limits = parseRateLimitHeaders({
      "x-ratelimit-remaining-requests": value,
      "x-ratelimit-reset-requests": value,
      "anthropic-ratelimit-tokens-reset": value
    }, now)
    assert.isTrue(limits?.requests?.resetAt === undefined || limits.requests.resetAt >= now)
  })

  it("are absent", () => {
    assert.isUndefined(parseRateLimitHeaders({}, now))
  })
})

it("anthropic-ratelimit headers name the moment", () => {
  assert.deepStrictEqual(
    parseRateLimitHeaders({
      "anthropic-ratelimit-requests-limit": "50",
      "anthropic-ratelimit-requests-remaining": "0",
      "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:20Z"
    }, now),
    { requests: { limit: 50, remaining: 0, resetAt: now + 20_000 }, tokens: undefined }
  )
})
