import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { AiMalformed, AiRateLimited, AiRejected, AiUnauthorized, StoreUnavailable } from "../../src/domain/errors.ts"
import { CircuitBreaker } from "../../src/services/CircuitBreaker.ts"
import { Generator } from "../../src/services/Generator.ts"
import { RateLimiter } from "../../src/services/RateLimiter.ts"
import {
  answers,
  aTemplate,
  fails,
  failsWith,
  finds,
  hangs,
  makeLadder,
  provider,
  request,
  type Scripted,
  secondProvider,
  takes
} from "../support/scripted.ts"

const generate = (prompt: string, more = {}) => Generator.use((generator) => generator.generate(request(prompt, more)))
const circuit = Effect.map(CircuitBreaker.use((breaker) => breaker.state(provider)), ({ _tag }) => _tag)
const load = Effect.map(
  RateLimiter.use((limiter) => limiter.load(provider)),
  ({ running, waiting }) => ({ running, waiting })
)

/** Runs a call to its end, however long it waits. */
const patiently = Effect.fnUntraced(function*<A, E, R>(call: Effect.Effect<A, E, R>, seconds = 70) {
  const fiber = yield* Effect.forkChild(call)
  yield* Effect.repeat(TestClock.adjust("1 second"), { times: seconds - 1 })
  return yield* Fiber.join(fiber)
})

const malformed = new AiMalformed({ provider, detail: "{}" })

/** A test over a ladder of its own, with what was seen at its ends. */
const scenario = (
  scripted: Scripted,
  test: (
    seen: ReturnType<typeof makeLadder>["seen"]
  ) => Effect.Effect<void, unknown, Generator | CircuitBreaker | RateLimiter>
) => {
  const { layer, seen } = makeLadder(scripted)
  return Effect.suspend(() => test(seen)).pipe(Effect.provide(layer))
}

describe("a provider that answers", () => {
  it.effect("is heard live, and its answer remembered under its name", () =>
    scenario({ script: [answers] }, (seen) =>
      Effect.gen(function*() {
        const answer = yield* generate("a poem", { contentType: "poem", locale: "en" })
        assert.deepInclude(answer, { source: "live", text: "answer to a poem", model: "m-1", provider, attempts: 1 })
        assert.deepInclude(seen.remembered[0], { id: answer.id, prompt: "a poem", contentType: "poem", locale: "en" })
      })))

  it.effect("is not remembered when its user says so", () =>
    scenario({ script: [answers] }, (seen) =>
      Effect.gen(function*() {
        yield* generate("a secret", { remember: false })
        assert.deepStrictEqual(seen.remembered, [])
      })))

  it.effect("gives every answer a name of its own", () =>
    scenario({ script: [answers] }, () =>
      Effect.gen(function*() {
        const ids = yield* Effect.forEach(
          Array.from({ length: 1_000 }),
          () => Effect.map(generate("x"), ({ id }) => id)
        )
        assert.strictEqual(new Set(ids).size, 1_000)
      })))
})

describe("a provider that fails now and then", () => {
  it.effect("is asked again, and the rescued call is no failure", () =>
    scenario(
      { script: [fails, answers, failsWith(malformed), answers, fails, answers] },
      (seen) =>
        Effect.gen(function*() {
          for (let n = 0; n < 3; n++) {
            assert.deepInclude(yield* patiently(generate("x"), 2), { source: "live", attempts: 2 })
          }
          assert.strictEqual(seen.calls, 6)
          assert.strictEqual(yield* circuit, "Closed")
        })
    ))

  it.effect("is asked as often as configured", () =>
    scenario({ script: [fails], maxAttempts: 4, template: aTemplate }, (seen) =>
      Effect.gen(function*() {
        assert.deepInclude(yield* patiently(generate("x")), { source: "template", attempts: 4 })
        assert.strictEqual(seen.calls, 4)
      })))

  it.effect("never hears from us again after a refusal, which the user hears", () => {
    const refusal = new AiRejected({ provider, status: 422, message: "too long" })
    return scenario(
      { script: [failsWith(refusal)], find: finds(), template: aTemplate },
      (seen) =>
        Effect.gen(function*() {
          for (let n = 0; n < 5; n++) assert.strictEqual(yield* Effect.flip(generate("x")), refusal)
          assert.strictEqual(seen.calls, 5)
          assert.strictEqual(yield* circuit, "Closed")
        })
    )
  })

  it.effect("counts a refusal as a proof of life", () => {
    const refusal = new AiRejected({ provider, status: 400, message: "no" })
    const script = [fails, fails, failsWith(refusal), fails, fails, answers]
    return scenario({ script, maxAttempts: 1, template: aTemplate }, () =>
      Effect.gen(function*() {
        for (let n = 0; n < 5; n++) yield* Effect.ignore(generate("x"))
        assert.strictEqual(yield* circuit, "Closed")
      }))
  })
})

describe("a provider that is out", () => {
  it.effect("gets six attempts of three calls, and then none", () =>
    scenario({ script: [fails], template: aTemplate }, (seen) =>
      Effect.gen(function*() {
        for (let n = 0; n < 3; n++) yield* patiently(generate("x"), 2)
        assert.strictEqual(seen.calls, 6)
        assert.strictEqual(yield* circuit, "Open")
        const answer = yield* generate("x")
        assert.deepInclude(answer, { source: "template", reason: "circuit_open", attempts: 0 })
        assert.strictEqual(seen.calls, 6)
      })))

  it.effect("is probed once after the opening, and heard again when the probe succeeds", () =>
    scenario(
      { script: [fails, fails, fails, takes(1_000)], maxAttempts: 1, template: aTemplate },
      (seen) =>
        Effect.gen(function*() {
          for (let n = 0; n < 3; n++) yield* generate("x")
          yield* TestClock.adjust("30 seconds")
          const all = Effect.all(Array.from({ length: 20 }, (_, n) => generate(`x ${n}`)), { concurrency: 20 })
          const sources = (yield* patiently(all, 1)).map(({ source }) => source)
          assert.strictEqual(seen.calls, 4)
          assert.strictEqual(sources.filter((source) => source === "live").length, 1)
          assert.strictEqual(yield* circuit, "Closed")
        })
    ))

  it.effect("is replaced by the closest earlier answer, labelled with its reason and age", () =>
    scenario(
      { script: [fails], maxAttempts: 1, find: finds({ similarity: 0.93, ageMillis: 120_000 }) },
      () =>
        Effect.gen(function*() {
          assert.deepInclude(yield* generate("x"), {
            source: "cache",
            text: "an earlier answer",
            reason: "unavailable",
            match: "similar",
            similarity: 0.93,
            ageMillis: 120_000,
            attempts: 1
          })
        })
    ))

  it.effect("is never replaced by a fallback that was remembered", () =>
    scenario({ script: [fails], maxAttempts: 1, find: finds(), template: aTemplate }, (seen) =>
      Effect.gen(function*() {
        yield* generate("x")
        assert.deepStrictEqual(seen.remembered, [])
      })))

  it.effect("leaves the template when the user wants no cached answer", () =>
    scenario({ script: [fails], maxAttempts: 1, find: finds(), template: aTemplate }, () =>
      Effect.gen(function*() {
        assert.deepInclude(yield* generate("x", { maxAgeMillis: 0 }), { source: "template" })
      })))

  it.effect("leaves an honest refusal with the time to come back when there is nothing to show", () =>
    scenario({ script: [fails], maxAttempts: 1 }, () =>
      Effect.gen(function*() {
        for (let n = 0; n < 3; n++) yield* Effect.flip(generate("x"))
        yield* TestClock.adjust("10 seconds")
        const error = yield* Effect.flip(generate("x"))
        assert.deepInclude(error, { _tag: "GenerationUnavailable", retryAfter: Duration.seconds(20) })
      })))
})

describe("a cache in trouble", () => {
  it.effect("that fails costs its answer, not the user's", () => {
    const broken = new StoreUnavailable({ operation: "find", cause: new Error("gone") })
    return scenario(
      { script: [fails], maxAttempts: 1, find: () => Effect.fail(broken), template: aTemplate },
      () => Effect.map(generate("x"), (answer) => assert.strictEqual(answer.source, "template"))
    )
  })

  it.effect("that dies costs its answer, not the user's", () =>
    scenario(
      { script: [fails], maxAttempts: 1, find: () => Effect.die("bug"), template: aTemplate },
      () => Effect.map(generate("x"), (answer) => assert.strictEqual(answer.source, "template"))
    ))

  it.effect("that hangs is left at the total deadline", () =>
    scenario(
      { script: [fails], maxAttempts: 1, find: () => Effect.never, template: aTemplate },
      () =>
        Effect.gen(function*() {
          const answer = yield* patiently(generate("x"), 60)
          assert.strictEqual(answer.source, "template")
        })
    ))
})

describe("the deadline", () => {
  it.effect("bounds an attempt, its retry and everything else, and leaves time for the fallback", () =>
    scenario({ script: [hangs], template: aTemplate }, (seen) =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(generate("x"))
        yield* Effect.repeat(TestClock.adjust("1 second"), { times: 58 })
        assert.deepInclude(yield* Fiber.join(fiber), { source: "template", reason: "timeout", attempts: 2 })
        assert.strictEqual(seen.interrupted, 2)
      })))

  it.effect("is not spent on waiting for a provider that asks for more time than there is", () => {
    const limited = new AiRateLimited({ provider, retryAfter: Duration.seconds(90) })
    return scenario({ script: [failsWith(limited)], template: aTemplate }, (seen) =>
      Effect.gen(function*() {
        assert.deepInclude(yield* generate("x"), { source: "template", reason: "rate_limited", attempts: 1 })
        assert.deepInclude(yield* generate("x"), { source: "template", reason: "rate_limited", attempts: 0 })
        assert.strictEqual(seen.calls, 1)
        assert.strictEqual(yield* circuit, "Closed")
      }))
  })

  it.effect("lets a rate-limited call wait and go live when the wait fits", () => {
    const limited = new AiRateLimited({ provider, retryAfter: Duration.seconds(10) })
    return scenario({ script: [failsWith(limited), answers] }, (seen) =>
      Effect.gen(function*() {
        assert.deepInclude(yield* patiently(generate("x"), 11), { source: "live", attempts: 2 })
        assert.isAtLeast(seen.startedAt[1] ?? 0, 10_000)
      }))
  })

  it.effect("that our own queue has shortened is no evidence against the provider", () =>
    scenario({
      script: [takes(25_000), hangs],
      maxAttempts: 1,
      attemptTimeout: "30 seconds",
      totalTimeout: "50 seconds",
      limiter: { concurrency: 1 },
      breaker: { failures: 1 },
      template: aTemplate
    }, () =>
      Effect.gen(function*() {
        const both = Effect.all([generate("first"), generate("second")], { concurrency: 2 })
        const [first, second] = yield* patiently(both, 50)
        assert.strictEqual(first.source, "live")
        assert.deepInclude(second, { source: "template", reason: "timeout", attempts: 1 })
        assert.strictEqual(yield* circuit, "Closed")
      })))
})

describe("limits", () => {
  it.effect("answer from the fallback at once whom they cannot let in", () =>
    scenario(
      { script: [takes(5_000)], limiter: { concurrency: 1, queue: 1 }, template: aTemplate },
      (seen) =>
        Effect.gen(function*() {
          const all = Effect.all(Array.from({ length: 5 }, (_, n) => generate(`x ${n}`)), { concurrency: 5 })
          const answers = yield* patiently(all, 10)
          assert.deepStrictEqual(answers.map(({ source }) => source), [
            "live",
            "live",
            "template",
            "template",
            "template"
          ])
          assert.deepInclude(answers[2], { reason: "overloaded" })
          assert.strictEqual(seen.peak, 1)
        })
    ))

  it.effect("do not hold up the answer of an open circuit, whatever the queue holds", () =>
    scenario({
      script: [fails, hangs],
      maxAttempts: 1,
      breaker: { failures: 1, openFor: "1 hour" },
      limiter: { concurrency: 1 },
      template: aTemplate
    }, () =>
      Effect.gen(function*() {
        yield* generate("trips")
        yield* Effect.forkChild(generate("waits"))
        const answer = yield* generate("x")
        assert.deepInclude(answer, { source: "template", reason: "circuit_open" })
      })))
})

describe("whoever goes away", () => {
  it.effect("ends the provider's call, and gives the permit back", () =>
    scenario({ script: [hangs, answers], limiter: { concurrency: 1 } }, (seen) =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(generate("x"))
        yield* TestClock.adjust("1 second")
        assert.deepInclude(yield* load, { running: 1, waiting: 0 })
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(seen.interrupted, 1)
        assert.deepInclude(yield* load, { running: 0, waiting: 0 })
        assert.deepInclude(yield* generate("x"), { source: "live" })
        assert.strictEqual(yield* circuit, "Closed")
      })))

  it.effect("frees the probe's slot", () =>
    scenario(
      { script: [fails, hangs, answers], maxAttempts: 1, breaker: { failures: 1 }, template: aTemplate },
      () =>
        Effect.gen(function*() {
          yield* generate("trips")
          yield* TestClock.adjust("30 seconds")
          const probe = yield* Effect.forkChild(generate("probe"))
          yield* TestClock.adjust("1 second")
          yield* Fiber.interrupt(probe)
          assert.deepInclude(yield* generate("x"), { source: "live" })
        })
    ))
})

describe("a client that is itself at fault", () => {
  it.effect("and refused for its key falls back and counts for nothing", () => {
    const unauthorized = new AiUnauthorized({ provider, status: 401 })
    return scenario({ script: [failsWith(unauthorized)], template: aTemplate }, (seen) =>
      Effect.gen(function*() {
        for (let n = 0; n < 5; n++) {
          assert.deepInclude(yield* generate("x"), { source: "template", reason: "unauthorized", attempts: 1 })
        }
        assert.strictEqual(seen.calls, 5)
        assert.strictEqual(yield* circuit, "Closed")
      }))
  })

  it.effect("and dies costs a failure, and its user gets the fallback", () =>
    scenario(
      { script: [() => Effect.die("bug")], breaker: { failures: 1 }, template: aTemplate },
      () =>
        Effect.gen(function*() {
          assert.deepInclude(yield* generate("x"), { source: "template", reason: "unavailable" })
          assert.strictEqual(yield* circuit, "Open")
        })
    ))
})

describe("what a call has shown", () => {
  it.effect("still counts when its caller goes away during the next attempt", () =>
    scenario({ script: [fails, hangs], breaker: { failures: 1 }, template: aTemplate }, () =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(generate("x"))
        yield* Effect.repeat(TestClock.adjust("1 second"), { times: 1 })
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(yield* circuit, "Open")
      })))

  it.effect("is the reason, at once, when the probe that it was has opened the circuit again", () =>
    scenario(
      { script: [fails], breaker: { failures: 1 }, retryBaseDelay: "10 seconds", template: aTemplate },
      (seen) =>
        Effect.gen(function*() {
          yield* patiently(generate("trips"), 30)
          const before = seen.calls
          yield* TestClock.adjust("30 seconds")
          assert.deepInclude(yield* generate("probes"), { reason: "unavailable", attempts: 1 })
          assert.strictEqual(seen.calls, before + 1)
        })
    ))

  it.effect("is not remembered when the answer was cut at its length", () => {
    const cut = { text: "This is a", model: "m-1", usage: undefined, isComplete: false }
    return scenario({ script: [() => Effect.succeed(cut)] }, (seen) =>
      Effect.gen(function*() {
        assert.deepInclude(yield* generate("x"), { source: "live", text: "This is a", isRemembered: false })
        assert.deepStrictEqual(seen.remembered, [])
      }))
  })
})

describe("a second provider", () => {
  it.effect("answers live, and says so, when the circuit of the first is open", () =>
    scenario(
      { script: [fails], second: [answers], maxAttempts: 1, template: aTemplate },
      (seen) =>
        Effect.gen(function*() {
          for (let n = 0; n < 4; n++) {
            assert.deepInclude(yield* generate("x"), { source: "live", provider: secondProvider })
          }
          assert.strictEqual(yield* circuit, "Open")
          assert.strictEqual(seen.calls, 3)
          assert.strictEqual(seen.second.calls, 4)
        })
    ))

  it.effect("is asked after the first one's attempts, which count for the answer", () =>
    scenario({ script: [fails], second: [answers] }, (seen) =>
      Effect.gen(function*() {
        const answer = yield* patiently(generate("x"), 2)
        assert.deepInclude(answer, { source: "live", provider: secondProvider, attempts: 3 })
        assert.strictEqual(seen.calls, 2)
      })))

  it.effect("is asked at once when the first one asks us to wait", () => {
    const limited = new AiRateLimited({ provider, retryAfter: Duration.seconds(10) })
    return scenario({ script: [failsWith(limited)], second: [answers] }, (seen) =>
      Effect.gen(function*() {
        assert.deepInclude(yield* generate("x"), { source: "live", provider: secondProvider, attempts: 2 })
        assert.deepInclude(yield* generate("y"), { source: "live", provider: secondProvider, attempts: 1 })
        assert.strictEqual(seen.calls, 1)
      }))
  })

  it.effect("is asked at once when the first one has no room", () =>
    scenario({ script: [hangs], second: [answers], limiter: { concurrency: 1 } }, () =>
      Effect.gen(function*() {
        yield* Effect.forkChild(generate("holds the permit"))
        yield* TestClock.adjust("1 second")
        const answer = yield* patiently(generate("x"), 2)
        assert.deepInclude(answer, { source: "live", provider: secondProvider, attempts: 1 })
      })))

  it.effect("gets what is left of the time when the first one hangs", () =>
    scenario({ script: [hangs], second: [takes(5_000)] }, (seen) =>
      Effect.gen(function*() {
        const answer = yield* patiently(generate("x"), 36)
        assert.deepInclude(answer, { source: "live", provider: secondProvider, attempts: 2 })
        assert.strictEqual(seen.calls, 1)
      })))

  it.effect("is not asked when the first one refuses the request itself", () => {
    const refusal = new AiRejected({ provider, status: 422, message: "no" })
    return scenario({ script: [failsWith(refusal)], second: [answers] }, (seen) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Effect.flip(generate("x")), refusal)
        assert.strictEqual(seen.second.calls, 0)
      }))
  })

  it.effect("says why when it is out too", () =>
    scenario(
      { script: [fails], second: [failsWith(malformed)], maxAttempts: 1, template: aTemplate },
      () =>
        Effect.gen(function*() {
          assert.deepInclude(yield* generate("x"), { source: "template", reason: "malformed", attempts: 2 })
        })
    ))
})

describe("the retry budget", () => {
  it.effect("used up leaves no retry, and the failure is still counted", () =>
    scenario({
      script: [fails],
      retryBudget: { ratio: 0, floor: 1 },
      breaker: { failures: 2 },
      template: aTemplate
    }, (seen) =>
      Effect.gen(function*() {
        assert.deepInclude(yield* patiently(generate("x"), 2), { attempts: 2 })
        assert.deepInclude(yield* generate("x"), { source: "template", reason: "unavailable", attempts: 1 })
        assert.strictEqual(seen.calls, 3)
        assert.strictEqual(yield* circuit, "Open")
      })))
})
