/** What every implementation of the fallback cache does. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Layer, Metric, Option } from "effect"
import { randomUUID } from "node:crypto"
import { EmbeddingFailed } from "../../src/domain/errors.ts"
import { GenerationId, Namespace } from "../../src/domain/Generation.ts"
import type { FallbackCacheOptions } from "../../src/services/cache/FallbackCacheOptions.ts"
import { Embedder } from "../../src/services/Embedder.ts"
import { type CacheQuery, FallbackCache, type RememberedAnswer } from "../../src/services/FallbackCache.ts"

export interface CacheBackend<R> {
  readonly layer: (options?: FallbackCacheOptions) => Layer.Layer<FallbackCache, never, Embedder | R>
  /** Makes everything in the namespace so much older. */
  readonly age: (namespace: Namespace, millis: number) => Effect.Effect<void, unknown, Embedder | R>
}

/** A namespace of its own for every test, so that tests can share a database. */
export const freshNamespace = () => Namespace.make(randomUUID())

export const answerTo = (namespace: Namespace, prompt: string, more: Partial<RememberedAnswer> = {}) => ({
  id: GenerationId.make(randomUUID()),
  namespace,
  prompt,
  model: "gpt-4o-2024-08-06",
  text: `An answer to: ${prompt}`,
  usage: { inputTokens: 20, outputTokens: 100 },
  ...more
})

const bicycles = "Write a blog post about electric bicycles"

/** Counts of this test alone. */
export const withOwnMetrics = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => Effect.provideService(self, Metric.MetricRegistry, new Map()))

export const counts = Effect.map(
  Metric.snapshot,
  (all) => (name: string) => {
    const found = all.find((metric) => metric.id === `understudy_cache_${name}_total`)
    return found?.type === "Counter" ? Number(found.state.count) : 0
  }
)

/** Waits in real time, whatever the clock: stores do their work outside of it. */
export const eventually = <E, R>(
  condition: Effect.Effect<boolean, E, R>
): Effect.Effect<void, E, R> =>
  Effect.flatMap(
    condition,
    (met) => met ? Effect.void : Effect.andThen(tick, Effect.suspend(() => eventually(condition)))
  )

const tick = Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, 2)))

/** Remembers and waits until that many answers have been dealt with since the test began. */
export const remember = Effect.fnUntraced(function*(...answers: ReadonlyArray<RememberedAnswer>) {
  const cache = yield* FallbackCache
  const before = yield* counts
  const target = before("remembered") + before("failed") + answers.length
  for (const answer of answers) yield* cache.remember(answer)
  yield* eventually(Effect.map(counts, (now) => now("remembered") + now("failed") >= target))
})

export const find = (query: CacheQuery) => Effect.flatMap(FallbackCache, (cache) => cache.find(query))

const textOf = (query: CacheQuery) =>
  Effect.map(find(query), Option.match({ onNone: () => undefined, onSome: (m) => m.text }))

export const embedderOf = (name: string, dimensions: number, embed: Embedder["Service"]["embed"]) =>
  Layer.succeed(Embedder, Embedder.of({ name, dimensions, embed, embedMany: (texts) => Effect.forEach(texts, embed) }))

/** A vector in the direction of the prompt's first letter. */
export const firstLetter = (name: string, dimensions: number) =>
  embedderOf(name, dimensions, (text) =>
    Effect.sync(() => {
      const vector = new Float32Array(dimensions)
      vector[(text.codePointAt(0) ?? 0) % dimensions] = 1
      return vector
    }))

const failing = embedderOf("failing", 8, () => Effect.fail(new EmbeddingFailed({ embedder: "failing", cause: "down" })))
const dying = embedderOf("dying", 8, () => Effect.die(new Error("bug")))
const wrong = embedderOf("wrong", 8, () => Effect.succeed(new Float32Array(3)))

export const fallbackCacheContract = <R>(it: Vitest.MethodsNonLive<R>, backend: CacheBackend<R>): void => {
  const on = <E>(
    test: Effect.Effect<void, E, Embedder | FallbackCache | R>,
    embedder: Layer.Layer<Embedder> = Embedder.layerLocal,
    options?: FallbackCacheOptions
  ) => test.pipe(Effect.provide(Layer.provideMerge(backend.layer(options), embedder)), withOwnMetrics)

  it.effect("stores all of an import, however many, before it says so, and of one prompt the last", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const cache = yield* FallbackCache
        const answers = Array.from({ length: 300 }, (_, index) => answerTo(namespace, `Describe product ${index}`))
        const again = answerTo(namespace, "describe product 7.", { text: "newer" })
        const blank = answerTo(namespace, "blank", { text: " " })
        assert.strictEqual(yield* cache.rememberAll([...answers, again, blank]), 300)
        for (const index of [0, 63, 64, 299]) {
          assert.strictEqual(
            yield* textOf({ namespace, prompt: `Describe product ${index}` }),
            `An answer to: Describe product ${index}`
          )
        }
        assert.strictEqual(yield* textOf({ namespace, prompt: "Describe product 7" }), "newer")
        assert.strictEqual(yield* cache.rememberAll([]), 0)
      }),
      Embedder.layerLocal,
      { queueCapacity: 2 }
    ))

  it.effect("stores an import without vectors when the embedder fails: the exact prompt finds it", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const cache = yield* FallbackCache
        assert.strictEqual(yield* cache.rememberAll([answerTo(namespace, bicycles)]), 1)
        assert.strictEqual(yield* textOf({ namespace, prompt: bicycles }), `An answer to: ${bicycles}`)
      }),
      failing
    ))

  it.effect("finds the answer to the same prompt, whatever its case, spaces and final punctuation", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const answer = answerTo(namespace, bicycles)
      yield* remember(answer)
      yield* backend.age(namespace, 90_000)
      const match = Option.getOrThrow(
        yield* find({ namespace, prompt: "  write a BLOG post\nabout electric  bicycles. " })
      )
      assert.strictEqual(match.id, answer.id)
      assert.strictEqual(match.text, answer.text)
      assert.strictEqual(match.model, answer.model)
      assert.deepStrictEqual(match.usage, answer.usage)
      assert.strictEqual(match.match, "exact")
      assert.strictEqual(match.similarity, 1)
      assert.isAtLeast(match.ageMillis, 90_000)
      assert.isBelow(match.ageMillis, 120_000)
    })))

  it.effect("finds the answer to a paraphrase, with its similarity and age", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* remember(answerTo(namespace, bicycles), answerTo(namespace, "Write a blog post about growing tomatoes"))
      yield* backend.age(namespace, 5_000)
      const match = Option.getOrThrow(
        yield* find({ namespace, prompt: "draft an article on electric bicycles, please" })
      )
      assert.strictEqual(match.text, `An answer to: ${bicycles}`)
      assert.strictEqual(match.match, "similar")
      assert.isAbove(match.similarity, 0.5)
      assert.isAtMost(match.similarity, 1)
      assert.isAtLeast(match.ageMillis, 5_000)
    })))

  it.effect("finds nothing for another subject", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* remember(answerTo(namespace, bicycles))
      assert.isTrue(Option.isNone(yield* find({ namespace, prompt: "Write a blog post about tax law in Estonia" })))
    })))

  it.effect("never finds another namespace's answer", () =>
    on(Effect.gen(function*() {
      const [mine, theirs] = [freshNamespace(), freshNamespace()]
      yield* remember(answerTo(theirs, bicycles), answerTo(mine, "Write a poem about rain"))
      assert.isTrue(Option.isNone(yield* find({ namespace: mine, prompt: bicycles })))
      assert.isTrue(Option.isNone(yield* find({ namespace: mine, prompt: "draft an article on electric bicycles" })))
      assert.isTrue(Option.isSome(yield* find({ namespace: theirs, prompt: bicycles })))
    })))

  it.effect("narrows to content type, locale and model family when they are given", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* remember(
        answerTo(namespace, bicycles, { text: "english post", contentType: "blog_post", locale: "en" }),
        answerTo(namespace, bicycles, { text: "german post", contentType: "blog_post", locale: "de" }),
        answerTo(namespace, bicycles, { text: "plain", model: "llama-3" })
      )
      for (const prompt of [bicycles, "draft an article on electric bicycles, please"]) {
        const ask = (scope: Partial<CacheQuery>) => textOf({ namespace, prompt, ...scope })
        assert.strictEqual(yield* ask({ locale: "en" }), "english post")
        assert.strictEqual(yield* ask({ locale: "de", contentType: "blog_post" }), "german post")
        assert.strictEqual(yield* ask({ model: "llama-3-latest" }), "plain")
        assert.strictEqual(yield* ask({ model: "GPT-4o", locale: "de" }), "german post")
        assert.strictEqual(yield* ask({}), "plain")
        assert.isUndefined(yield* ask({ locale: "fr" }))
        assert.isUndefined(yield* ask({ contentType: "newsletter" }))
        assert.isUndefined(yield* ask({ model: "gpt-4o-mini" }))
      }
    })))

  it.effect("finds again under the model that was asked for, whatever the provider calls it", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* remember(answerTo(namespace, bicycles, { text: "deployed", model: "m-1", askedModel: "my-deployment" }))
      assert.strictEqual(yield* textOf({ namespace, prompt: bicycles, model: "my-deployment" }), "deployed")
      assert.strictEqual(yield* textOf({ namespace, prompt: bicycles }), "deployed")
    })))

  it.effect("answers a thousand questions at once, and turns none away for coming with the others", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        yield* remember(answerTo(namespace, bicycles, { text: "the one" }))
        const found = yield* Effect.forEach(
          Array.from({ length: 1_000 }),
          () => textOf({ namespace, prompt: bicycles }),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(new Set(found), new Set(["the one"]))
      }),
      Embedder.layerLocal,
      { storeTimeout: "20 seconds" }
    ))

  it.effect("finds nothing older than the question or the configuration allows", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        yield* remember(answerTo(namespace, bicycles))
        yield* backend.age(namespace, 60_000)
        for (const prompt of [bicycles, "draft an article on electric bicycles, please"]) {
          assert.isTrue(Option.isSome(yield* find({ namespace, prompt })))
          assert.isTrue(Option.isSome(yield* find({ namespace, prompt, maxAgeMillis: 3_600_000 })))
          assert.isTrue(Option.isNone(yield* find({ namespace, prompt, maxAgeMillis: 30_000 })))
          assert.isTrue(Option.isNone(yield* find({ namespace, prompt, maxAgeMillis: 0 })))
        }
        yield* backend.age(namespace, 60_000)
        assert.isTrue(Option.isNone(yield* find({ namespace, prompt: bicycles, maxAgeMillis: 3_600_000 })))
      }),
      Embedder.layerLocal,
      { maxAgeMillis: 100_000 }
    ))

  it.effect("keeps the newest of several answers to one prompt", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* remember(answerTo(namespace, bicycles, { text: "first" }))
      yield* backend.age(namespace, 60_000)
      const cache = yield* FallbackCache
      // The last of one batch wins as well.
      yield* cache.remember(answerTo(namespace, bicycles, { text: "second" }))
      yield* remember(answerTo(namespace, `${bicycles}!`, { text: "third" }))
      yield* eventually(Effect.map(textOf({ namespace, prompt: bicycles }), (text) => text === "third"))
      const match = Option.getOrThrow(yield* find({ namespace, prompt: bicycles }))
      assert.isBelow(match.ageMillis, 60_000)
    })))

  it.effect("prefers the newest of equally near answers", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        for (const prompt of ["a post about tea", "an article about tea", "about tea: a text"]) {
          yield* remember(answerTo(namespace, prompt))
          yield* backend.age(namespace, 1_000)
        }
        assert.strictEqual(yield* textOf({ namespace, prompt: "a text about tea" }), "An answer to: about tea: a text")
      }),
      firstLetter("letters", 8)
    ))

  it.effect("drops answers when the queue is full, and counts them, without waiting", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        const cache = yield* FallbackCache
        for (let n = 0; n < 50; n++) yield* cache.remember(answerTo(namespace, `prompt ${n}`))
        yield* eventually(Effect.map(counts, (now) => now("remembered") + now("dropped") === 50))
        assert.isAbove((yield* counts)("dropped"), 30)
        assert.isAbove((yield* counts)("remembered"), 0)
      }),
      Embedder.layerLocal,
      { queueCapacity: 4 }
    ))

  for (
    const [how, embedder] of [["fails", failing], ["dies", dying], ["answers with a wrong vector", wrong]] as const
  ) {
    it.effect(`remembers and finds the exact prompt when the embedder ${how}`, () =>
      on(
        Effect.gen(function*() {
          const namespace = freshNamespace()
          yield* remember(answerTo(namespace, bicycles))
          assert.isTrue(Option.isSome(yield* find({ namespace, prompt: bicycles })))
          assert.isTrue(Option.isNone(yield* find({ namespace, prompt: "draft an article on electric bicycles" })))
          assert.strictEqual((yield* counts)("embedding_failed"), 2)
        }),
        embedder
      ))
  }

  it.effect("keeps texts with NUL bytes and half surrogates, and the rest of their batch", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const cache = yield* FallbackCache
      yield* cache.remember(answerTo(namespace, "nobody's type", { contentType: "bad\0name" }))
      yield* cache.remember(answerTo(namespace, "far too long", { locale: "x".repeat(5_000) }))
      yield* remember(
        answerTo(namespace, "before"),
        answerTo(namespace, "with a \0 and \uD800", { text: "a\0b\uDC00c" }),
        answerTo(namespace, "after")
      )
      assert.strictEqual(yield* textOf({ namespace, prompt: "before" }), "An answer to: before")
      assert.strictEqual(yield* textOf({ namespace, prompt: "with a \0 and \uD800" }), "ab\uFFFDc")
      assert.strictEqual(yield* textOf({ namespace, prompt: "after" }), "An answer to: after")
      assert.strictEqual((yield* counts)("failed"), 0)
    })))

  it.effect("does not remember a blank answer", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const cache = yield* FallbackCache
      yield* cache.remember(answerTo(namespace, bicycles, { text: " \n\0" }))
      yield* remember(answerTo(namespace, "after"))
      assert.isUndefined(yield* textOf({ namespace, prompt: bicycles }))
    })))

  it.effect("keeps a text and a prompt of a megabyte", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const prompt = `${bicycles} ${"and more ".repeat(110_000)}`
      const text = "ä€😀 ".repeat(100_000)
      yield* remember(answerTo(namespace, prompt, { text }))
      assert.strictEqual(yield* textOf({ namespace, prompt }), text)
    })))

  it.effect("serves a quarantined answer no more, neither exactly nor similarly, until there is a new one", () =>
    on(Effect.gen(function*() {
      const cache = yield* FallbackCache
      const [namespace, other] = [freshNamespace(), freshNamespace()]
      const bad = answerTo(namespace, bicycles, { text: "bad" })
      yield* remember(bad, answerTo(other, bicycles, { id: bad.id, text: "the other's" }))
      const asked = [bicycles, "draft an article on electric bicycles, please"]
      const texts = (namespace: Namespace) => Effect.forEach(asked, (prompt) => textOf({ namespace, prompt }))
      assert.deepStrictEqual(yield* texts(namespace), ["bad", "bad"])

      assert.isTrue(yield* cache.quarantine(namespace, bad.id))
      assert.deepStrictEqual(yield* texts(namespace), [undefined, undefined])
      assert.isTrue(yield* cache.quarantine(namespace, bad.id), "it is kept")
      assert.isFalse(yield* cache.quarantine(namespace, GenerationId.make("gen_unknown")))
      assert.deepStrictEqual(yield* texts(other), ["the other's", "the other's"])

      yield* remember(bad)
      assert.deepStrictEqual(yield* texts(namespace), [undefined, undefined], "it stays out when it is stored again")
      yield* remember(answerTo(namespace, bicycles, { text: "good" }))
      assert.deepStrictEqual(yield* texts(namespace), ["good", "good"])
      assert.isFalse(yield* cache.quarantine(namespace, bad.id), "the new one has taken its place")
    })))

  it.effect("forgets an answer, in its own namespace only", () =>
    on(Effect.gen(function*() {
      const cache = yield* FallbackCache
      const [namespace, other] = [freshNamespace(), freshNamespace()]
      const answer = answerTo(namespace, bicycles)
      yield* remember(answer, answerTo(other, bicycles, { id: answer.id }), answerTo(namespace, "Write about rain"))
      assert.isTrue(yield* cache.forget(namespace, answer.id))
      assert.isFalse(yield* cache.forget(namespace, answer.id))
      assert.isUndefined(yield* textOf({ namespace, prompt: bicycles }))
      assert.isDefined(yield* textOf({ namespace, prompt: "Write about rain" }))
      assert.isDefined(yield* textOf({ namespace: other, prompt: bicycles }))
      const bad = answerTo(namespace, bicycles)
      yield* remember(bad)
      yield* cache.quarantine(namespace, bad.id)
      assert.isTrue(yield* cache.forget(namespace, bad.id), "a quarantined one too")
    })))

  it.effect("erases a namespace, and says how many answers that were", () =>
    on(Effect.gen(function*() {
      const cache = yield* FallbackCache
      const [namespace, other] = [freshNamespace(), freshNamespace()]
      const answer = answerTo(namespace, bicycles)
      yield* remember(answer, answerTo(other, bicycles, { id: answer.id }), answerTo(namespace, "Write about rain"))
      yield* cache.quarantine(namespace, answer.id)
      assert.strictEqual(yield* cache.erase(namespace), 2)
      assert.strictEqual(yield* cache.erase(namespace), 0)
      assert.isUndefined(yield* textOf({ namespace, prompt: "Write about rain" }))
      assert.isDefined(yield* textOf({ namespace: other, prompt: bicycles }))
      yield* remember(answer)
      assert.isDefined(yield* textOf({ namespace, prompt: bicycles }), "it can be used again")
    })))

  it.effect("takes an answer out that is still to be stored, so that it does not appear afterwards", () =>
    on(Effect.gen(function*() {
      const cache = yield* FallbackCache
      for (
        const takeOut of [
          ({ id, namespace }: RememberedAnswer) => cache.quarantine(namespace, id),
          ({ id, namespace }: RememberedAnswer) => cache.forget(namespace, id),
          ({ namespace }: RememberedAnswer) => Effect.map(cache.erase(namespace), (count) => count === 81)
        ]
      ) {
        const namespace = freshNamespace()
        // More than one batch, so that the writer would rest before the last of them.
        for (let n = 0; n < 80; n++) yield* cache.remember(answerTo(namespace, `prompt ${n}`))
        const answer = answerTo(namespace, bicycles)
        yield* cache.remember(answer)
        assert.isTrue(yield* takeOut(answer))
        assert.isUndefined(yield* textOf({ namespace, prompt: bicycles }))
      }
    })))

  it.effect("keeps entries apart from the plain ones, and erases both from either side", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      const plain = yield* FallbackCache
      const sideOf = (layer: Layer.Layer<FallbackCache, never, FallbackCache>) => Effect.provide(FallbackCache, layer)
      const apart = yield* sideOf(FallbackCache.layerApart("simulated"))
      const beside = yield* sideOf(FallbackCache.layerBeside("simulated"))
      const both = Effect.gen(function*() {
        yield* beside.remember(answerTo(namespace, bicycles, { text: "real" }))
        yield* apart.remember(answerTo(namespace, bicycles, { text: "simulated" }))
        // Waits for both.
        yield* plain.forget(namespace, GenerationId.make("gen_unknown"))
      })
      const found = Effect.forEach([beside, apart], (cache) =>
        Effect.map(cache.find({ namespace, prompt: bicycles }), Option.map(({ text }) => text)))
      yield* both
      assert.deepStrictEqual(yield* found, [Option.some("real"), Option.some("simulated")])
      assert.strictEqual(yield* apart.erase(namespace), 2)
      assert.deepStrictEqual(yield* found, [Option.none(), Option.none()])
      yield* both
      assert.strictEqual(yield* beside.erase(namespace), 2)
      assert.deepStrictEqual(yield* found, [Option.none(), Option.none()])
    }).pipe(on))

  it.effect("stores what is still in the queue when it closes", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* Effect.gen(function*() {
        const cache = yield* FallbackCache
        for (let n = 0; n < 200; n++) yield* cache.remember(answerTo(namespace, `prompt ${n}`))
      }).pipe(Effect.provide(Layer.provide(backend.layer(), Embedder.layerLocal)))
      assert.strictEqual((yield* counts)("remembered"), 200)
    }).pipe(withOwnMetrics))
}
