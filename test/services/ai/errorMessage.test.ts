/** What of a provider's words goes on to callers. */
import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import { errorMessageOf } from "../../../src/services/ai/errorMessage.ts"

describe("errorMessageOf", () => {
  it("leaves our key out, as it is, escaped in JSON within the message, or percent-encoded", () => {
    const key = "abc/def+\"ghi"
    for (const quoted of [key, JSON.stringify(key).slice(1, -1), encodeURIComponent(key), "abc\\/def\\u002B\\\"ghi"]) {
      const body = JSON.stringify({ error: { message: `no model for ${quoted}, sorry` } })
      assert.strictEqual(errorMessageOf(body, Redacted.make(key)), "no model for [key], sorry")
    }
    assert.strictEqual(errorMessageOf("{\"detail\":\"no local-2\"}", Redacted.make("local")), "no local-2")
  })
})
