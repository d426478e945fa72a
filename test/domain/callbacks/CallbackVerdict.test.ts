import { assert, describe, it } from "@effect/vitest"
import { refusalOfStatus, wordsOfCode } from "../../../src/domain/callbacks/CallbackVerdict.ts"

describe("the status of a callback's answer", () => {
  it("takes it when it is 2xx, and no other one does", () => {
    for (let status = 200; status < 600; status++) {
      assert.strictEqual(refusalOfStatus(status) === undefined, status < 300, String(status))
    }
  })

  it("is final when it is 410, and no other one is", () => {
    for (let status = 300; status < 600; status++) {
      assert.strictEqual(refusalOfStatus(status)?.isFinal, status === 410, String(status))
    }
  })

  it("may ask for time when it is 429 or 503", () => {
    const asking = Array.from({ length: 300 }, (_, at) => 300 + at).filter((status) =>
      refusalOfStatus(status)?.mayAskForTime
    )
    assert.deepStrictEqual(asking, [429, 503])
  })

  it("is told, and a redirect with what to do", () => {
    assert.strictEqual(refusalOfStatus(500)?.detail, "it answers 500")
    assert.strictEqual(
      refusalOfStatus(307)?.detail,
      "it answers 307, and redirects are not followed: give the final address"
    )
  })
})

describe("the words for no answer", () => {
  it("name what a receiver's owner can put right", () => {
    assert.deepStrictEqual(
      [
        "ECONNREFUSED",
        "UND_ERR_CONNECT_TIMEOUT",
        "UND_ERR_SOCKET",
        "HPE_INVALID_CONSTANT",
        "CERT_HAS_EXPIRED",
        "EMFILE"
      ]
        .map(wordsOfCode),
      [
        "it cannot be reached: connection refused",
        "it cannot be reached: no connection in time",
        "it closed the connection without an answer",
        "its answer is not HTTP as it should be",
        "no secure connection with it: CERT_HAS_EXPIRED",
        "it cannot be reached"
      ]
    )
  })
})
