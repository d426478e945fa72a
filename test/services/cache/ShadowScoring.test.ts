import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Metric, Option, Random, Scope } from "effect"
import { TestClock } from "effect/testing"
import { EmbeddingFailed, StoreUnavailable } from "../../../src/domain/errors.ts"
import { GenerationId, type Namespace } from "../../../src/domain/Generation.ts"
import { layerMemory } from "../../../src/services/cache/FallbackCacheMemory.ts"
import { layer, type ShadowOptions } from "../../../src/services/cache/ShadowScoring.ts"
import { Embedder } from "../../../src/services/Embedder.ts"
import { type CacheQuery, FallbackCache, type RememberedAnswer } from "../../../src/services/FallbackCache.ts"
import {
  answerTo,
  counts,
  embedderOf,
  eventually,
  firstLetter,
  freshNamespace,
  withOwnMetrics
} from "../FallbackCache.contract.ts"

type Find = FallbackCache["Service"]["find"]

/** Counts of `understudy_shadow_total` by match, of what was dropped and not compared, and what was compared. */
const shadow = Effect.map(Metric.snapshot, (all) => {
  const count = (name: string, match?: string) =>
    all.reduce(
      (sum, metric) =>
        metric.type === "Counter" && metric.id === `understudy_shadow_${name}` && metric.attributes?.["match"] === match
          ? sum + Number(metric.state.count)
          : sum,
      0
    )
  const compared = (name: string, match?: string) =>
    all.flatMap((metric) =>
      metric.type === "Histogram" && metric.id === `understudy_shadow_${name}_similarity`
        && metric.attributes?.["match"] === match && metric.state.count > 0
        ? [{ count: metric.state.count, mean: metric.state.sum / metric.state.count }]
        : []
    )
  return {
    exact: count("total", "exact"),
    similar: count("total", "similar"),
    none: count("total", "none"),
    failed: count("total", "failed"),
    dropped: count("dropped_total"),
    unembedded: count("embedding_failed_total"),
    prompts: compared("prompt")[0],
    answers: { exact: compared("answer", "exact")[0], similar: compared("answer", "similar")[0] }
  }
})

const scored = (total: number) =>
  eventually(Effect.map(shadow, ({ exact, failed, none, similar }) => exact + failed + none + similar >= total))

/** The cache below: the real one in memory, with what was called, in order. */
const spied = (log: Array<string>, queries: Array<CacheQuery>, find?: Find) =>
  Layer.effect(
    FallbackCache,
    Effect.map(FallbackCache, (cache) => ({
      ...cache,
      remember: (answer) =>
        Effect.andThen(Effect.sync(() => log.push(`remember ${answer.text}`)), cache.remember(answer)),
      find: (query) =>
        Effect.andThen(
          Effect.sync(() => {
            log.push(`find ${query.prompt}`)
            queries.push(query)
          }),
          (find ?? cache.find)(query)
        )
    }))
  )

interface Setting extends Partial<ShadowOptions> {
  readonly find?: Find
  readonly embedder?: Layer.Layer<Embedder>
}

const build = ({ embedder = firstLetter("letters", 64), find, ...options }: Setting = {}) => {
  const log: Array<string> = []
  const queries: Array<CacheQuery> = []
  const below = spied(log, queries, find).pipe(
    Layer.provide(layerMemory({ embedTimeout: "1 second" })),
    Layer.provide(embedder)
  )
  return { log, queries, layer: layer({ share: 1, ...options }).pipe(Layer.provide([below, embedder])) }
}

const rememberAll = (answers: ReadonlyArray<RememberedAnswer>) =>
  Effect.flatMap(FallbackCache, (cache) => Effect.forEach(answers, (answer) => cache.remember(answer)))

const numbered = (namespace: Namespace, count: number) =>
  Array.from({ length: count }, (_, n) => answerTo(namespace, `a ${n}`, { text: `t ${n}` }))

const hangs: Find = () => Effect.never

describe("shadow scoring", () => {
  it.effect("scores a share of the answers, drawn by chance, and hands on every one of them", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      const drawn = Effect.gen(function*() {
        const { layer, log } = build({ share: 0.05, queueCapacity: 1_000 })
        yield* rememberAll(numbered(namespace, 1_000)).pipe(
          Random.withSeed("understudy"),
          Effect.andThen(eventually(Effect.sync(() => log.filter((line) => line.startsWith("r")).length === 1_000))),
          Effect.provide(layer)
        )
        return log.filter((line) => line.startsWith("find"))
      })
      const first = yield* drawn
      assert.isAbove(first.length, 25)
      assert.isBelow(first.length, 80)
      assert.deepStrictEqual(yield* drawn, first)
    }).pipe(withOwnMetrics))

  it.effect("adds nothing with a share of 0", () =>
    Effect.gen(function*() {
      const cache = { below: yield* FallbackCache }
      const above = yield* Effect.provide(FallbackCache, layer({ share: 0 }))
      assert.strictEqual(above, cache.below)
    }).pipe(Effect.provide(Layer.provideMerge(layerMemory(), Embedder.layerLocal))))

  it.effect("counts exact, similar and no matches, and compares the prompts and the answers", () => {
    const { layer, queries } = build()
    return Effect.gen(function*() {
      const namespace = freshNamespace()
      const cache = yield* FallbackCache
      const next = Effect.fnUntraced(function*(total: number, prompt: string, text: string) {
        const before = (yield* counts)("remembered")
        yield* cache.remember(answerTo(namespace, prompt, {
          text,
          context: "talk",
          isExactOnly: false,
          contentType: "post",
          locale: "en",
          askedModel: "m"
        }))
        yield* scored(total)
        yield* eventually(Effect.map(counts, (now) => now("remembered") > before))
      })
      yield* next(1, "a lake", "x one")
      yield* next(2, "a lake", "x two")
      yield* next(3, "a lake, please", "y three")
      yield* next(4, "b lake", "z four")
      // The comparison comes after the count.
      yield* eventually(Effect.map(shadow, ({ answers }) => answers.similar !== undefined))
      assert.deepStrictEqual(yield* shadow, {
        exact: 1,
        similar: 1,
        none: 2,
        failed: 0,
        dropped: 0,
        unembedded: 0,
        prompts: { count: 1, mean: 1 },
        answers: { exact: { count: 1, mean: 1 }, similar: { count: 1, mean: 0 } }
      })
      assert.deepStrictEqual(queries[0], {
        namespace,
        prompt: "a lake",
        context: "talk",
        isExactOnly: false,
        contentType: "post",
        locale: "en",
        model: "m",
        isShadow: true
      })
    }).pipe(Effect.provide(layer), withOwnMetrics)
  })

  it.effect("looks first and hands the answer on after it, so that it never finds the answer itself", () => {
    const { layer, log } = build()
    return Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* rememberAll(numbered(namespace, 2))
      yield* scored(2)
      assert.deepStrictEqual(log, ["find a 0", "remember t 0", "find a 1", "remember t 1"])
    }).pipe(Effect.provide(layer), withOwnMetrics)
  })

  it.effect("keeps the order of the answers, those that are not sampled included", () => {
    const { layer, log } = build({ find: () => Effect.delay(Effect.succeedNone, "100 millis"), share: 0.5 })
    return Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* Effect.provide(rememberAll(numbered(namespace, 40)), layer)
      const remembered = log.filter((line) => line.startsWith("remember"))
      assert.deepStrictEqual(remembered, numbered(namespace, 40).map(({ text }) => `remember ${text}`))
    }).pipe(Random.withSeed("order"), withOwnMetrics)
  })

  it.effect("returns at once while the lookup hangs, gives the lookup up, and remembers all the same", () => {
    const { layer, log } = build({ find: hangs })
    return Effect.gen(function*() {
      yield* rememberAll(numbered(freshNamespace(), 2))
      yield* eventually(Effect.sync(() => log.length > 0))
      assert.deepStrictEqual(log, ["find a 0"], "on virtual time, nothing else has happened")
      yield* TestClock.adjust("2 seconds")
      yield* TestClock.adjust("2 seconds")
      yield* scored(2)
      assert.deepStrictEqual(log, ["find a 0", "remember t 0", "find a 1", "remember t 1"])
      assert.strictEqual((yield* shadow).failed, 2)
    }).pipe(Effect.provide(layer), withOwnMetrics)
  })

  it.effect("lets no more than so many wait: with one more, all are remembered at once, unscored and counted", () => {
    const { layer, log } = build({ find: hangs, queueCapacity: 4 })
    return Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* rememberAll(numbered(namespace, 1))
      yield* eventually(Effect.sync(() => log.length > 0))
      yield* rememberAll(numbered(namespace, 6).slice(1))
      assert.deepStrictEqual(log, ["find a 0", ...numbered(namespace, 6).map(({ text }) => `remember ${text}`)])
      assert.strictEqual((yield* shadow).dropped, 6)
      // And so many characters.
      const long = answerTo(namespace, "long", { text: "x".repeat(9_000_000) })
      yield* rememberAll([long])
      assert.strictEqual(log.at(-1), `remember ${long.text}`)
      assert.strictEqual((yield* shadow).dropped, 7)
    }).pipe(Effect.provide(layer), withOwnMetrics)
  })

  for (
    const [how, find] of [
      ["fails", () => Effect.fail(new StoreUnavailable({ operation: "find", cause: new Error("down") }))],
      ["dies", () => Effect.die(new Error("bug"))]
    ] satisfies ReadonlyArray<readonly [string, Find]>
  ) {
    it.effect(`counts a lookup that ${how}, and remembers all the same`, () => {
      const { layer, log } = build({ find })
      return Effect.gen(function*() {
        yield* rememberAll(numbered(freshNamespace(), 3))
        yield* scored(3)
        assert.strictEqual((yield* shadow).failed, 3)
        assert.lengthOf(log, 6)
      }).pipe(Effect.provide(layer), withOwnMetrics)
    })
  }

  for (
    const [how, embed] of [
      ["fails", Effect.fail(new EmbeddingFailed({ embedder: "e", cause: "down" }))],
      ["dies", Effect.die(new Error("bug"))],
      ["hangs", Effect.never]
    ] as const
  ) {
    it.effect(`counts answers that are not compared because the embedder ${how}, and goes on`, () => {
      const { layer } = build({ embedder: embedderOf("e", 8, () => embed), embedTimeout: "3 seconds" })
      return Effect.gen(function*() {
        const namespace = freshNamespace()
        const cache = yield* FallbackCache
        const again = Effect.fnUntraced(function*(total: number) {
          yield* cache.remember(answerTo(namespace, "a lake"))
          // Whatever waits for the embedder has waited long enough.
          yield* eventually(Effect.andThen(
            TestClock.adjust("1 second"),
            Effect.map(shadow, ({ exact, none }) => exact + none >= total)
          ))
          yield* eventually(Effect.andThen(
            TestClock.adjust("1 second"),
            Effect.map(counts, (now) => now("remembered") >= total)
          ))
        })
        yield* again(1)
        yield* again(2)
        yield* again(3)
        yield* eventually(Effect.andThen(
          TestClock.adjust("1 second"),
          Effect.map(shadow, ({ unembedded }) => unembedded === 2)
        ))
        const { answers, exact, none } = yield* shadow
        assert.deepStrictEqual([none, exact, answers.exact], [1, 2, undefined])
      }).pipe(Effect.provide(layer), withOwnMetrics)
    })
  }

  it.effect("loses nothing when it stops: what waits is handed on, and the cache below stores it", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      const { layer, log } = build({ find: hangs })
      const scope = yield* Scope.make()
      const cache = Context.get(yield* Layer.buildWithScope(layer, scope), FallbackCache)
      for (const answer of numbered(namespace, 20)) yield* cache.remember(answer)
      assert.isBelow(log.filter((line) => line.startsWith("remember")).length, 1)
      yield* Scope.close(scope, Exit.void)
      assert.lengthOf(log.filter((line) => line.startsWith("remember")), 20)
      assert.strictEqual((yield* counts)("remembered"), 20)
      assert.strictEqual((yield* shadow).dropped, 20)
    }).pipe(withOwnMetrics))

  it.effect("takes out what still waits to be looked up", () => {
    const { layer, log } = build({ find: hangs })
    return Effect.gen(function*() {
      const cache = yield* FallbackCache
      const [namespace, another] = [freshNamespace(), freshNamespace()]
      const [first, second, third] = [1, 2, 3].map((n) => answerTo(namespace, `a ${n}`))
      if (first === undefined || second === undefined || third === undefined) return assert.fail("three answers")
      yield* rememberAll([first, second, third, answerTo(another, "a 1")])
      assert.isTrue(yield* cache.quarantine(namespace, first.id))
      assert.isTrue(yield* cache.forget(namespace, second.id))
      assert.strictEqual(yield* cache.erase(namespace), 2)
      assert.isFalse(yield* cache.forget(namespace, GenerationId.make("gen_unknown")))
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(log.filter((line) => line.startsWith("remember")), 4)
      assert.strictEqual(yield* cache.erase(namespace), 0, "nothing has come back")
      assert.strictEqual(yield* cache.erase(another), 1)
    }).pipe(Effect.provide(layer), withOwnMetrics)
  })

  it.effect("finds what the cache below finds", () => {
    const { layer } = build({ share: 1e-9 })
    return Effect.gen(function*() {
      const cache = yield* FallbackCache
      const namespace = freshNamespace()
      yield* cache.remember(answerTo(namespace, "a lake"))
      yield* eventually(Effect.map(counts, (now) => now("remembered") === 1))
      assert.isTrue(Option.isSome(yield* cache.find({ namespace, prompt: "a lake" })))
    }).pipe(Effect.provide(layer), withOwnMetrics)
  })
})
