import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { cacheKey, toCacheEntries, toCacheEntry } from "../../src/domain/CacheEntry.ts"
import { defaultNamespace, GenerationId, Namespace } from "../../src/domain/Generation.ts"
import { normalizePrompt } from "../../src/domain/similarity/Prompt.ts"

/** Few values of each, so that equal ones are met; '' and what could run together with its neighbour among them. */
const Answer = Schema.Struct({
  namespace: Schema.Literals(["default", "site"]),
  prompt: Schema.Literals(["", "a", "A.", "b", "a\",\"b"]),
  context: Schema.Literals(["", "a", "A", "b", "a\",\"b"]),
  isExactOnly: Schema.Boolean,
  contentType: Schema.Literals(["", "a"]),
  locale: Schema.Literals(["", "a"])
})

const base = {
  id: GenerationId.make("gen_1"),
  namespace: defaultNamespace,
  prompt: "a lake",
  model: "m",
  text: "t",
  usage: undefined
}

interface Parts extends Partial<Omit<typeof Answer.Type, "context">> {
  readonly context?: string
}

const entryOf = (answer: Parts) => {
  const entry = toCacheEntry({ ...base, ...answer, namespace: Namespace.make(answer.namespace ?? "default") })
  if (entry === undefined) throw new Error("not worth keeping")
  return entry
}

const identity = ({ contentType, context, locale, namespace, prompt }: typeof Answer.Type) => [
  namespace,
  normalizePrompt(prompt),
  context,
  contentType,
  locale
]

describe("an entry's key", () => {
  it.prop(
    "is another's when namespace, normalised prompt, context and scope are equal, and only then",
    [Answer, Answer],
    ([one, other]) => {
      const isSame = identity(one).every((part, n) => part === identity(other)[n])
      assert.strictEqual(cacheKey(entryOf(one)) === cacheKey(entryOf(other)), isSame)
    }
  )

  it.prop("tells contexts apart but for halves of surrogate pairs", [Schema.String, Schema.String], ([one, other]) => {
    assert.strictEqual(
      cacheKey(entryOf({ context: one })) === cacheKey(entryOf({ context: other })),
      one.toWellFormed() === other.toWellFormed()
    )
  })
})

describe("an entry", () => {
  it("has the same key without a context as with an empty one", () => {
    assert.strictEqual(cacheKey(entryOf({})), cacheKey(entryOf({ context: "" })))
  })

  it("has traits for the guard, unless it is exact-only", () => {
    assert.isString(entryOf({}).traits)
    assert.isUndefined(entryOf({ isExactOnly: true }).traits)
  })

  it("is the newest of its prompt in each context, exact-only or not", () => {
    const answers = [
      { ...base, text: "1" },
      { ...base, text: "2", context: "c" },
      { ...base, text: "3", prompt: "A lake!", isExactOnly: true },
      { ...base, text: "4", context: "c" }
    ]
    assert.deepStrictEqual(toCacheEntries(answers).map(({ text }) => text), ["3", "4"])
  })
})
