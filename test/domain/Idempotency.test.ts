import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { decide, type IdempotencyRecord, parseIdempotencyKey } from "../../src/domain/Idempotency.ts"

const Records = Schema.Struct({
  fingerprint: Schema.UndefinedOr(Schema.Literals(["same", "other"])),
  attempt: Schema.Literal("a1"),
  answer: Schema.UndefinedOr(Schema.String),
  until: Schema.Int.check(Schema.isBetween({ minimum: -5, maximum: 5 }))
})

const record = (over: Partial<IdempotencyRecord> = {}): IdempotencyRecord => ({
  fingerprint: "same",
  attempt: "a1",
  answer: "an answer",
  until: 1_000,
  ...over
})

describe("a request with a key", () => {
  it("starts when nobody has the key", () => {
    assert.strictEqual(decide(undefined, "same", 0)._tag, "Start")
  })

  it("gets the answer again, to the last millisecond of its life", () => {
    assert.deepStrictEqual(decide(record(), "same", 999), { _tag: "Stored", answer: "an answer" })
    assert.strictEqual(decide(record(), "same", 1_000)._tag, "Start")
  })

  it("is refused while the same one is under way, and starts when that one's lease is lost", () => {
    assert.strictEqual(decide(record({ answer: undefined }), "same", 999)._tag, "InFlight")
    assert.strictEqual(decide(record({ answer: undefined }), "same", 1_000)._tag, "Start")
  })

  it("is refused for good where another request has the key, answered or not", () => {
    assert.strictEqual(decide(record(), "other", 999)._tag, "Mismatch")
    assert.strictEqual(decide(record({ answer: undefined }), "other", 999)._tag, "Mismatch")
  })

  it("waits where it is not known yet whose key it is", () => {
    const taken = record({ answer: undefined, fingerprint: undefined })
    assert.strictEqual(decide(taken, "other", 999)._tag, "InFlight")
  })

  it.prop("never gets the answer of another one, and always starts on what has run out", [Records], ([known]) => {
    const decision = decide(known, "same", 0)
    assert.strictEqual(decision._tag === "Start", known.until <= 0)
    if (known.fingerprint === "other") assert.notStrictEqual(decision._tag, "Stored")
    if (decision._tag === "Stored") assert.strictEqual(decision.answer, known.answer)
  })
})

describe("the header Idempotency-Key", () => {
  const read = (header: string) => Result.getOrUndefined(parseIdempotencyKey(header))

  it("is a key of 1 to 255 visible characters, in quotes or without", () => {
    assert.strictEqual(read("8e03978e-40d5-43dd-bc93-6894a57f9324"), "8e03978e-40d5-43dd-bc93-6894a57f9324")
    assert.strictEqual(read("\"8e03978e\""), "8e03978e")
    assert.strictEqual(read(String.raw`"a\"b\\c"`), String.raw`a"b\c`)
    assert.strictEqual(read(" k "), "k")
    assert.strictEqual(read("x".repeat(255))?.length, 255)
    assert.strictEqual(read(`"${"x".repeat(255)}"`)?.length, 255)
  })

  it("is nothing else", () => {
    for (const header of ["", " ", "\"\"", "\"", "\"a", "a b", "\"a b\"", "a, b", "ä", "\u0007", "x".repeat(256)]) {
      assert.isUndefined(read(header), JSON.stringify(header))
    }
  })

  it.prop(
    "is the same key with quotes as without",
    [Schema.String.check(Schema.isPattern(/^[!#-[\]-~]{1,40}$/))],
    ([key]) => {
      assert.strictEqual(read(`"${key}"`), key)
      assert.strictEqual(read(key), key)
    }
  )
})
