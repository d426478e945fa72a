import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  isServed,
  outcomeAt,
  pairsNeeded,
  pickOutcomes,
  recommend,
  type ScoredPair,
  shareOf,
  thresholds
} from "../../../src/domain/similarity/Calibration.ts"

const Pairs = Schema.Array(Schema.Struct({
  a: Schema.Literal("a"),
  b: Schema.Literal("b"),
  same: Schema.Boolean,
  kind: Schema.Literals(["paraphrase", "other subject", "near miss"]),
  similarity: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  objection: Schema.UndefinedOr(Schema.Literal("number"))
}))
const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_000 }))
const Rate = Schema.Finite.check(Schema.isBetween({ minimum: 0.0005, maximum: 0.9 }))

const outcomesOf = (pairs: ReadonlyArray<ScoredPair>) => thresholds.map((threshold) => outcomeAt(pairs, threshold))

const pair = (similarity: number, same: boolean, objection?: string): ScoredPair => ({
  a: "a",
  b: "b",
  kind: same ? "paraphrase" : "other subject",
  same,
  similarity,
  objection
})

const many = (count: number, ...of: Parameters<typeof pair>) => Array.from({ length: count }, () => pair(...of))

describe("a share with its Wilson interval", () => {
  it.prop("lies within its interval, and that within 0 and 1", [Count, Count], ([one, other]) => {
    const { high, low, share } = shareOf(Math.min(one, other), Math.max(one, other))
    assert.isTrue(0 <= low && low <= share && share <= high && high <= 1)
  })

  it.prop("is surer of more cases", [Count, Count], ([one, other]) => {
    const [count, of] = [Math.min(one, other), Math.max(one, other, 1)]
    const width = ({ high, low }: ReturnType<typeof shareOf>) => high - low
    assert.isBelow(width(shareOf(count * 4, of * 4)), width(shareOf(count, of)))
  })

  it("has the values of the textbooks", () => {
    const { high, low } = shareOf(1, 10)
    assert.approximately(low, 0.0179, 1e-4)
    assert.approximately(high, 0.4042, 1e-4)
    assert.deepStrictEqual(shareOf(0, 0), { count: 0, of: 0, share: 0, low: 0, high: 1 })
  })

  it.prop("says how many pairs prove a rate: so many do, and one less does not", [Rate], ([rate]) => {
    const needed = pairsNeeded(rate)
    assert.isAtMost(shareOf(0, needed).high, rate + 1e-12)
    if (needed > 1) assert.isAbove(shareOf(0, needed - 1).high, rate)
  })

  it("takes 765 pairs to prove half a per cent, and no number proves none at all", () => {
    assert.deepStrictEqual([pairsNeeded(0.005), pairsNeeded(0)], [765, Infinity])
  })
})

describe("what a threshold serves", () => {
  it.prop("never grows with the threshold", [Pairs], ([pairs]) => {
    const outcomes = outcomesOf(pairs)
    for (const [index, { right, unguarded, wrong }] of outcomes.entries()) {
      const next = outcomes[index + 1]
      if (next === undefined) continue
      assert.isAtMost(next.right.count, right.count)
      assert.isAtMost(next.wrong.count, wrong.count)
      assert.isAtMost(next.wrong.high, wrong.high)
      assert.isAtMost(next.unguarded.wrong.count, unguarded.wrong.count)
    }
  })

  it.prop("adds up: right and wrong, and all kinds, are the served", [Pairs], ([pairs]) => {
    for (const { kinds, right, served, wrong } of outcomesOf(pairs)) {
      assert.strictEqual(right.count + wrong.count, served.count)
      assert.strictEqual(right.of + wrong.of, pairs.length)
      assert.strictEqual(kinds.reduce((sum, kind) => sum + kind.served.count, 0), served.count)
    }
  })

  it.prop("is never more with the guard than without", [Pairs], ([pairs]) => {
    for (const { right, unguarded, wrong } of outcomesOf(pairs)) {
      assert.isAtMost(right.count, unguarded.right.count)
      assert.isAtMost(wrong.count, unguarded.wrong.count)
    }
  })

  it("is a pair at the threshold, unless the guard objects", () => {
    assert.isTrue(isServed(pair(0.9, true), 0.9))
    assert.isFalse(isServed(pair(0.89, true), 0.9))
    assert.isFalse(isServed(pair(1, true, "number"), 0.9))
  })
})

describe("the recommended threshold", () => {
  it.prop("keeps its promise, and serves what the lowest that does serves", [Pairs, Rate], ([pairs, rate]) => {
    const outcomes = outcomesOf(pairs)
    const found = recommend(outcomes, rate)
    const bound = ({ wrong }: (typeof outcomes)[number]) => found.basis === "interval" ? wrong.high : wrong.share
    if (found.basis === "none") {
      return assert.isTrue(pairs.every(({ same }) => same) || outcomes.every(({ wrong }) => wrong.share > rate))
    }
    assert.isAtMost(bound(found.outcome), rate)
    const lowest = outcomes.find((outcome) => bound(outcome) <= rate)
    assert.deepStrictEqual([found.outcome.right, found.outcome.wrong], [lowest?.right, lowest?.wrong])
    for (const outcome of outcomes) {
      if (found.basis === "estimate") assert.isAbove(outcome.wrong.high, rate)
    }
  })

  it("is proven with enough pairs, and only seen with fewer", () => {
    const of = (count: number) => recommend(outcomesOf([...many(count, 0.5, false), ...many(9, 0.9, true)]), 0.005)
    const [few, enough] = [of(764), of(765)]
    assert.deepStrictEqual([few.basis, enough.basis], ["estimate", "interval"])
    // Half way between what would be served wrongly and what would be missed.
    assert.strictEqual(few.basis === "none" ? undefined : few.outcome.threshold, 0.7)
    assert.strictEqual(enough.basis === "none" ? undefined : enough.outcome.threshold, 0.7)
  })

  it("is lower where the guard refuses what is near", () => {
    const pairs = (objection?: string) => [
      ...many(400, 0.3, false),
      ...many(400, 0.8, false, objection),
      ...many(9, 0.32, true),
      ...many(9, 0.82, true)
    ]
    const thresholdOf = (objection?: string) => {
      const found = recommend(outcomesOf(pairs(objection)), 0.005)
      return found.basis === "none" ? undefined : found.outcome.threshold
    }
    assert.deepStrictEqual([thresholdOf(), thresholdOf("number")], [0.81, 0.31])
  })

  it("is none where different pairs are as good as the same, and without different pairs", () => {
    assert.deepStrictEqual(recommend(outcomesOf(many(10, 1, false)), 0.005), {
      basis: "none",
      reason: "always exceeded"
    })
    assert.deepStrictEqual(recommend(outcomesOf(many(10, 1, true)), 0.005), {
      basis: "none",
      reason: "no different pairs"
    })
    assert.strictEqual(recommend(outcomesOf([]), 0.005).basis, "none")
  })
})

describe("the thresholds that are shown", () => {
  it.prop("are few, in order, and with the marked ones", [Pairs], ([pairs]) => {
    const shown = pickOutcomes(outcomesOf(pairs), [0.33, 0.88]).map(({ threshold }) => threshold)
    assert.isAtMost(shown.length, 19)
    assert.deepStrictEqual(shown, shown.toSorted((a, b) => a - b))
    assert.includeMembers(shown, [0.33, 0.88])
  })
})
