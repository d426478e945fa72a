import { assert, it } from "@effect/vitest"
import { modelFamily } from "../../../src/domain/similarity/ModelFamily.ts"

it("takes away what says which release of a model it is", () => {
  for (
    const [model, family] of [
      ["gpt-4o-2024-08-06", "gpt-4o"],
      ["GPT-4o", "gpt-4o"],
      ["gpt-4-0613", "gpt-4"],
      ["gpt-4o-mini", "gpt-4o-mini"],
      ["gpt-4-turbo-preview", "gpt-4-turbo"],
      ["claude-sonnet-4@20250101", "claude-sonnet-4"],
      ["claude-sonnet-4-20250514", "claude-sonnet-4"],
      ["claude-3-5-sonnet-latest", "claude-3-5-sonnet"],
      ["anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-3-haiku"],
      ["gemini-1.5-pro-001", "gemini-1.5-pro"],
      ["text-bison@001", "text-bison"],
      ["llama3:latest", "llama3"],
      [" mistral-large-2411 ", "mistral-large"]
    ] as const
  ) assert.strictEqual(modelFamily(model), family)
})

it("keeps sizes and generations apart", () => {
  assert.notStrictEqual(modelFamily("gpt-4o"), modelFamily("gpt-4"))
  assert.notStrictEqual(modelFamily("llama-3-70b"), modelFamily("llama-3-8b"))
  assert.notStrictEqual(modelFamily("llama3:8b"), modelFamily("llama3:70b"))
  assert.notStrictEqual(modelFamily("o3"), modelFamily("o4"))
})

it("leaves a name that is nothing but a release, and never answers with nothing", () => {
  assert.strictEqual(modelFamily("-latest"), "-latest")
  assert.strictEqual(modelFamily(""), "")
  for (const model of ["gpt-4o-2024-08-06", "-0613-latest", "@x@y", "a".repeat(10_000)]) {
    assert.strictEqual(modelFamily(modelFamily(model)), modelFamily(model))
  }
})
