/** Answers in pieces: as any other up to the first piece, and nothing but the truth after it. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Duration, Effect, Exit, Fiber, Option, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { AiMalformed, AiRejected, AiTimeout, AiUnavailable, StreamBroken } from "../../../src/domain/errors.ts"
import type { StreamPart } from "../../../src/domain/Generation.ts"
import { CircuitBreaker } from "../../../src/services/CircuitBreaker.ts"
import { type GenerationStream, Generator } from "../../../src/services/Generator.ts"
import { RateLimiter } from "../../../src/services/RateLimiter.ts"
import {
  aTemplate,
  fails,
  finds,
  makeLadder,
  type Piece,
  provider,
  request,
  type Scripted,
  secondProvider,
  sends
} from "../../support/scripted.ts"

type Ladder = Generator | CircuitBreaker | RateLimiter
type Seen = ReturnType<typeof makeLadder>["seen"]

const scenario = (
  scripted: Omit<Scripted, "script">,
  test: (seen: Seen) => Effect.Effect<void, unknown, Ladder | Scope.Scope>
) => {
  const { layer, seen } = makeLadder({ script: [fails], ...scripted })
  return Effect.suspend(() => Effect.scoped(test(seen))).pipe(Effect.provide(layer))
}

const stream = (prompt: string, more = {}) => Generator.use((generator) => generator.stream(request(prompt, more)))
const circuit = Effect.map(CircuitBreaker.use((breaker) => breaker.state(provider)), ({ _tag }) => _tag)
const running = Effect.map(RateLimiter.use((limiter) => limiter.load(provider)), ({ running }) => running)

const textOf = (parts: ReadonlyArray<StreamPart>) =>
  parts.map((part) => part._tag === "Delta" ? part.text : "").join("")

/** Everything up to the end or the break. */
const readAll = ({ parts }: GenerationStream) => {
  const read: Array<StreamPart> = []
  return Effect.map(
    Effect.exit(Stream.runForEach(parts, (part) => Effect.sync(() => void read.push(part)))),
    (exit) => ({ read, text: textOf(read), exit })
  )
}

/** Runs to its end, however long it waits. */
const patiently = Effect.fnUntraced(function*<A, E, R>(call: Effect.Effect<A, E, R>, seconds = 70) {
  const fiber = yield* Effect.forkChild(call)
  yield* Effect.repeat(TestClock.adjust("1 second"), { times: seconds - 1 })
  return yield* Fiber.join(fiber)
})

/** The stream from its first piece to its end. */
const answered = (prompt: string, seconds?: number, more = {}) =>
  patiently(
    Effect.flatMap(stream(prompt, more), (answer) =>
      Effect.map(readAll(answer), (end) => ({ ...end, start: answer.start }))),
    seconds
  )

const words: ReadonlyArray<Piece> = [{ text: "All " }, { after: 1_000, text: "about " }, { after: 1_000, text: "tea." }]
const cut = Effect.fail(new AiMalformed({ provider, detail: "cut" }))
const brokenBy = (exit: Exit.Exit<void, StreamBroken>, tag: StreamBroken["cause"]["_tag"]) =>
  assert.strictEqual(
    Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause).pipe(Option.getOrUndefined)?.cause._tag : "none",
    tag
  )

describe("a stream", () => {
  it.effect("comes piece by piece, ends with the whole answer, and is remembered", () =>
    scenario({ streams: [sends(words)] }, (seen) =>
      Effect.gen(function*() {
        const answer = yield* stream("tea")
        assert.deepInclude(answer.start, { source: "live", provider, model: "m-1", attempts: 1 })
        const arrived: Array<string> = []
        const reader = yield* Effect.forkChild(
          Stream.runForEach(answer.parts, (part) => Effect.sync(() => void arrived.push(textOf([part]))))
        )
        yield* TestClock.adjust("1 second")
        assert.strictEqual(arrived.join(""), "All about ")
        assert.deepStrictEqual(seen.remembered, [], "nothing is remembered before its end")
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(reader)
        assert.strictEqual(arrived.join(""), "All about tea.")
        assert.deepInclude(seen.remembered[0], { id: answer.start.id, prompt: "tea", text: "All about tea." })
        const { read } = yield* readAll(answer)
        const end = read.at(-1)
        assert.strictEqual(end?._tag, "End")
        if (end?._tag !== "End") return
        assert.deepInclude(end.generation, { id: answer.start.id, text: "All about tea.", isRemembered: true })
      })))

  it.effect("is not remembered when its user says so", () =>
    scenario({ streams: [sends(words)] }, (seen) =>
      Effect.gen(function*() {
        const { text } = yield* answered("tea", 5, { remember: false })
        assert.strictEqual(text, "All about tea.")
        assert.deepStrictEqual(seen.remembered, [])
      })))

  it.effect("may take longer than any deadline once it has begun", () =>
    scenario(
      { streams: [sends(Array.from({ length: 40 }, () => ({ after: 15_000, text: "word " })))] },
      (seen) =>
        Effect.gen(function*() {
          const { exit, text } = yield* answered("tea", 620)
          assert.isTrue(Exit.isSuccess(exit))
          assert.strictEqual(text.length, 200)
          assert.strictEqual(seen.calls, 1)
        })
    ))

  it.effect("is no slow call for being long: the circuit counts the time to the first piece", () =>
    scenario({
      streams: [sends([{ text: "a" }, { after: 15_000, text: "b" }]), sends([{ after: 15_000, text: "late" }])],
      breaker: { policy: { _tag: "Slow", slowerThan: "5 seconds", share: 0.6, minimumCalls: 1, window: "10 seconds" } }
    }, () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* answered("tea", 20)).text, "ab")
        assert.strictEqual(yield* circuit, "Closed")
        assert.strictEqual((yield* answered("tea", 20)).text, "late")
        assert.strictEqual(yield* circuit, "Open")
      })))

  it.effect("holds its permit until its end", () =>
    scenario({ streams: [sends(words)] }, () =>
      Effect.gen(function*() {
        const answer = yield* stream("tea")
        assert.strictEqual(yield* running, 1)
        yield* patiently(readAll(answer), 5)
        assert.strictEqual(yield* running, 0)
      })))
})

describe("before its first piece", () => {
  const down: Scripted["streams"] = [() => Stream.fail(new AiUnavailable({ provider, status: 503, detail: "503" }))]

  it.effect("a failure is retried", () =>
    scenario({ streams: [...down, sends(words)] }, (seen) =>
      Effect.gen(function*() {
        const { start, text } = yield* answered("tea", 10)
        assert.deepInclude(start, { source: "live", attempts: 2 })
        assert.strictEqual(text, "All about tea.")
        assert.strictEqual(seen.calls, 2)
      })))

  it.effect("a stream that has only said who speaks can still be retried", () =>
    scenario({ streams: [sends([{ text: "" }], cut), sends(words)] }, () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* answered("tea", 10)).text, "All about tea.")
      })))

  it.effect("white space is not shown before there is a word, and then not lost", () =>
    scenario(
      {
        streams: [
          sends([{ text: "\n" }, { text: " " }], cut),
          sends([{ text: "\n" }, { after: 5_000, text: " " }, { after: 5_000, text: "tea" }])
        ]
      },
      (seen) =>
        Effect.gen(function*() {
          const { exit, start, text } = yield* answered("tea", 30)
          assert.isTrue(Exit.isSuccess(exit))
          assert.deepInclude(start, { source: "live", attempts: 2 })
          assert.strictEqual(text, "\n tea")
          assert.strictEqual(seen.calls, 2)
        })
    ))

  it.effect("another provider can be asked", () =>
    scenario({
      streams: down,
      second: [() => Effect.succeed({ text: "Two", model: "m-2", usage: undefined, isComplete: true })]
    }, () =>
      Effect.gen(function*() {
        const { start, text } = yield* answered("tea", 10)
        assert.deepInclude(start, { source: "live", provider: secondProvider, model: "m-2" })
        assert.strictEqual(text, "Two")
      })))

  it.effect("the fallback can take its place, in the same form", () =>
    scenario({ streams: down, find: finds({ text: "An earlier one" }) }, (seen) =>
      Effect.gen(function*() {
        const { read, start, text } = yield* answered("tea", 10)
        assert.deepInclude(start, { source: "cache", reason: "unavailable", attempts: 2 })
        assert.strictEqual(text, "An earlier one")
        assert.strictEqual(read.at(-1)?._tag, "End")
        assert.deepStrictEqual(seen.remembered, [])
      })))

  it.effect("a template comes when the cache has nothing, and with an open circuit nobody is asked", () =>
    scenario({ streams: down, template: aTemplate, breaker: { failures: 1 } }, (seen) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* answered("tea", 10)).start.source, "template")
        const { start, text } = yield* answered("tea", 1)
        assert.deepInclude(start, { source: "template", reason: "circuit_open", attempts: 0 })
        assert.strictEqual(text, aTemplate.text)
        assert.strictEqual(seen.calls, 2)
      })))

  it.effect("there is an error as for any other call when there is nothing to show", () =>
    scenario({ streams: down }, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(patiently(stream("tea"), 10))
        assert.strictEqual(error._tag, "GenerationUnavailable")
      })))

  it.effect("a refusal of the request is passed on, and nothing stands in for it", () =>
    scenario({
      streams: [() => Stream.fail(new AiRejected({ provider, status: 400, message: "no" }))],
      template: aTemplate
    }, (seen) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* Effect.flip(stream("tea")))._tag, "AiRejected")
        assert.strictEqual(seen.calls, 1)
      })))

  it.effect("silence is a timeout of the first piece, with a retry and the fallback", () =>
    scenario({
      streams: [sends([{ after: 3_600_000, text: "late" }])],
      firstTokenTimeout: "5 seconds",
      template: aTemplate
    }, (seen) =>
      Effect.gen(function*() {
        const { start } = yield* answered("tea", 15)
        assert.deepInclude(start, { source: "template", reason: "timeout", attempts: 2 })
        assert.strictEqual(seen.interrupted, 2)
        assert.strictEqual(yield* running, 0)
      })))

  it.effect("signs of life are no first piece", () =>
    scenario({
      streams: [sends(Array.from({ length: 60 }, () => ({ after: 1_000, text: "" })))],
      firstTokenTimeout: "5 seconds",
      maxAttempts: 1,
      template: aTemplate
    }, () =>
      Effect.gen(function*() {
        assert.deepInclude((yield* answered("tea", 10)).start, { source: "template", reason: "timeout" })
      })))

  it.effect("the whole deadline bounds it: nobody waits longer for it than for any answer", () =>
    scenario({
      streams: [sends([{ after: 3_600_000, text: "late" }])],
      attemptTimeout: "50 seconds",
      totalTimeout: "60 seconds",
      template: aTemplate
    }, () =>
      Effect.gen(function*() {
        assert.deepInclude((yield* answered("tea", 61)).start, { source: "template", reason: "timeout" })
      })))
})

describe("after its first piece", () => {
  const first: ReadonlyArray<Piece> = [{ text: "All " }, { after: 1_000, text: "about " }]

  for (
    const [what, streams, tag] of [
      ["a cut", [sends(first, cut)], "AiMalformed"],
      ["a stall", [sends(first, Effect.never)], "AiTimeout"]
    ] as const
  ) {
    it.effect(`${what} is an error and no fallback: one attempt, counted by the circuit, never remembered`, () =>
      scenario(
        { streams, template: aTemplate, find: finds(), breaker: { failures: 1 }, stallTimeout: "8 seconds" },
        (seen) =>
          Effect.gen(function*() {
            const { exit, start, text } = yield* answered("tea", 30)
            assert.strictEqual(start.source, "live")
            assert.strictEqual(text, "All about ")
            brokenBy(exit, tag)
            assert.strictEqual(seen.calls, 1)
            assert.strictEqual(seen.running, 0)
            assert.deepStrictEqual(seen.remembered, [])
            assert.strictEqual(yield* circuit, "Open")
            assert.strictEqual(yield* running, 0)
          })
      ))
  }

  it.effect("a stall is told when its time is over, however long the first piece might have taken", () =>
    scenario(
      { streams: [sends([{ after: 3_000, text: "All " }], Effect.never)], stallTimeout: "8 seconds" },
      () =>
        Effect.gen(function*() {
          const begun = yield* Clock.currentTimeMillis
          const end = Effect.flatMap(stream("tea"), readAll)
          const [{ exit }, at] = yield* patiently(Effect.all([end, Clock.currentTimeMillis]), 50)
          brokenBy(exit, "AiTimeout")
          assert.strictEqual(at - begun, 3_000 + 8_000)
        })
    ))

  it.effect("each piece has its own time", () =>
    scenario({
      streams: [sends([{ text: "a" }, { after: 7_000, text: "b" }, { after: 7_000, text: "c" }])],
      stallTimeout: "8 seconds"
    }, () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* answered("tea", 20)).text, "abc")
      })))

  it.effect("a client that dies is an error that says so", () =>
    scenario({ streams: [sends(first, Effect.die(new Error("a bug")))] }, () =>
      Effect.gen(function*() {
        brokenBy((yield* answered("tea", 5)).exit, "AiUnavailable")
      })))

  it.effect("a reader that leaves ends the provider's call, which says nothing of the provider", () =>
    scenario({ streams: [sends(first, Effect.never)], breaker: { failures: 1 } }, (seen) =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.flatMap(stream("tea"), ({ parts }) => Stream.runHead(parts)))
        assert.deepStrictEqual([seen.interrupted, seen.running, yield* running], [1, 0, 0])
        assert.strictEqual(yield* circuit, "Closed")
        assert.deepStrictEqual(seen.remembered, [])
      })))
})

describe("a stream that is the probe of a circuit", () => {
  const probed = (probe: NonNullable<Scripted["streams"]>[number]): Omit<Scripted, "script"> => ({
    streams: [
      () => Stream.fail(new AiUnavailable({ provider, status: 503, detail: "503" })),
      probe,
      sends([{ text: "ab" }])
    ],
    maxAttempts: 1,
    breaker: { failures: 1 },
    template: aTemplate
  })
  const opened = Effect.gen(function*() {
    assert.strictEqual((yield* answered("tea", 1)).start.source, "template")
    assert.strictEqual(yield* circuit, "Open")
    yield* TestClock.adjust("30 seconds")
  })

  it.effect("has shown with its first piece what it was to show: nobody waits for its end", () =>
    scenario(probed(sends([{ text: "a" }, { after: 15_000, text: "b" }])), () =>
      Effect.gen(function*() {
        yield* opened
        const probe = yield* stream("coffee")
        assert.strictEqual(yield* circuit, "Closed")
        assert.deepInclude((yield* answered("cake", 1)).start, { source: "live" })
        assert.strictEqual((yield* patiently(readAll(probe), 20)).text, "ab")
        assert.strictEqual(yield* circuit, "Closed")
      })))

  it.effect("counts as a failure like any other when it breaks off after that", () =>
    scenario(probed(sends([{ text: "a" }, { after: 1_000, text: "b" }], cut)), () =>
      Effect.gen(function*() {
        yield* opened
        const probe = yield* stream("coffee")
        assert.strictEqual(yield* circuit, "Closed")
        brokenBy((yield* patiently(readAll(probe), 5)).exit, "AiMalformed")
        assert.strictEqual(yield* circuit, "Open")
      })))

  it.effect("has shown nothing when its reader leaves before that", () =>
    scenario(probed(sends([{ after: 15_000, text: "a" }])), () =>
      Effect.gen(function*() {
        yield* opened
        const waiting = yield* Effect.forkChild(Effect.scoped(stream("coffee")))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* circuit, "HalfOpen")
        yield* Fiber.interrupt(waiting)
        assert.strictEqual((yield* answered("cake", 1)).start.source, "live")
        assert.strictEqual(yield* circuit, "Closed")
      })))
})

describe("long streams", () => {
  it.effect("let others wait for their permits, who need no more than the time to their first piece", () =>
    scenario({
      streams: [sends([{ text: "a" }, { after: 6_000, text: "b" }])],
      limiter: { concurrency: 1 },
      totalTimeout: "5 seconds",
      template: aTemplate
    }, () =>
      Effect.gen(function*() {
        yield* answered("tea", 8)
        const first = yield* stream("coffee")
        yield* Effect.forkChild(readAll(first))
        yield* TestClock.adjust("4 seconds")
        const second = yield* Effect.forkChild(stream("cake"))
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* Fiber.join(second)).start.source, "live")
      })))
})

describe("a slow reader", () => {
  const pieces = Array.from({ length: 64 }, (): Piece => ({ after: 100, text: "x".repeat(64 * 1024) }))

  it.effect("slows the provider down, and gets all of it in the end", () => {
    let sent = 0
    const counted: Scripted["streams"] = [
      (asked) =>
        Stream.tap(sends(pieces)(asked), (part) => Effect.sync(() => void (sent += part._tag === "Delta" ? 1 : 0)))
    ]
    return scenario({ streams: counted, stallTimeout: "1 minute" }, () =>
      Effect.gen(function*() {
        const answer = yield* patiently(stream("tea"), 2)
        yield* Effect.repeat(TestClock.adjust("1 second"), { times: 20 })
        assert.isBelow(sent, 8, "a quarter of a million characters ahead, and no more")
        const { exit, text } = yield* patiently(readAll(answer), 20)
        assert.isTrue(Exit.isSuccess(exit))
        assert.strictEqual(text.length, 64 * 64 * 1024)
      }))
  })

  it.effect("that takes nothing for too long ends the call, which is nobody's failure, and is told so", () =>
    scenario(
      { streams: [sends(pieces)], stallTimeout: "8 seconds", breaker: { failures: 1 } },
      (seen) =>
        Effect.gen(function*() {
          const answer = yield* patiently(stream("tea"), 2)
          yield* Effect.repeat(TestClock.adjust("1 second"), { times: 20 })
          assert.deepStrictEqual([seen.interrupted, yield* running, yield* circuit], [1, 0, "Closed"])
          brokenBy((yield* readAll(answer)).exit, "ReaderStalled")
          assert.deepStrictEqual(seen.remembered, [])
        })
    ))
})

it("an error says what it means for the text that is there", () => {
  const cause = new AiTimeout({ provider, after: Duration.seconds(8), shortened: false })
  assert.strictEqual(new StreamBroken({ cause }).message, "the answer broke off: scripted did not answer within 8s")
})

it("the provider's own words, which may quote the prompt, are for its asker alone", () => {
  const cause = new AiMalformed({ provider, detail: "it sent an error", words: "flagged: my secret" })
  assert.notInclude(cause.message, "secret")
  assert.include(new StreamBroken({ cause }).message, "flagged: my secret")
})
