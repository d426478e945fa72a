/** What is written down of each call, on the virtual clock, and that the call does not notice. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { AiAnswer, AiPart, AiRequest } from "../../../src/domain/Ai.ts"
import type { Chat } from "../../../src/domain/Chat.ts"
import {
  type AiError,
  AiMalformed,
  AiRateLimited,
  AiRejected,
  AiTimeout,
  AiUnauthorized,
  AiUnavailable
} from "../../../src/domain/errors.ts"
import type { TraceLine } from "../../../src/domain/Trace.ts"
import { inOnePiece } from "../../../src/services/ai/inOnePiece.ts"
import { recorded } from "../../../src/services/ai/recorded.ts"
import type { AiClient } from "../../../src/services/AiClient.ts"
import { answers, fails, failsWith, hangs, sends, takes } from "../../support/scripted.ts"

type Client = AiClient["Service"]

const provider = "p"
const patience = { attemptMillis: 30_000, firstPieceMillis: 10_000, stallMillis: 20_000 }
const aRequest: AiRequest = { prompt: "a secret prompt", maxTokens: 10 }

/** A recorded client, and the lines so far. */
const record = (does: Partial<Client>) => {
  const lines: Array<TraceLine> = []
  const generate = does.generate ?? answers
  const client = recorded(
    { provider, generate, stream: does.stream ?? inOnePiece(generate), ...does },
    { record: (line) => Effect.sync(() => void lines.push(line)) },
    patience
  )
  return { client, lines }
}

/** Runs it while time goes by, at most as long as given: then its asker goes away. */
const within = <A, E>(effect: Effect.Effect<A, E>, millis = 60_000) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect)
    yield* TestClock.adjust(millis)
    yield* Fiber.interrupt(fiber)
    return yield* Fiber.await(fiber)
  })

const errors: ReadonlyArray<readonly [AiError, Partial<TraceLine>]> = [
  [new AiTimeout({ provider, after: Duration.seconds(1), shortened: false }), { outcome: "timeout" }],
  [new AiRateLimited({ provider }), { outcome: "rate_limited" }],
  [new AiRateLimited({ provider, retryAfter: Duration.seconds(2) }), {
    outcome: "rate_limited",
    retry_after_ms: 2_000
  }],
  [new AiUnavailable({ provider, status: 503, detail: "a secret", retryAfter: Duration.millis(1.4) }), {
    outcome: "unavailable",
    retry_after_ms: 1
  }],
  [new AiMalformed({ provider, detail: "a secret" }), { outcome: "malformed" }],
  [new AiUnauthorized({ provider, status: 401 }), { outcome: "unauthorized" }],
  [new AiRejected({ provider, status: 422, message: "a secret" }), { outcome: "rejected" }]
]

describe("a call for a whole answer", () => {
  it.effect("is written down with its time and its answer's, and with nothing of its words", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust(5_000)
      const { client, lines } = record({ generate: takes(812) })
      const exit = yield* within(client.generate(aRequest))
      assert(Exit.isSuccess(exit))
      assert.strictEqual(exit.value.text, "answer to a secret prompt")
      assert.deepStrictEqual(lines, [{ at: 5_000, provider, latency_ms: 812, outcome: "answer" }])
    }))

  it.effect("that fails is written down by kind, and fails as it did", () =>
    Effect.gen(function*() {
      for (const [error, expected] of errors) {
        const { client, lines } = record({ generate: takes(40, failsWith(error)) })
        const fiber = yield* Effect.forkChild(Effect.flip(client.generate(aRequest)))
        yield* TestClock.adjust(40)
        assert.strictEqual(yield* Fiber.join(fiber), error)
        assert.deepInclude(lines[0], { provider, latency_ms: 40, ...expected })
        assert.notInclude(JSON.stringify(lines), "secret")
      }
    }))

  it.effect("that hangs until the ladder's limit, or nearly, is a timeout", () =>
    Effect.gen(function*() {
      for (const millis of [30_000, 28_000]) {
        const { client, lines } = record({ generate: hangs })
        yield* within(Effect.timeoutOption(client.generate(aRequest), millis))
        assert.deepInclude(lines[0], { outcome: "timeout", latency_ms: millis })
      }
    }))

  it.effect("whose asker goes away before says nothing", () =>
    Effect.gen(function*() {
      const { client, lines } = record({ generate: hangs })
      assert.isTrue(Exit.hasInterrupts(yield* within(client.generate(aRequest), 3_000)))
      assert.deepInclude(lines[0], { outcome: "canceled", latency_ms: 3_000 })
      assert.lengthOf(lines, 1)
    }))

  it.effect("that dies of a bug says nothing, and dies as it did", () =>
    Effect.gen(function*() {
      const { client, lines } = record({ generate: () => Effect.die("bug") })
      assert.isTrue(Exit.hasDies(yield* within(client.generate(aRequest))))
      assert.deepInclude(lines[0], { outcome: "canceled" })
    }))

  it.effect("that the client does not put to its provider is none", () =>
    Effect.gen(function*() {
      const chat: Chat = { body: {}, transcript: "", isTextOnly: false }
      const { client, lines } = record({ generate: fails, takesTextOnly: true })
      yield* Effect.flip(client.generate({ ...aRequest, chat }))
      yield* Effect.flip(Stream.runDrain(client.stream({ ...aRequest, chat })))
      assert.deepStrictEqual(lines, [])
      assert.isTrue(client.takesTextOnly)
    }))
})

describe("a stream", () => {
  const read = (stream: Client["stream"], millis?: number) =>
    Effect.gen(function*() {
      const { client, lines } = record({ stream })
      const parts: Array<AiPart> = []
      const exit = yield* within(
        Stream.runForEach(client.stream(aRequest), (part) => Effect.sync(() => void parts.push(part))),
        millis
      )
      assert.lengthOf(lines, 1)
      return { line: lines[0], parts, exit }
    })

  it.effect("is written down to its end, with the time of its first piece", () =>
    Effect.gen(function*() {
      const pieces = [{ text: " ", after: 50 }, { text: "a", after: 50 }, { text: "b", after: 400 }]
      const { exit, line, parts } = yield* read(sends(pieces))
      assert.deepStrictEqual(line, { at: 0, provider, latency_ms: 500, outcome: "answer", first_ms: 100 })
      assert.isTrue(Exit.isSuccess(exit))
      assert.lengthOf(parts, 5)
    }))

  it.effect("that fails, before or after its first piece, is written down by kind", () =>
    Effect.gen(function*() {
      for (const [error, expected] of errors) {
        const before = yield* read(() => Stream.fromEffect(Effect.delay(Effect.fail(error), 70)))
        assert.deepInclude(before.line, { latency_ms: 70, ...expected })
        assert.notProperty(before.line, "first_ms")
        const after = yield* read(sends([{ text: "a", after: 10 }], Effect.delay(Effect.fail(error), 60)))
        assert.deepInclude(after.line, { latency_ms: 70, first_ms: 10, ...expected })
        assert.deepStrictEqual(after.exit, Exit.fail(error))
      }
    }))

  it.effect("that ends without an answer is a malformed one", () =>
    Effect.gen(function*() {
      const { line } = yield* read(() => Stream.make<[AiPart]>({ _tag: "Delta", text: "a" }))
      assert.deepInclude(line, { outcome: "malformed", first_ms: 0 })
    }))

  it.effect("that is left by its reader says nothing", () =>
    Effect.gen(function*() {
      const { client, lines } = record({ stream: sends([{ text: "a", after: 10 }, { text: "b", after: 10 }]) })
      yield* within(Stream.runDrain(Stream.take(client.stream(aRequest), 2)))
      assert.deepStrictEqual(lines, [{ at: 0, provider, latency_ms: 10, outcome: "canceled", first_ms: 10 }])
      const { line } = yield* read(sends([{ text: "a", after: 10 }], Effect.never), 5_000)
      assert.deepInclude(line, { outcome: "canceled", latency_ms: 5_000 })
    }))

  it.effect("that is left after its end is an answer", () =>
    Effect.gen(function*() {
      const answer: AiAnswer = { text: "a", model: "m", usage: undefined, isComplete: true }
      const { line } = yield* read(() =>
        Stream.concat(Stream.make<[AiPart]>({ _tag: "End", answer }), Stream.fromEffect(Effect.never))
      )
      assert.deepInclude(line, { outcome: "answer", latency_ms: 0, first_ms: 0 })
    }))

  it.effect("is a timeout when it is silent to the limit, before its first piece and after it", () =>
    Effect.gen(function*() {
      const before = yield* read(() => Stream.fromEffect(Effect.never), 10_000)
      assert.deepInclude(before.line, { outcome: "timeout", latency_ms: 10_000 })
      const after = yield* read(sends([{ text: "a", after: 9_000 }], Effect.never), 29_000)
      assert.deepInclude(after.line, { outcome: "timeout", latency_ms: 29_000, first_ms: 9_000 })
    }))

  it.effect("does not answer for a reader that is slow", () =>
    Effect.gen(function*() {
      const { client, lines } = record({ stream: sends([{ text: "a", after: 10 }]) })
      yield* within(Stream.runForEach(client.stream(aRequest), () => Effect.sleep("1 hour")))
      assert.deepInclude(lines[0], { outcome: "canceled", latency_ms: 60_000 })
    }))
})
