/** What the ladder does with a request that says more than its prompt. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { GenerationRequest } from "../../../src/domain/Generation.ts"
import type { CacheQuery } from "../../../src/services/FallbackCache.ts"
import { Generator } from "../../../src/services/Generator.ts"
import { answers, aTemplate, fails, finds, makeLadder, request, type Scripted } from "../../support/scripted.ts"

const run = (scripted: Scripted, more: Partial<GenerationRequest>) => {
  const { layer, seen } = makeLadder({ maxAttempts: 1, ...scripted })
  return Effect.map(
    Effect.exit(Effect.provide(Generator.use((generator) => generator.generate(request("hi", more))), layer)),
    (exit) => ({ exit, seen })
  )
}

const sourceOf = (scripted: Scripted, more: Partial<GenerationRequest>) =>
  Effect.map(
    run(scripted, more),
    ({ exit }) => exit._tag === "Success" ? exit.value.source : "none"
  )

const exactOnly = { context: "with a tool", isExactOnly: true }

describe("a request with a context", () => {
  it.effect("is remembered with it", () =>
    Effect.gen(function*() {
      const { seen } = yield* run({ script: [answers] }, exactOnly)
      assert.deepInclude(seen.remembered[0], { prompt: "hi", ...exactOnly })
    }))

  it.effect("is looked up with it", () =>
    Effect.gen(function*() {
      const queries: Array<CacheQuery> = []
      const find: Scripted["find"] = (query) => {
        queries.push(query)
        return finds()(query)
      }
      yield* run({ script: [fails], find }, exactOnly)
      assert.deepInclude(queries[0], { prompt: "hi", ...exactOnly })
    }))

  it.effect("may end with a template", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* sourceOf({ script: [fails], template: aTemplate }, { context: "be brief" }), "template")
    }))
})

describe("an exact-only request", () => {
  it.effect("is answered from the cache, and never with a template", () =>
    Effect.gen(function*() {
      const scripted = { script: [fails], template: aTemplate }
      const match = finds({ match: "exact", similarity: 1 })
      assert.strictEqual(yield* sourceOf({ ...scripted, find: match }, exactOnly), "cache")
      assert.strictEqual(yield* sourceOf(scripted, exactOnly), "none")
    }))
})
