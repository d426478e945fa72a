import { assert, describe, it } from "@effect/vitest"
import { Duration, Schema } from "effect"
import { EmbeddingFailed, type EmbeddingFailure } from "../../../src/domain/errors.ts"
import { batchesOf, inOrder, outcomeOfEmbedding } from "../../../src/domain/similarity/Embedding.ts"

const Size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 }))

describe("the texts of a request", () => {
  it.prop(
    "keep their order, and a request holds more than its limits only for a text that is longer by itself",
    [Schema.Array(Schema.String), Size, Size],
    ([texts, maxTexts, maxCharacters]) => {
      const batches = batchesOf(texts, { maxTexts, maxCharacters })
      assert.deepStrictEqual(batches.flat(), texts)
      for (const batch of batches) {
        assert.isAtLeast(batch.length, 1)
        assert.isAtMost(batch.length, maxTexts)
        if (batch.length > 1) assert.isAtMost(batch.join("").length, maxCharacters)
      }
    }
  )

  it.prop("are cut only where the next one would not fit", [Schema.Array(Schema.String), Size, Size], (sample) => {
    const [texts, maxTexts, maxCharacters] = sample
    const batches = batchesOf(texts, { maxTexts, maxCharacters })
    for (const [index, batch] of batches.entries()) {
      const next = batches[index + 1]?.[0]
      if (next === undefined) continue
      assert.isTrue(batch.length === maxTexts || [...batch, next].join("").length > maxCharacters)
    }
  })
})

describe("the answers of a request", () => {
  const answer = (index?: number) => ({ index, embedding: `of ${index}` })

  it.prop("come in the order of the texts, however they are sent", [Schema.Array(Schema.Finite)], ([keys]) => {
    const shuffled = keys.map((key, index) => ({ key, ...answer(index) })).toSorted((a, b) => a.key - b.key)
    assert.deepStrictEqual(inOrder(shuffled, keys.length), keys.map((_, index) => `of ${index}`))
  })

  it("are refused unless there is exactly one for each text", () => {
    assert.strictEqual(inOrder([answer(0)], 2), "1 embeddings for 2 texts")
    assert.strictEqual(inOrder([answer(0), answer(1), answer(2)], 2), "3 embeddings for 2 texts")
    assert.strictEqual(inOrder([answer(0), answer(0)], 2), "no embedding has the index 1")
    assert.strictEqual(inOrder([answer(1), answer(2)], 2), "no embedding has the index 0")
    assert.strictEqual(inOrder([answer(), answer()], 2), "no embedding has the index 0")
    assert.strictEqual(inOrder([answer(7)], 1), "no embedding has the index 0")
  })

  it("may leave the index out for a single text", () => {
    assert.deepStrictEqual(inOrder([answer()], 1), ["of undefined"])
  })
})

describe("the outcome of a failed request", () => {
  const outcome = (reason?: EmbeddingFailure, retryAfter?: Duration.Duration) =>
    outcomeOfEmbedding(
      new EmbeddingFailed({
        embedder: "e",
        cause: "why",
        ...reason === undefined ? {} : { reason },
        ...retryAfter === undefined ? {} : { retryAfter }
      })
    )

  it("counts whatever keeps vectors from coming, a 429 and a refused key too", () => {
    for (const reason of ["timeout", "unavailable", "malformed", "rate_limited", "unauthorized", undefined] as const) {
      assert.strictEqual(outcome(reason)._tag, "Failure", reason)
    }
    assert.deepInclude(outcome("rate_limited", Duration.minutes(2)), { retryAfterMillis: 120_000 })
  })

  it("takes refused texts for a proof of life, and a rejection of the circuit for nothing", () => {
    assert.strictEqual(outcome("rejected")._tag, "Success")
    assert.strictEqual(outcome("circuit_open")._tag, "Ignored")
  })
})
