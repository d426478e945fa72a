/** What every implementation of the fallback cache does with what shaped an answer beside its prompt. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import type { FallbackCacheOptions } from "../../../src/services/cache/FallbackCacheOptions.ts"
import { Embedder } from "../../../src/services/Embedder.ts"
import { type CacheQuery, FallbackCache } from "../../../src/services/FallbackCache.ts"
import {
  answerTo,
  type CacheBackend,
  embedderOf,
  find,
  freshNamespace,
  remember,
  withOwnMetrics
} from "../FallbackCache.contract.ts"

const bicycles = "Write a blog post about electric bicycles"
const paraphrase = "draft an article on electric bicycles, please"
const [wildlife, pirates] = ["You write for a wildlife magazine.", "You are a pirate."]

const found = (query: CacheQuery) =>
  Effect.map(
    find(query),
    Option.match({ onNone: () => undefined, onSome: ({ match, text }) => ({ match, text }) })
  )

const textOf = (query: CacheQuery) => Effect.map(found(query), (match) => match?.text)

export const fallbackCacheContextContract = <R>(it: Vitest.MethodsNonLive<R>, backend: CacheBackend<R>): void => {
  const on = <E>(
    test: Effect.Effect<void, E, Embedder | FallbackCache | R>,
    embedder: Layer.Layer<Embedder> = Embedder.layerLocal,
    options?: FallbackCacheOptions
  ) => test.pipe(Effect.provide(Layer.provideMerge(backend.layer(options), embedder)), withOwnMetrics)

  it.effect("answers the same prompt and a similar one from the very same context only", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* remember(
        answerTo(namespace, bicycles, { text: "in none" }),
        answerTo(namespace, bicycles, { text: "wild", context: wildlife }),
        answerTo(namespace, bicycles, { text: "arr", context: pirates })
      )
      for (const [prompt, match] of [[bicycles, "exact"], [paraphrase, "similar"]] as const) {
        const ask = (context?: string) => found({ namespace, prompt, context })
        assert.deepStrictEqual(yield* ask(), { match, text: "in none" })
        assert.deepStrictEqual(yield* ask(""), { match, text: "in none" })
        assert.deepStrictEqual(yield* ask(wildlife), { match, text: "wild" })
        assert.deepStrictEqual(yield* ask(pirates), { match, text: "arr" })
        for (const other of ["You are a poet.", wildlife.toLowerCase(), `${wildlife} `, `${wildlife}${pirates}`]) {
          assert.isUndefined(yield* ask(other))
        }
      }
    })))

  it.effect("finds an answer with a context for no question without one, nor the other way round", () =>
    on(Effect.gen(function*() {
      const [one, other] = [freshNamespace(), freshNamespace()]
      yield* remember(answerTo(one, bicycles, { context: wildlife }), answerTo(other, bicycles))
      for (const prompt of [bicycles, paraphrase]) {
        assert.isUndefined(yield* textOf({ namespace: one, prompt }))
        assert.isUndefined(yield* textOf({ namespace: other, prompt, context: wildlife }))
      }
    })))

  it.effect("finds the one similar prompt in a context beside hundreds in others", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const cache = yield* FallbackCache
      const others = Array.from({ length: 300 }, (_, n) =>
        answerTo(namespace, bicycles, { context: n % 2 === 0 ? `context ${n}` : "", text: `other ${n}` }))
      const topics = Array.from({ length: 100 }, (_, n) =>
        answerTo(namespace, `Write about subject ${n}`, { context: wildlife }))
      yield* cache.rememberAll([
        ...others,
        answerTo(namespace, bicycles, { context: wildlife, text: "wild" }),
        ...topics
      ])
      assert.deepStrictEqual(yield* found({ namespace, prompt: paraphrase, context: wildlife }), {
        match: "similar",
        text: "wild"
      })
      assert.isUndefined(yield* textOf({ namespace, prompt: paraphrase, context: pirates }))
    })))

  it.effect("keeps of one prompt the newest answer in each context, also within one batch", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const cache = yield* FallbackCache
      const answers = [wildlife, pirates, "", wildlife].map((context, n) =>
        answerTo(namespace, bicycles, { context, text: `answer ${n}` })
      )
      assert.strictEqual(yield* cache.rememberAll(answers), 3)
      const texts = Effect.forEach(
        [wildlife, pirates, ""],
        (context) => textOf({ namespace, prompt: bicycles, context })
      )
      assert.deepStrictEqual(yield* texts, ["answer 3", "answer 1", "answer 2"])
      yield* remember(answerTo(namespace, `${bicycles}.`, { context: pirates, text: "newer" }))
      assert.deepStrictEqual(yield* texts, ["answer 3", "newer", "answer 2"])
      assert.strictEqual(yield* cache.erase(namespace), 3)
    })))

  it.effect("takes an answer out in its context, and leaves the others", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const cache = yield* FallbackCache
      const [bad, gone, good] = [wildlife, pirates, ""].map((context) => answerTo(namespace, bicycles, { context }))
      if (bad === undefined || gone === undefined || good === undefined) return assert.fail()
      yield* remember(bad, gone, good)
      assert.isTrue(yield* cache.quarantine(namespace, bad.id))
      assert.isTrue(yield* cache.forget(namespace, gone.id))
      for (const prompt of [bicycles, paraphrase]) {
        assert.isUndefined(yield* textOf({ namespace, prompt, context: wildlife }))
        assert.isUndefined(yield* textOf({ namespace, prompt, context: pirates }))
        assert.isDefined(yield* textOf({ namespace, prompt }))
      }
    })))

  it.effect("keeps a context of a megabyte, of any characters, and drops what is too long to be worth it", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const long = "a long conversation \0 \ud800 — ".repeat(40_000)
        yield* remember(answerTo(namespace, bicycles, { context: long, text: "after long talk" }))
        assert.strictEqual(yield* textOf({ namespace, prompt: paraphrase, context: long }), "after long talk")
        assert.isUndefined(yield* textOf({ namespace, prompt: paraphrase, context: `${long}.` }))
        const cache = yield* FallbackCache
        yield* cache.remember(answerTo(namespace, "a lake", { context: "x".repeat(4_000_000) }))
        yield* remember(answerTo(namespace, "a hill"))
        assert.isUndefined(yield* textOf({ namespace, prompt: "a lake", context: "x".repeat(4_000_000) }))
      }),
      Embedder.layerLocal,
      { storeTimeout: "10 seconds" }
    ))

  it.effect("finds what is exact-only by the very same prompt and context, and nothing like it", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* remember(
        answerTo(namespace, bicycles, { isExactOnly: true, text: "with tools" }),
        answerTo(namespace, bicycles, { isExactOnly: true, context: wildlife, text: "with tools, wild" }),
        answerTo(namespace, "", { isExactOnly: true, context: "an image", text: "a cat" })
      )
      for (const isExactOnly of [true, false]) {
        const ask = (prompt: string, context?: string) => textOf({ namespace, prompt, context, isExactOnly })
        assert.strictEqual(yield* ask(` ${bicycles.toUpperCase()}.`), "with tools")
        assert.strictEqual(yield* ask(bicycles, wildlife), "with tools, wild")
        assert.strictEqual(yield* ask("", "an image"), "a cat")
        assert.isUndefined(yield* ask(bicycles, pirates))
        assert.isUndefined(yield* ask(paraphrase))
        assert.isUndefined(yield* ask(paraphrase, wildlife))
        assert.isUndefined(yield* ask("", "another image"))
      }
      assert.isUndefined(yield* textOf({ namespace, prompt: bicycles, isExactOnly: true, locale: "fr" }))
    })))

  it.effect("answers an exact-only question with the very same prompt's answer, and no similar one", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* remember(answerTo(namespace, bicycles, { context: wildlife }))
      const ask = (prompt: string) => textOf({ namespace, prompt, context: wildlife, isExactOnly: true })
      assert.isUndefined(yield* ask(paraphrase))
      assert.strictEqual(yield* ask(bicycles), `An answer to: ${bicycles}`)
      assert.isDefined(yield* textOf({ namespace, prompt: paraphrase, context: wildlife }))
    })))

  it.effect("stops finding an entry as similar when an exact-only answer takes its place, and starts again after", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const both = Effect.forEach([bicycles, paraphrase], (prompt) => textOf({ namespace, prompt }))
      yield* remember(answerTo(namespace, bicycles, { text: "plain" }))
      assert.deepStrictEqual(yield* both, ["plain", "plain"])
      yield* remember(answerTo(namespace, bicycles, { isExactOnly: true, text: "exact" }))
      assert.deepStrictEqual(yield* both, ["exact", undefined])
      yield* remember(answerTo(namespace, bicycles, { isExactOnly: true, text: "exact again" }))
      assert.deepStrictEqual(yield* both, ["exact again", undefined])
      yield* remember(answerTo(namespace, bicycles, { text: "plain again" }))
      assert.deepStrictEqual(yield* both, ["plain again", "plain again"])
    })))

  it.effect("takes an exact-only answer out for good, even when it is stored again", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const cache = yield* FallbackCache
      const answer = answerTo(namespace, bicycles, { isExactOnly: true })
      yield* remember(answer)
      assert.isTrue(yield* cache.quarantine(namespace, answer.id))
      yield* remember(answer)
      assert.isUndefined(yield* textOf({ namespace, prompt: bicycles }))
    })))

  it.effect("asks the embedder about nothing that is exact-only", () => {
    const asked: Array<string> = []
    const spy = embedderOf("spy", 4, (text) =>
      Effect.sync(() => {
        asked.push(text)
        return Float32Array.of(1, 0, 0, 0)
      }))
    return on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const cache = yield* FallbackCache
        yield* cache.rememberAll([
          answerTo(namespace, "a secret", { isExactOnly: true }),
          answerTo(namespace, "a lake", { text: "water" }),
          answerTo(namespace, "another secret", { isExactOnly: true })
        ])
        yield* cache.rememberAll([answerTo(namespace, "a third secret", { isExactOnly: true })])
        assert.isUndefined(yield* textOf({ namespace, prompt: "a fourth secret", isExactOnly: true }))
        assert.deepStrictEqual(asked, ["a lake"])
        assert.strictEqual(yield* textOf({ namespace, prompt: "please, a lake" }), "water", "its vector is its own")
      }),
      spy
    )
  })

  it.effect("hands context and exactness on to the entries that are kept apart", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      const apart = yield* Effect.provide(FallbackCache, FallbackCache.layerApart("simulated"))
      yield* apart.rememberAll([
        answerTo(namespace, bicycles, { context: wildlife }),
        answerTo(namespace, "a secret", { isExactOnly: true })
      ])
      const ask = (query: Partial<CacheQuery>) =>
        Effect.map(apart.find({ namespace, prompt: paraphrase, ...query }), Option.isSome)
      assert.isTrue(yield* ask({ context: wildlife }))
      assert.isFalse(yield* ask({}))
      assert.isFalse(yield* ask({ context: wildlife, isExactOnly: true }))
      assert.isTrue(yield* ask({ prompt: "a secret", isExactOnly: true }))
    }).pipe(on))
}
