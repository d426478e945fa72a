import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import { formatRetryAfter, parseRetryAfter } from "../../../src/domain/ladder/RetryAfter.ts"

const now = Date.UTC(2026, 10, 22, 12, 0, 0)
const seconds = (header: string | undefined) => {
  const wait = parseRetryAfter(header, now)
  return wait === undefined ? undefined : Duration.toSeconds(wait)
}

describe("Retry-After", () => {
  it.each([
    ["10", 10],
    ["0", 0],
    [" 2.5 ", 2.5],
    ["7200", 3_600],
    ["99999999999999999999", 3_600],
    ["Sun, 22 Nov 2026 12:00:30 GMT", 30],
    ["Sunday, 22-Nov-26 12:00:30 GMT", 30],
    ["Sun, 22 Nov 2026 11:00:00 GMT", 0]
  ])("reads %j as %d seconds", (header, expected) => {
    assert.strictEqual(seconds(header), expected)
  })

  it.each([undefined, "", "soon", "-5", "1e3", "12 minutes", "2026-11-22"])("does not believe %j", (header) => {
    assert.isUndefined(seconds(header))
  })

  it("is written in whole seconds, at least one", () => {
    assert.strictEqual(formatRetryAfter(Duration.millis(1)), "1")
    assert.strictEqual(formatRetryAfter(Duration.millis(1_001)), "2")
  })
})
