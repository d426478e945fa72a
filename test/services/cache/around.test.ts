import { assert, describe, it } from "@effect/vitest"
import { Cause, Data, Deferred, Effect, Exit, Fiber, Layer } from "effect"
import { expectTypeOf } from "vitest"
import { StoreUnavailable } from "../../../src/domain/errors.ts"
import { defaultNamespace, GenerationId, Namespace } from "../../../src/domain/Generation.ts"
import { layerMemory } from "../../../src/services/cache/FallbackCacheMemory.ts"
import { Embedder } from "../../../src/services/Embedder.ts"
import { type CachedText, FallbackCache, type LiveText } from "../../../src/services/FallbackCache.ts"

class Down extends Data.TaggedError("Down") {}
class Refused extends Data.TaggedError("Refused") {}

const withCache = Effect.provide(Layer.provide(layerMemory(), Embedder.layerLocal))
const prompt = "Write a blog post about sourdough starters"
const alike = "Could you draft an article on sourdough starters, please?"
const written = { text: "Feed it daily.", model: "m-1", tone: "dry" }
const of = (prompt: string) => ({ namespace: defaultNamespace, prompt })

type Failure = Down | Refused
const failing = (error: Failure): Effect.Effect<typeof written, Failure> => Effect.fail(error)
const down = failing(new Down())

/** Once this has run, what was remembered before can be found. */
const stored = FallbackCache.use(({ forget }) => forget(defaultNamespace, GenerationId.make("none")))

describe("the cache around a generator", () => {
  it.live("passes a success on with its source, and gives it for a similar wish when the generator fails", () =>
    Effect.gen(function*() {
      const live = yield* FallbackCache.around(of(prompt))(Effect.succeed(written))
      assert.deepInclude(live, { source: "live", ...written })
      yield* stored
      const cached = yield* FallbackCache.around<Failure>(of(alike))(down)
      assert.deepInclude(cached, { source: "cache", id: live.id, text: written.text, match: "similar" })
      assert.strictEqual(cached.source === "cache" ? cached.error._tag : undefined, "Down")
    }).pipe(withCache))

  it.live("leaves a failure as it is where there is nothing to show, or where nothing may stand in", () =>
    Effect.gen(function*() {
      const around = FallbackCache.around<Failure>(of(prompt), (error) => error._tag === "Down")
      assert.strictEqual((yield* Effect.flip(around(down)))._tag, "Down")
      yield* around(Effect.succeed(written))
      yield* stored
      assert.strictEqual((yield* around(down)).source, "cache")
      assert.strictEqual((yield* Effect.flip(around(failing(new Refused()))))._tag, "Refused")
      const others = FallbackCache.around<Failure>({ namespace: Namespace.make("others"), prompt })
      assert.strictEqual((yield* Effect.flip(others(down)))._tag, "Down")
    }).pipe(withCache))

  it.live("remembers no text that is cut", () =>
    Effect.gen(function*() {
      const around = FallbackCache.around<Failure>(of(prompt))
      yield* around(Effect.succeed({ ...written, isComplete: false }))
      yield* stored
      assert.strictEqual((yield* Effect.flip(around(down)))._tag, "Down")
    }).pipe(withCache))

  it.live("takes neither a defect nor an interruption for a failure", () =>
    Effect.gen(function*() {
      const around = FallbackCache.around(of(prompt))
      yield* around(Effect.succeed(written))
      yield* stored
      const died = yield* Effect.exit(around(Effect.die("a bug")))
      assert.isTrue(Exit.isFailure(died) && Cause.hasDies(died.cause))
      const begun = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(around(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      const left = yield* Fiber.await(fiber)
      assert.isTrue(Exit.isFailure(left) && Cause.hasInterruptsOnly(left.cause))
    }).pipe(withCache))

  it.effect("leaves the failure when the store does not answer", () =>
    Effect.gen(function*() {
      const cache = yield* FallbackCache
      const unavailable = Effect.fail(new StoreUnavailable({ operation: "find", cause: new Error("gone") }))
      const failure = yield* FallbackCache.around<Failure>(of(prompt))(down).pipe(
        Effect.provideService(FallbackCache, { ...cache, find: () => unavailable }),
        Effect.flip
      )
      assert.strictEqual(failure._tag, "Down")
    }).pipe(withCache))

  it("shows in the type what was given", () => {
    const both = FallbackCache.around<Failure>(of(prompt))(down)
    expectTypeOf(both).toEqualTypeOf<
      Effect.Effect<LiveText<typeof written> | CachedText<Failure>, Failure, FallbackCache>
    >()
  })
})
