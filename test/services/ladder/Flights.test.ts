/** Single flight: who asks for the very same at the same time shares one call of the provider. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { type GenerationRequest, Namespace } from "../../../src/domain/Generation.ts"
import { Generator } from "../../../src/services/Generator.ts"
import { answers, aTemplate, fails, makeLadder, request, type Scripted, sends, takes } from "../../support/scripted.ts"

const scenario = (
  scripted: Scripted,
  test: (seen: ReturnType<typeof makeLadder>["seen"]) => Effect.Effect<void, unknown, Generator | Scope.Scope>
) => {
  const { layer, seen } = makeLadder(scripted)
  return Effect.suspend(() => Effect.scoped(test(seen))).pipe(Effect.provide(layer))
}

const generate = (more: Partial<GenerationRequest> = {}) =>
  Generator.use((generator) => generator.generate(request("tea", more)))

const stream = (more: Partial<GenerationRequest> = {}) =>
  Generator.use((generator) => generator.stream(request("tea", more)))

const readText = (parts: Stream.Stream<{ readonly _tag: string; readonly text?: string }, unknown>) =>
  Effect.map(Stream.runCollect(parts), (all) => all.map(({ text = "" }) => text).join(""))

const slow = { script: [takes(1_000)] }

describe("calls for the very same", () => {
  it.effect("share one call of the provider, and its answer", () =>
    scenario(slow, (seen) =>
      Effect.gen(function*() {
        const all = yield* Effect.forkChild(Effect.all([generate(), generate(), generate()], { concurrency: 3 }))
        yield* TestClock.adjust("1 second")
        const [one, two, three] = yield* Fiber.join(all)
        assert.strictEqual(seen.calls, 1)
        assert.strictEqual(one.source, "live")
        assert.deepStrictEqual([two, three], [one, one])
        assert.strictEqual(seen.remembered.length, 1)
      })))

  it.effect("share what stands in for it, too", () =>
    scenario({ script: [takes(1_000, fails)], maxAttempts: 1, template: aTemplate }, (seen) =>
      Effect.gen(function*() {
        const all = yield* Effect.forkChild(Effect.all([generate(), generate()], { concurrency: 2 }))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* Fiber.join(all)).map(({ source }) => source), ["template", "template"])
        assert.strictEqual(seen.calls, 1)
      })))

  it.effect("share the error when there is nothing to show", () =>
    scenario({ script: [takes(1_000, fails)], maxAttempts: 1 }, (seen) =>
      Effect.gen(function*() {
        const all = yield* Effect.forkChild(
          Effect.all([Effect.flip(generate()), Effect.flip(generate())], { concurrency: 2 })
        )
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* Fiber.join(all)).map(({ _tag }) => _tag), [
          "GenerationUnavailable",
          "GenerationUnavailable"
        ])
        assert.strictEqual(seen.calls, 1)
      })))

  it.effect("are new calls once the first one has ended", () =>
    scenario({ script: [answers] }, (seen) =>
      Effect.gen(function*() {
        const [one, two] = [yield* generate(), yield* generate()]
        assert.strictEqual(seen.calls, 2)
        assert.notStrictEqual(one.id, two.id)
      })))

  const others: Record<string, Partial<GenerationRequest>> = {
    "another namespace": { namespace: Namespace.make("other") },
    "another prompt": { prompt: "coffee" },
    "another length": { maxTokens: 7 },
    "another model": { model: "m" },
    "another content type": { contentType: "poem" },
    "another locale": { locale: "de" },
    "another age of a fallback": { maxAgeMillis: 5 },
    "another context": { context: "be brief" },
    "other parameters of a conversation": { chat: { body: { temperature: 1 }, transcript: "tea", isTextOnly: true } }
  }
  for (const [what, other] of Object.entries(others)) {
    it.effect(`are not those with ${what}`, () =>
      scenario(slow, (seen) =>
        Effect.gen(function*() {
          yield* Effect.forkChild(Effect.all([generate(), generate(other)], { concurrency: 2 }))
          yield* TestClock.adjust("100 millis")
          assert.strictEqual(seen.calls, 2)
        })))
  }

  it.effect("are not those that ask for no-store: each gets its own", () =>
    scenario(slow, (seen) =>
      Effect.gen(function*() {
        const own = { remember: false }
        yield* Effect.forkChild(Effect.all([generate(), generate(own), generate(own)], { concurrency: 3 }))
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(seen.calls, 3)
      })))

  it.effect("go on for the others when the first one leaves, and end with the last one", () =>
    scenario(slow, (seen) =>
      Effect.gen(function*() {
        const one = yield* Effect.forkChild(generate())
        const two = yield* Effect.forkChild(generate())
        yield* TestClock.adjust("500 millis")
        yield* Fiber.interrupt(one)
        assert.strictEqual(seen.interrupted, 0)
        yield* TestClock.adjust("500 millis")
        assert.strictEqual((yield* Fiber.join(two)).source, "live")
        assert.strictEqual(seen.calls, 1)

        const both = [yield* Effect.forkChild(generate()), yield* Effect.forkChild(generate())]
        yield* TestClock.adjust("500 millis")
        yield* Fiber.interruptAll(both)
        assert.strictEqual(seen.interrupted, 1)
        assert.strictEqual(seen.running, 0)
      })))

  it.effect("a call that everybody has left is nobody's to join", () =>
    scenario(slow, (seen) =>
      Effect.gen(function*() {
        const one = yield* Effect.forkChild(generate())
        yield* TestClock.adjust("500 millis")
        yield* Fiber.interrupt(one)
        const two = yield* Effect.forkChild(generate())
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(two)).source, "live")
        assert.strictEqual(seen.calls, 2)
      })))
})

describe("streams of the very same", () => {
  const three = [{ text: "All " }, { after: 1_000, text: "about " }, { after: 1_000, text: "tea." }]
  const streaming = { script: [answers], streams: [sends(three)] }

  it.effect("share one call, and who comes late gets all of it", () =>
    scenario(streaming, (seen) =>
      Effect.gen(function*() {
        const one = yield* stream()
        const first = yield* Effect.forkChild(readText(one.parts))
        yield* TestClock.adjust("1500 millis")
        const two = yield* stream()
        const second = yield* Effect.forkChild(readText(two.parts))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second)], [
          "All about tea.",
          "All about tea."
        ])
        assert.strictEqual(seen.calls, 1)
        assert.strictEqual(one.start.id, two.start.id)
      })))

  it.effect("go on for the others when the first reader leaves, and end with the last one", () =>
    scenario({ ...streaming, streams: [sends(three, Effect.never)] }, (seen) =>
      Effect.gen(function*() {
        const [one, two] = [yield* Scope.make(), yield* Scope.make()]
        yield* Scope.provide(stream(), one)
        const { parts } = yield* Scope.provide(stream(), two)
        yield* Scope.close(one, Exit.void)
        assert.strictEqual(seen.interrupted, 0)
        const reader = yield* Effect.forkChild(Stream.runCollect(Stream.take(parts, 3)))
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* Fiber.join(reader)).length, 3)
        yield* Scope.close(two, Exit.void)
        assert.deepStrictEqual([seen.interrupted, seen.running, seen.calls], [1, 0, 1])
      })))

  it.effect("are not shared with those who ask for no-store, nor with who wants the whole at once", () =>
    scenario({ ...streaming, script: [takes(1_000)] }, (seen) =>
      Effect.gen(function*() {
        yield* stream()
        yield* stream({ remember: false })
        yield* Effect.forkChild(generate())
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(seen.calls, 3)
      })))
})
