/** The spans of the ladder in memory: which there are, how they are nested, and what they say. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, References, Stream, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { AiRejected } from "../../../src/domain/errors.ts"
import { Generator } from "../../../src/services/Generator.ts"
import { spanned } from "../../../src/services/telemetry/spans.ts"
import {
  answers,
  aTemplate,
  fails,
  failsWith,
  finds,
  makeLadder,
  request,
  type Scripted,
  sends,
  takes
} from "../../support/scripted.ts"
import { keepingTracer, treeOf } from "../../support/tracing.ts"

const keys = ["understudy.source", "understudy.cache.match", "understudy.template", "error.type"]

/** Runs it over a ladder, with a tracer. */
const traced = <A, E>(scripted: Scripted, use: (generator: Generator["Service"]) => Effect.Effect<A, E>) => {
  const { layer, spans } = keepingTracer()
  return Effect.flatMap(Generator, use).pipe(
    Effect.provide(Layer.provideMerge(makeLadder({ retryBaseDelay: "1 milli", ...scripted }).layer, layer)),
    Effect.exit,
    Effect.as(spans())
  )
}

/** For those that wait on the virtual clock. */
const running = <A, E>(self: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(self)
    yield* TestClock.adjust("5 minutes")
    return yield* Fiber.join(fiber)
  })

const named = <A extends { readonly name: string }>(spans: ReadonlyArray<A>, name: string): A => {
  const span = spans.find((span) => span.name === name)
  return span ?? assert.fail(`no ${name} among ${spans.map((span) => span.name).join(", ")}`)
}

describe("with a tracer in the program", () => {
  it.effect("a live answer is one attempt, in one provider's part, in the whole", () =>
    Effect.gen(function*() {
      const spans = yield* traced({ script: [answers] }, (generator) => generator.generate(request("p")))
      assert.deepStrictEqual(treeOf(spans, keys), [
        "understudy.generate live",
        "  understudy.ask",
        "    understudy.limiter",
        "    chat"
      ])
      const chat = named(spans, "chat")
      assert.strictEqual(chat.kind, "client")
      assert.deepStrictEqual(Object.fromEntries(chat.attributes), {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "scripted",
        "gen_ai.request.max_tokens": 100,
        "understudy.attempt": 1,
        "gen_ai.response.model": "m-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 1,
        "gen_ai.usage.output_tokens": 2
      })
      assert.deepStrictEqual(Object.fromEntries(named(spans, "understudy.generate").attributes), {
        "understudy.manner": "whole",
        "understudy.namespace": "default",
        "understudy.source": "live",
        "understudy.attempts": 1,
        "understudy.provider": "scripted"
      })
    }))

  it.effect("a retry is a second attempt beside the first, and an event that says how long it waited", () =>
    Effect.gen(function*() {
      const spans = yield* running(
        traced({ script: [fails, answers] }, (generator) => generator.generate(request("p", { model: "big" })))
      )
      assert.deepStrictEqual(treeOf(spans, [...keys, "understudy.attempt"]), [
        "understudy.generate live",
        "  understudy.ask",
        "    understudy.limiter",
        "    !chat big 503 1",
        "    understudy.limiter",
        "    chat big 2"
      ])
      const [[name, , attributes] = []] = named(spans, "understudy.ask").events
      assert.strictEqual(name, "understudy.retry")
      assert.deepInclude(attributes, { "understudy.retry.verdict": "made", "error.type": "503" })
      assert.isNumber(attributes?.["understudy.retry.wait_ms"])
    }))

  it.effect("an answer from the cache shows the provider's failure and the match, and is no failure itself", () =>
    Effect.gen(function*() {
      const spans = yield* running(
        traced({ script: [fails], find: finds() }, (generator) => generator.generate(request("p")))
      )
      assert.deepStrictEqual(treeOf(spans, keys), [
        "understudy.generate cache",
        "  !understudy.ask 503",
        "    understudy.limiter",
        "    !chat 503",
        "    understudy.limiter",
        "    !chat 503",
        "  understudy.fallback cache",
        "    understudy.cache.find similar"
      ])
      const find = named(spans, "understudy.cache.find").attributes
      assert.strictEqual(find.get("understudy.cache.similarity"), 0.9)
      assert.strictEqual(find.get("understudy.cache.age_seconds"), 1)
      assert.strictEqual(named(spans, "understudy.generate").attributes.get("understudy.reason"), "unavailable")
    }))

  it.effect("a template comes after a look into the cache, and an empty ladder is a failure", () =>
    Effect.gen(function*() {
      const options = { script: [fails], maxAttempts: 1 }
      const asked = (generator: Generator["Service"]) => generator.generate(request("p"))
      const below = ["  !understudy.ask 503", "    understudy.limiter", "    !chat 503"]
      assert.deepStrictEqual(treeOf(yield* traced({ ...options, template: aTemplate }, asked), keys), [
        "understudy.generate template",
        ...below,
        "  understudy.fallback template",
        "    understudy.cache.find none",
        "    understudy.template generic"
      ])
      assert.deepStrictEqual(treeOf(yield* traced(options, asked), keys), [
        "!understudy.generate GenerationUnavailable",
        ...below,
        "  !understudy.fallback GenerationUnavailable",
        "    understudy.cache.find none",
        "    understudy.template none"
      ])
    }))

  it.effect("an open circuit shows when it opened, and that nobody was asked after it", () =>
    Effect.gen(function*() {
      const spans = yield* traced(
        {
          script: [fails],
          maxAttempts: 1,
          template: aTemplate,
          breaker: { failures: 1 }
        },
        (generator) => Effect.andThen(generator.generate(request("p")), generator.generate(request("q")))
      )
      assert.deepStrictEqual(
        treeOf(spans, keys).filter((line) => /ask|chat|limiter/.test(line)),
        ["  !understudy.ask 503", "    understudy.limiter", "    !chat 503", "  !understudy.ask CircuitOpen"]
      )
      const [[name, , attributes] = []] = named(spans, "understudy.ask").events
      assert.strictEqual(name, "understudy.circuit.transition")
      assert.deepStrictEqual(attributes, {
        "understudy.circuit": "scripted",
        "understudy.circuit.from": "Closed",
        "understudy.circuit.to": "Open"
      })
    }))

  it.effect("the wait for a permit is in the limiter's span, and a refusal ends it", () =>
    Effect.gen(function*() {
      const spans = yield* running(traced(
        { script: [takes(2_000)], limiter: { concurrency: 1, queue: 1 }, template: aTemplate },
        (generator) =>
          Effect.forEach(["p", "q", "r"], (prompt) => generator.generate(request(prompt)), { concurrency: 3 })
      ))
      const limiters = spans.filter(({ name }) => name === "understudy.limiter")
      assert.deepStrictEqual(
        limiters.map(({ attributes }) =>
          attributes.get("understudy.limiter.waited_ms") ?? attributes.get("error.type")
        ),
        [0, 2_000, "LimitExceeded"]
      )
    }))

  it.effect("what one answer serves is linked to where it was made", () =>
    Effect.gen(function*() {
      const spans = yield* running(traced(
        { script: [takes(100)] },
        (generator) =>
          Effect.all([generator.generate(request("p")), generator.generate(request("p"))], { concurrency: 2 })
      ))
      assert.deepStrictEqual(treeOf(spans, ["understudy.source", "understudy.shared"]), [
        "understudy.generate live",
        "  understudy.ask",
        "    understudy.limiter",
        "    chat",
        "understudy.generate live true"
      ])
      const [first, second] = spans.filter(({ name }) => name === "understudy.generate")
      assert.deepStrictEqual(second?.links.map(({ span }) => span.spanId), [first?.spanId])
    }))

  it.effect("a stream is shown to its end, with the time to its first piece", () =>
    Effect.gen(function*() {
      const spans = yield* running(traced(
        { script: [], streams: [sends([{ after: 250, text: "one" }, { after: 500, text: " two" }])] },
        (generator) =>
          Effect.scoped(Effect.flatMap(generator.stream(request("p")), ({ parts }) => Stream.runDrain(parts)))
      ))
      assert.deepStrictEqual(treeOf(spans, [...keys, "understudy.manner"]), [
        "understudy.generate live stream",
        "  understudy.ask",
        "    understudy.limiter",
        "    chat"
      ])
      const chat = named(spans, "chat")
      assert.strictEqual(chat.attributes.get("gen_ai.request.stream"), true)
      assert.strictEqual(chat.attributes.get("gen_ai.response.time_to_first_chunk"), 0.25)
      const { status } = named(spans, "understudy.generate")
      assert.strictEqual(status._tag === "Ended" ? Number(status.endTime - status.startTime) / 1e6 : -1, 750)
    }))

  it.effect("a second provider's part stands beside the first one's", () =>
    Effect.gen(function*() {
      const spans = yield* running(
        traced({ script: [fails], second: [answers] }, (generator) => generator.generate(request("p")))
      )
      const asked = spans.filter(({ name }) => name === "understudy.ask")
      assert.deepStrictEqual(asked.map(({ attributes }) => attributes.get("understudy.provider")), [
        "scripted",
        "second"
      ])
      assert.strictEqual(named(spans, "understudy.generate").attributes.get("understudy.provider"), "second")
    }))

  it.effect("no span says what a provider says of a request that it refuses", () =>
    Effect.gen(function*() {
      const error = new AiRejected({ provider: "scripted", status: 400, message: "we do not write about MARZIPAN" })
      const spans = yield* traced(
        { script: [failsWith(error)] },
        (generator) => generator.generate(request("MARZIPAN"))
      )
      assert.deepStrictEqual(treeOf(spans, keys), [
        "!understudy.generate 400",
        "  !understudy.ask 400",
        "    understudy.limiter",
        "    !chat 400"
      ])
      const shown = spans.map(({ attributes, events, name, status }) => [
        name,
        [...attributes],
        events.map(([name, , attributes]) => [name, attributes]),
        status._tag === "Ended" ? status.exit : undefined
      ])
      assert.notMatch(JSON.stringify(shown), /MARZIPAN/)
      assert.match(JSON.stringify(shown), /refuses the request \(400\)/)
    }))
})

describe("nothing is made", () => {
  const asked = Effect.flatMap(Generator, (generator) =>
    Effect.all([
      generator.generate(request("p")),
      generator.generate(request("q")),
      Effect.scoped(Effect.flatMap(generator.stream(request("r")), ({ parts }) => Stream.runDrain(parts))),
      generator.background(request("s"), 60_000)
    ]))
  const ladder = () => makeLadder({ script: [fails, answers, fails], find: finds(), maxAttempts: 1 }).layer

  it.effect("where spans are switched off, whatever tracer there is", () =>
    Effect.gen(function*() {
      const { layer, spans } = keepingTracer()
      yield* Effect.provide(asked, Layer.provideMerge(ladder(), layer)).pipe(
        Effect.provideService(References.TracerEnabled, false)
      )
      assert.deepStrictEqual(spans().map(({ name }) => name), [])
    }))

  it.effect("below a span that is not recorded", () =>
    Effect.gen(function*() {
      const { layer, spans } = keepingTracer()
      const unsampled = Effect.withSpan(asked, "request", { sampled: false })
      yield* Effect.provide(unsampled, Layer.provideMerge(ladder(), layer))
      assert.deepStrictEqual(spans().map(({ name }) => name), ["request"])
    }))

  it.effect("and no attribute is asked for, in a program without a tracer, or with Effect's own", () =>
    Effect.gen(function*() {
      let asked = 0
      const shape = () => {
        asked += 1
        return { name: "step", attributes: {} }
      }
      const step = spanned(Effect.void, shape)
      yield* step
      yield* Effect.withSpan(step, "request")
      yield* Effect.provideService(step, Tracer.Tracer, Tracer.nativeTracer)
      assert.strictEqual(asked, 0)
      const { layer, spans } = keepingTracer()
      yield* Effect.provide(step, layer)
      assert.deepStrictEqual([asked, spans().length], [1, 1])
    }))
})
