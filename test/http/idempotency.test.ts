/** What handlers wrap around a generation, on the virtual clock. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Logger, Scope, Stream } from "effect"
import { AiTimeout, StreamBroken } from "../../src/domain/errors.ts"
import { defaultNamespace, type Generation, GenerationId, type StreamPart } from "../../src/domain/Generation.ts"
import { makeIdempotent } from "../../src/http/handlers/answers/idempotency.ts"
import type { GenerationStream } from "../../src/services/Generator.ts"
import { Idempotency } from "../../src/services/Idempotency.ts"

const claim = { namespace: defaultNamespace, key: "key-0001", fingerprint: "body" }
const id = GenerationId.make("gen_1")
const generation: Generation = {
  source: "live",
  id,
  text: "one two",
  attempts: 1,
  provider: "p",
  model: "m",
  usage: undefined,
  isRemembered: true,
  finishReason: "stop"
}
const start = { source: "live", id, attempts: 1, provider: "p", model: "m" } as const
const deltas: ReadonlyArray<StreamPart> = [{ _tag: "Delta", text: "one " }, { _tag: "Delta", text: "two" }]
const end: StreamPart = { _tag: "End", generation }
const broken = new StreamBroken({
  cause: new AiTimeout({ provider: "p", after: Duration.seconds(1), shortened: false })
})

/** A generator of streams, and how often it was asked. */
const counted = (parts: GenerationStream["parts"]) => {
  const seen = { calls: 0 }
  const stream: Effect.Effect<GenerationStream> = Effect.sync(() => {
    seen.calls += 1
    return { start, parts }
  })
  return { seen, stream }
}
const whole = Stream.rechunk(Stream.fromIterable([...deltas, end]), 1)

const test = <E>(name: string, run: Effect.Effect<void, E, Idempotency>) =>
  it.effect(name, () => Effect.provide(run, Idempotency.layerMemory()))

/** Reads a stream to its end. */
const read = Effect.fnUntraced(function*(stream: Effect.Effect<GenerationStream>) {
  const { streamed } = yield* makeIdempotent
  const { answer, isReplay } = yield* streamed(claim, stream)
  return { isReplay, start: answer.start, parts: yield* Stream.runCollect(answer.parts) }
}, Effect.scoped)

const isFree = Effect.gen(function*() {
  const keys = yield* Idempotency
  const begun = yield* Effect.option(keys.begin({ ...claim, fingerprint: "another body" }))
  if (begun._tag === "Some" && begun.value._tag === "Started") yield* begun.value.abandon
  return begun._tag === "Some"
})

describe("an answer in one piece", () => {
  test(
    "without a claim is as it is, every time",
    Effect.gen(function*() {
      const { answered } = yield* makeIdempotent
      let calls = 0
      const asked = Effect.sync(() => (calls++, generation))
      for (let n = 0; n < 2; n++) {
        assert.deepStrictEqual(yield* answered(undefined, asked), { answer: generation, isReplay: false })
      }
      assert.strictEqual(calls, 2)
    })
  )

  test(
    "is given again, and marked",
    Effect.gen(function*() {
      const { answered } = yield* makeIdempotent
      yield* answered(claim, Effect.succeed(generation))
      const again = yield* answered(claim, Effect.die("nobody is asked"))
      assert.isTrue(again.isReplay)
      assert.deepEqual(JSON.parse(JSON.stringify(again.answer)), JSON.parse(JSON.stringify(generation)))
    })
  )

  test(
    "frees its key when it fails, dies or is interrupted",
    Effect.gen(function*() {
      const { answered } = yield* makeIdempotent
      for (const effect of [Effect.fail(broken), Effect.die("bug"), Effect.interrupt]) {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(answered(claim, effect))))
        assert.isTrue(yield* isFree)
      }
      const asking = yield* Effect.forkChild(answered(claim, Effect.never), { startImmediately: true })
      yield* Effect.yieldNow
      yield* Fiber.interrupt(asking)
      assert.isTrue(yield* isFree)
    })
  )

  it.effect("is asked for again when what was kept cannot be read, with a warning", () => {
    const lines: Array<string> = []
    return Effect.gen(function*() {
      const keys = yield* Idempotency
      const begun = yield* keys.begin(claim)
      assert(begun._tag === "Started")
      yield* begun.complete("{\"of\":\"another release\"}")
      const { answered } = yield* makeIdempotent
      assert.isFalse((yield* answered(claim, Effect.succeed(generation))).isReplay)
      assert.isTrue((yield* answered(claim, Effect.succeed(generation))).isReplay)
      assert.lengthOf(lines.filter((line) => line.includes("cannot be read")), 1)
    }).pipe(Effect.provide([
      Idempotency.layerMemory(),
      Logger.layer([Logger.map(Logger.formatLogFmt, (line) => void lines.push(line))])
    ]))
  })
})

describe("a stream", () => {
  test(
    "is given again from its start to its end, with its texts in one piece",
    Effect.gen(function*() {
      const { seen, stream } = counted(whole)
      const first = yield* read(stream)
      assert.deepStrictEqual(first, { isReplay: false, start, parts: [...deltas, end] })
      const again = yield* read(stream)
      assert.isTrue(again.isReplay)
      assert.deepStrictEqual(again.start, start)
      assert.deepEqual(again.parts.map((part) => part._tag === "Delta" ? part.text : part.generation.text), [
        "one two",
        "one two"
      ])
      assert.strictEqual(seen.calls, 1)
    })
  )

  test(
    "is kept as soon as its end has passed, whatever becomes of its reader",
    Effect.gen(function*() {
      const { streamed } = yield* makeIdempotent
      const scope = yield* Scope.make()
      const { answer } = yield* Scope.provide(streamed(claim, counted(whole).stream), scope)
      yield* Stream.runDrain(Stream.take(answer.parts, 3))
      assert.isTrue((yield* read(Effect.die("nobody is asked"))).isReplay)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue((yield* read(Effect.die("nobody is asked"))).isReplay)
    })
  )

  test(
    "frees its key when it does not begin, and when it breaks off",
    Effect.gen(function*() {
      const { streamed } = yield* makeIdempotent
      const scope = yield* Scope.make()
      const inScope = Scope.provide(scope)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(inScope(streamed(claim, Effect.fail(broken))))))
      assert.isTrue(yield* isFree, "before the scope closes")
      const cut = Stream.concat(Stream.fromIterable(deltas), Stream.fail(broken))
      const { answer } = yield* inScope(streamed(claim, counted(cut).stream))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Stream.runDrain(answer.parts))))
      assert.isTrue(yield* isFree, "before the scope closes")
      assert.isFalse((yield* read(counted(whole).stream)).isReplay)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue((yield* read(counted(whole).stream)).isReplay, "the first one's end changes nothing")
    })
  )

  test(
    "holds its key until its scope closes, when nobody reads it to its end",
    Effect.gen(function*() {
      const { streamed } = yield* makeIdempotent
      const scope = yield* Scope.make()
      const { answer } = yield* Scope.provide(streamed(claim, counted(whole).stream), scope)
      yield* Stream.runDrain(Stream.take(answer.parts, 1))
      assert.strictEqual((yield* Effect.flip(read(counted(whole).stream)))._tag, "IdempotencyInFlight")
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(yield* isFree)
    })
  )

  test(
    "frees its key when its reader is interrupted in the middle",
    Effect.gen(function*() {
      const reached = yield* Deferred.make<void>()
      const stuck = Stream.concat(
        Stream.fromIterable(deltas),
        Stream.fromEffect(Effect.andThen(Deferred.succeed(reached, undefined), Effect.never))
      )
      const reader = yield* Effect.forkChild(read(counted(stuck).stream))
      yield* Deferred.await(reached)
      assert.isFalse(yield* isFree)
      yield* Fiber.interrupt(reader)
      assert.isTrue(yield* isFree)
    })
  )

  test(
    "that others read as well is kept once",
    Effect.gen(function*() {
      const { streamed } = yield* makeIdempotent
      yield* Effect.scoped(Effect.gen(function*() {
        const { answer } = yield* streamed(claim, counted(whole).stream)
        yield* Effect.all([Stream.runDrain(answer.parts), Stream.runDrain(answer.parts)], { concurrency: 2 })
      }))
      assert.lengthOf((yield* read(counted(whole).stream)).parts, 2)
    })
  )

  test(
    "is no answer in one piece: what was kept of the one is not given for the other",
    Effect.gen(function*() {
      const { answered } = yield* makeIdempotent
      yield* answered(claim, Effect.succeed(generation))
      assert.isFalse((yield* read(counted(whole).stream)).isReplay)
    })
  )
})
