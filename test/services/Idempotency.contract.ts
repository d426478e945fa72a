/** What every store of idempotency keys does. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { Namespace } from "../../src/domain/Generation.ts"
import { Idempotency, type IdempotencyOptions } from "../../src/services/Idempotency.ts"

export interface IdempotencyBackend<R> {
  readonly layer: (options?: IdempotencyOptions) => Layer.Layer<Idempotency, never, R>
  /** Makes a namespace's keys older. */
  readonly age: (namespace: Namespace, millis: number) => Effect.Effect<void, unknown, R>
  /** Does it elsewhere: in another instance, where there can be one. */
  readonly elsewhere: <A, E>(effect: Effect.Effect<A, E, Idempotency>) => Effect.Effect<A, E, R | Idempotency>
  /** After this an attempt that gives no sign of life has lost its key. */
  readonly lostAfterMillis: number
}

let count = 0
export const freshNamespace = (): Namespace => Namespace.make(`site-${count++}`)

const begin = (namespace: Namespace, key = "key-0001", fingerprint = "body") =>
  Effect.flatMap(Idempotency, (keys) => keys.begin({ namespace, key, fingerprint }))

/** What a request gets: an answer, or the tag of anything else. */
export const seen = (namespace: Namespace, key?: string, fingerprint?: string) =>
  Effect.match(begin(namespace, key, fingerprint), {
    onFailure: ({ _tag }) => _tag,
    onSuccess: (begun) => begun._tag === "Stored" ? begun.answer : begun._tag
  })

export const started = Effect.fnUntraced(function*(namespace: Namespace, key?: string, fingerprint?: string) {
  const begun = yield* begin(namespace, key, fingerprint)
  return begun._tag === "Started" ? begun : yield* Effect.die(new Error("there is an answer already"))
})

/** A key with its answer. */
export const answer = (namespace: Namespace, text: string, key?: string) =>
  Effect.flatMap(started(namespace, key), ({ complete }) => complete(text))

export const idempotencyContract = <R>(it: Vitest.MethodsNonLive<R>, backend: IdempotencyBackend<R>): void => {
  const on = <E>(test: Effect.Effect<void, E, Idempotency | R>, options?: IdempotencyOptions) =>
    Effect.provide(test, backend.layer(options))

  it.effect("lets the first request start, and gives its answer to every later one", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const text = "{\"text\":\"An answer 🙂 \\u0000 \\ud800\"}"
      yield* answer(namespace, text)
      assert.strictEqual(yield* seen(namespace), text)
      assert.strictEqual(yield* seen(namespace), text)
    })))

  it.effect("refuses the same request while the first is under way, and another one at any time", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const { complete } = yield* started(namespace)
      assert.strictEqual(yield* seen(namespace), "IdempotencyInFlight")
      assert.strictEqual(yield* seen(namespace, "key-0001", "another body"), "IdempotencyMismatch")
      yield* complete("{}")
      assert.strictEqual(yield* seen(namespace, "key-0001", "another body"), "IdempotencyMismatch")
      assert.strictEqual(yield* seen(namespace), "{}")
    })))

  it.effect("frees the key of an attempt that is given up, for another request too", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const { abandon } = yield* started(namespace)
      yield* abandon
      yield* Effect.flatMap(started(namespace, "key-0001", "another body"), ({ complete }) => complete("\"b\""))
      assert.strictEqual(yield* seen(namespace), "IdempotencyMismatch")
    })))

  it.effect("takes the first end of an attempt, and no other", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const kept = yield* started(namespace)
      yield* kept.complete("\"first\"")
      yield* kept.complete("\"second\"")
      yield* kept.abandon
      assert.strictEqual(yield* seen(namespace), "\"first\"")
      const given = yield* started(namespace, "key-0002")
      yield* given.abandon
      yield* given.complete("\"late\"")
      assert.strictEqual(yield* seen(namespace, "key-0002"), "Started")
    })))

  it.effect("knows a key in its own namespace only", () =>
    on(Effect.gen(function*() {
      const [one, other] = [freshNamespace(), freshNamespace()]
      yield* answer(one, "\"one\"")
      yield* answer(other, "\"other\"")
      assert.strictEqual(yield* seen(one), "\"one\"")
      assert.strictEqual(yield* seen(other), "\"other\"")
    })))

  it.effect("tells keys, namespaces and bodies apart that look alike when put together, and takes any text", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const keys = ["a", "A", "a\0", "\ud800", "\",\"", "ä".repeat(300)]
      for (const key of keys) yield* answer(namespace, JSON.stringify(key), key)
      for (const key of keys) assert.strictEqual(yield* seen(namespace, key), JSON.stringify(key))
      yield* answer(Namespace.make(`${namespace}a`), "\"x\"", "b")
      assert.strictEqual(yield* seen(namespace, "ab"), "Started")
      yield* Effect.flatMap(started(namespace, "odd", "\0\ud800"), ({ complete }) => complete("\"odd\""))
      assert.strictEqual(yield* seen(namespace, "odd", "\0\ud800"), "\"odd\"")
    })))

  it.effect("keeps an answer as long as it says", () =>
    on(
      Effect.gen(function*() {
        const namespace = freshNamespace()
        yield* answer(namespace, "{}")
        yield* backend.age(namespace, 7_100_000)
        assert.strictEqual(yield* seen(namespace), "{}")
        yield* backend.age(namespace, 110_000)
        assert.strictEqual(yield* seen(namespace, "key-0001", "another body"), "Started")
      }),
      { ttl: "2 hours" }
    ))

  it.effect("frees the key of an attempt that is lost; when it comes back late it changes nothing", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const lost = yield* started(namespace)
      const lostToo = yield* started(namespace, "key-0002")
      yield* backend.age(namespace, backend.lostAfterMillis)
      yield* backend.elsewhere(Effect.andThen(
        answer(namespace, "\"second\""),
        started(namespace, "key-0002")
      ))
      yield* lost.complete("\"first\"")
      yield* lostToo.abandon
      assert.strictEqual(yield* seen(namespace), "\"second\"")
      assert.strictEqual(yield* seen(namespace, "key-0002"), "IdempotencyInFlight")
    })))

  it.effect("lets an answer go that is too long, and frees its key", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* answer(namespace, "x".repeat(4_000_000))
      assert.strictEqual((yield* seen(namespace)).length, 4_000_000)
      yield* answer(namespace, "x".repeat(4_000_001), "key-0002")
      assert.strictEqual(yield* seen(namespace, "key-0002"), "Started")
    })))

  it.effect("lets exactly one of many simultaneous requests start", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      const all = yield* Effect.all(Array.from({ length: 50 }, () => seen(namespace)), { concurrency: "unbounded" })
      assert.lengthOf(all.filter((each) => each === "Started"), 1)
      assert.lengthOf(all.filter((each) => each === "IdempotencyInFlight"), 49)
    })))

  it.effect("lets go of an answer that cannot be read", () =>
    on(Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* answer(namespace, "garbage")
      const begun = yield* begin(namespace)
      assert(begun._tag === "Stored")
      yield* begun.discard
      yield* answer(namespace, "\"better\"")
      yield* begun.discard
      assert.strictEqual(yield* seen(namespace), "\"better\"", "the better one stays")
    })))

  it.effect("erases the answers of a namespace, of every space, and no other's", () =>
    on(Effect.gen(function*() {
      const { erase } = yield* Idempotency
      const [one, other] = [freshNamespace(), freshNamespace()]
      for (let n = 0; n < 120; n++) yield* answer(one, "{}", `key-${n}`)
      yield* answer(other, "{}")
      assert.strictEqual(yield* erase(one), 120)
      assert.strictEqual(yield* seen(one, "key-7"), "Started")
      assert.strictEqual(yield* seen(other), "{}")
      assert.strictEqual(yield* erase(freshNamespace()), 0)
    })))
}
