import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, ExecutionPlan, Fiber, Layer, Option, Ref, Result, Stream } from "effect"
import { AiError, Chat, LanguageModel, Prompt, ResponseIdTracker } from "effect/ai"
import { TestClock } from "effect/testing"
import { Namespace } from "../../../src/domain/Generation.ts"
import { parseTemplate } from "../../../src/domain/templates/Template.ts"
import { CircuitBreaker } from "../../../src/services/CircuitBreaker.ts"
import * as Understudy from "../../../src/services/Understudy.ts"
import {
  answer,
  down,
  finish,
  type ModelStep,
  type ScriptedModel,
  scriptedModel,
  text
} from "../../support/scriptedModel.ts"

const template = Result.getOrThrow(
  parseTemplate(
    "generic.md",
    "---\ncontent_type: generic\ntitle: About {{subject}}\n---\n\n# {{title}}\n\nFill me in.\n"
  )
)

const resilient = (model: ScriptedModel, options: Understudy.ResilientModelOptions = {}) =>
  Effect.provide(Understudy.layerLanguageModel(model.layer, { retryBaseDelay: "1 second", ...options }))

const soon = <A, E, R>(effect: Effect.Effect<A, E, R>, seconds = 5) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect)
    for (let n = 0; n < seconds; n++) yield* TestClock.adjust("1 second")
    return yield* Fiber.join(fiber)
  })

const generate = (prompt: string | Prompt.Prompt) => LanguageModel.generateText({ prompt })

describe("a text of a resilient model", () => {
  it.effect("comes as the model has given it, and says that it is live", () => {
    const model = scriptedModel([{
      parts: [
        { type: "response-metadata", id: "resp_1", modelId: "acme-1", timestamp: "2026-11-30T10:00:00.000Z" },
        { type: "reasoning", text: "Let me think." },
        { type: "text", text: "Sourdough needs time.", metadata: { acme: { logprob: 0.5 } } },
        finish("stop", { acme: { tier: "standard" } })
      ]
    }])
    return Effect.gen(function*() {
      const response = yield* generate("Write about sourdough")
      assert.strictEqual(response.text, "Sourdough needs time.")
      assert.strictEqual(response.reasoningText, "Let me think.")
      assert.strictEqual(response.finishReason, "stop")
      assert.strictEqual(response.usage.outputTokens.total, 5)
      const [metadata, , words, end] = response.content
      assert.deepInclude(metadata, { type: "response-metadata", id: "resp_1", modelId: "acme-1" })
      assert.deepStrictEqual(words?.metadata, { acme: { logprob: 0.5 } })
      assert.deepStrictEqual(end?.metadata["acme"], { tier: "standard" })
      const provenance = Option.getOrThrow(Understudy.provenance(response.content))
      assert.deepInclude(provenance, { source: "live", attempts: 1, fallback: null })
    }).pipe(resilient(model))
  })

  it.effect("is tried again when the model fails once", () => {
    const model = scriptedModel([down, answer("Here it is.")])
    return Effect.gen(function*() {
      const response = yield* soon(generate("Write about tea"))
      assert.strictEqual(response.text, "Here it is.")
      assert.strictEqual(Option.getOrThrow(Understudy.provenance(response.content)).attempts, 2)
    }).pipe(resilient(model))
  })

  it.effect("is the closest earlier answer when the model is down", () => {
    const model = scriptedModel([answer("Sourdough needs time."), down])
    return Effect.gen(function*() {
      yield* generate("Write a blog post about sourdough starters")
      yield* TestClock.adjust("1 second")
      const response = yield* soon(generate("Please draft an article on sourdough starters"))
      assert.strictEqual(response.text, "Sourdough needs time.")
      assert.strictEqual(response.finishReason, "stop")
      assert.strictEqual(response.usage.outputTokens.total, 0)
      const { attempts, fallback, source } = Option.getOrThrow(Understudy.provenance(response.content))
      assert.deepStrictEqual({ attempts, source }, { attempts: 2, source: "cache" })
      assert.deepInclude(fallback, { reason: "unavailable", match: "similar", template: null })
    }).pipe(resilient(model))
  })

  it.effect("is a template when nothing like it was ever answered", () => {
    const model = scriptedModel([down])
    return Effect.gen(function*() {
      const response = yield* soon(generate("Write about folding bicycles"))
      assert.include(response.text, "This is a template to fill in")
      assert.deepInclude(Option.getOrThrow(Understudy.provenance(response.content)).fallback, { template: "generic" })
    }).pipe(resilient(model, { templates: [template] }))
  })

  it.effect("fails with the model's own error when there is nothing to show", () => {
    const model = scriptedModel([down])
    return Effect.gen(function*() {
      const error = yield* soon(Effect.flip(generate("Write about folding bicycles")))
      assert.strictEqual(error, model.errors.at(-1))
      assert.strictEqual(model.errors.length, 2)
    }).pipe(resilient(model))
  })

  it.effect("is refused at once when the model refuses the request itself, and no other answer takes its place", () => {
    const refusal = new AiError.ContentPolicyError({ description: "no recipes for trouble" })
    const model = scriptedModel([answer("Sourdough needs time."), { failure: refusal }])
    return Effect.gen(function*() {
      yield* generate("Write about sourdough")
      yield* TestClock.adjust("1 second")
      const error = yield* Effect.flip(generate("Write about sourdough"))
      assert.strictEqual(error.reason, refusal)
      assert.strictEqual(model.calls.length, 2)
    }).pipe(resilient(model, { templates: [template] }))
  })

  it.effect("is taken from elsewhere, and the model left alone, while its circuit is open", () => {
    const model = scriptedModel([down])
    return Effect.gen(function*() {
      for (let n = 0; n < 3; n++) yield* soon(Effect.flip(generate(`Write about tea ${n}`)))
      const asked = model.calls.length
      const error = yield* Effect.flip(generate("Write about coffee"))
      assert.strictEqual(error.reason._tag, "InternalProviderError")
      assert.include(error.message, "the circuit of acme is open")
      assert.deepStrictEqual("metadata" in error.reason && error.reason.metadata, {
        understudy: { error: "CircuitOpen" }
      })
      assert.strictEqual(model.calls.length, asked)
    }).pipe(resilient(model, { name: "acme" }))
  })

  it.effect("waits out a 429 that fits its deadline, and does not ask before", () => {
    const limited = new AiError.RateLimitError({ retryAfter: Duration.seconds(3) })
    const model = scriptedModel([{ failure: limited }, answer("Here it is.")])
    return Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(generate("Write about tea"))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(model.calls.length, 1)
      for (let n = 0; n < 3; n++) yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber)).text, "Here it is.")
    }).pipe(resilient(model))
  })

  it.effect("keeps to the limits that it is given, and says when to come back", () => {
    const model = scriptedModel([answer("Here it is.")])
    return Effect.gen(function*() {
      yield* generate("Write about tea")
      const error = yield* Effect.flip(generate("Write about coffee"))
      assert.strictEqual(error.reason._tag, "RateLimitError")
      assert.isTrue(error.isRetryable)
      const wait = error.reason._tag === "RateLimitError" ? error.reason.retryAfter : undefined
      assert.strictEqual(wait === undefined ? 0 : Math.round(Duration.toSeconds(wait)), 60)
      assert.strictEqual(model.calls.length, 1)
    }).pipe(resilient(model, { limits: { requestsPerMinute: 1 }, totalTimeout: "10 seconds" }))
  })

  it.effect("does not wait for a model that hangs, and ends its call", () => {
    const model = scriptedModel(["hangs"])
    return Effect.gen(function*() {
      const error = yield* soon(Effect.flip(generate("Write about tea")), 12)
      assert.strictEqual(error.reason._tag, "InternalProviderError")
      assert.include(error.message, "did not answer within 4s")
      assert.strictEqual(model.interrupted(), model.calls.length)
    }).pipe(resilient(model, { attemptTimeout: "4 seconds", totalTimeout: "10 seconds" }))
  })

  it.effect("ends the model's call when whoever asked goes away", () => {
    const model = scriptedModel(["hangs"])
    return Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(generate("Write about tea"))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(model.interrupted(), 1)
    }).pipe(resilient(model))
  })

  it.effect("that is empty, or ends with an error, is none", () => {
    const model = scriptedModel([{ parts: [finish()] }, { parts: [text("half"), finish("error")] }])
    return Effect.gen(function*() {
      const error = yield* soon(Effect.flip(generate("Write about tea")))
      assert.strictEqual(error.reason._tag, "InvalidOutputError")
      assert.include(error.message, "it ended with an error")
      assert.strictEqual(model.calls.length, 2)
    }).pipe(resilient(model))
  })

  it.effect("that was cut is shown and never remembered", () => {
    const model = scriptedModel([{ parts: [text("Sourdough nee"), finish("length")] }, down])
    return Effect.gen(function*() {
      const response = yield* generate("Write about sourdough")
      assert.strictEqual(response.finishReason, "length")
      yield* TestClock.adjust("1 second")
      yield* soon(Effect.flip(generate("Write about sourdough")))
    }).pipe(resilient(model))
  })

  it.effect("of one namespace stands in for none of another", () => {
    const model = scriptedModel([answer("Ours alone."), down])
    const as = (namespace: string) =>
      Effect.provideService(Understudy.CurrentCall, { namespace: Namespace.make(namespace) })
    return Effect.gen(function*() {
      yield* as("a")(generate("Write about sourdough"))
      yield* TestClock.adjust("1 second")
      yield* soon(as("b")(Effect.flip(generate("Write about sourdough"))))
      yield* soon(Effect.flip(generate("Write about sourdough")))
      const response = yield* soon(as("a")(generate("Write about sourdough")))
      assert.strictEqual(response.text, "Ours alone.")
    }).pipe(resilient(model))
  })

  it.effect("is not remembered where its call says so, nor taken from the cache where it may be of no age", () => {
    const model = scriptedModel([answer("Not for later."), answer("For later."), down])
    const options = (call: Understudy.CallOptions) => Effect.provideService(Understudy.CurrentCall, call)
    return Effect.gen(function*() {
      yield* options({ remember: false })(generate("Write about tea"))
      yield* generate("Write about coffee")
      yield* TestClock.adjust("1 second")
      yield* soon(Effect.flip(generate("Write about tea")))
      yield* soon(options({ maxAge: 0 })(Effect.flip(generate("Write about coffee"))))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* soon(generate("Write about coffee"))).text, "For later.")
    }).pipe(resilient(model))
  })

  it.effect("stands in only for the same variant", () => {
    const model = scriptedModel([answer("{}"), down])
    const as = (variant: string) => Effect.provideService(Understudy.CurrentCall, { variant })
    return Effect.gen(function*() {
      yield* as("json")(generate("Write about sourdough"))
      yield* TestClock.adjust("1 second")
      yield* soon(Effect.flip(generate("Write about sourdough")))
      assert.strictEqual((yield* soon(as("json")(generate("Write about sourdough")))).text, "{}")
    }).pipe(resilient(model))
  })

  it.effect("is not limited where nobody has set limits", () => {
    const slow = Layer.effect(
      LanguageModel.LanguageModel,
      LanguageModel.make({
        generateText: () => Effect.delay(Effect.succeed([text("Here it is."), finish()]), "20 seconds"),
        streamText: () => Stream.empty
      })
    )
    return Effect.gen(function*() {
      const all = Effect.forEach(Array.from({ length: 200 }, (_, n) => n), (n) => generate(`Write about tea ${n}`), {
        concurrency: "unbounded"
      })
      assert.strictEqual((yield* soon(all, 21)).length, 200)
    }).pipe(Effect.provide(Understudy.layerLanguageModel(slow)))
  })

  it.effect("keeps its circuit and its cache where the layer is built once, in a plan too", () => {
    const model = scriptedModel([answer("Sourdough needs time."), down])
    return Effect.gen(function*() {
      const context = yield* Layer.build(Understudy.layerLanguageModel(model.layer))
      const plan = ExecutionPlan.make({ provide: context })
      const planned = (prompt: string) => Effect.withExecutionPlan(generate(prompt), plan)
      yield* planned("Write about sourdough")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* soon(planned("Write about sourdough"))).text, "Sourdough needs time.")
    })
  })

  it.effect("stands in only where it was given in the same conversation", () => {
    const model = scriptedModel([answer("For the chemist."), down])
    const asked = (instructions: string) =>
      Prompt.make([{ role: "system", content: instructions }, { role: "user", content: "What is a mole?" }])
    return Effect.gen(function*() {
      yield* generate(asked("You speak to chemists."))
      yield* TestClock.adjust("1 second")
      yield* soon(Effect.flip(generate(asked("You speak to gardeners."))))
      assert.strictEqual((yield* soon(generate(asked("You speak to chemists.")))).text, "For the chemist.")
    }).pipe(resilient(model))
  })

  it.effect("goes into a Chat's history like any other, a fallback too", () => {
    const model = scriptedModel([answer("Hello."), down])
    return Effect.gen(function*() {
      const first = yield* Chat.empty
      yield* first.generateText({ prompt: "Say hello" })
      yield* TestClock.adjust("1 second")
      const second = yield* Chat.empty
      yield* soon(second.generateText({ prompt: "Say hello" }))
      const { content } = yield* Ref.get(second.history)
      assert.deepStrictEqual(content.map(({ role }) => role), ["user", "assistant"])
      assert.include(JSON.stringify(content[1]), "Hello.")
    }).pipe(resilient(model))
  })

  it.effect("goes on from the model's last response by its id, and in full where something has stood in", () => {
    const responded = (id: string): ModelStep => ({
      parts: [{ type: "response-metadata", id }, text("Hello."), finish()]
    })
    const model = scriptedModel([responded("resp_1"), down, down, responded("resp_2")])
    return Effect.gen(function*() {
      const tracker = yield* ResponseIdTracker.make
      const chat = yield* Chat.empty
      const say = (prompt: string) =>
        soon(Effect.provideService(chat.generateText({ prompt }), ResponseIdTracker.ResponseIdTracker, tracker))
      yield* say("Say hello")
      const standIn = yield* say("Say it again")
      assert.include(standIn.text, "This is a template to fill in")
      yield* say("And now?")
      assert.deepStrictEqual(model.calls.map(({ previousResponseId }) => previousResponseId), [
        undefined,
        "resp_1",
        "resp_1",
        undefined
      ])
      assert.strictEqual(model.calls.at(-1)?.prompt.content.length, 5)
    }).pipe(resilient(model, { templates: [template] }))
  })

  it.effect("that is refused in a conversation by ids is asked for as often as without the ladder", () => {
    const refusal: ModelStep = { failure: new AiError.InvalidRequestError({ description: "no such response" }) }
    const steps: ReadonlyArray<ModelStep> = [
      { parts: [{ type: "response-metadata", id: "resp_1" }, text("Hello."), finish()] },
      refusal
    ]
    const twice = Effect.gen(function*() {
      const tracker = yield* ResponseIdTracker.make
      const chat = yield* Chat.empty
      const say = (prompt: string) =>
        Effect.provideService(chat.generateText({ prompt }), ResponseIdTracker.ResponseIdTracker, tracker)
      yield* say("Say hello")
      return yield* Effect.flip(say("Say it again"))
    })
    return Effect.gen(function*() {
      const bare = scriptedModel(steps)
      yield* Effect.provide(twice, bare.layer)
      const model = scriptedModel(steps)
      const error = yield* resilient(model)(twice)
      assert.strictEqual(error.reason._tag, "InvalidRequestError")
      assert.strictEqual(model.calls.length, bare.calls.length)
      assert.strictEqual(model.calls.length, 3)
    })
  })

  it.effect("shares circuit and cache with other models over the same gates", () => {
    const one = scriptedModel([answer("From the first."), down])
    const other = scriptedModel([down])
    const gates = Understudy.layerGates({ circuit: { failures: 1 } })
    const using = (model: ScriptedModel, name: string) =>
      Effect.provide(Understudy.layerLanguageModelNoDeps(model.layer, { name, maxAttempts: 1 }))
    return Effect.gen(function*() {
      yield* using(one, "one")(generate("Write about sourdough"))
      yield* TestClock.adjust("1 second")
      const response = yield* using(other, "other")(generate("Write about sourdough"))
      assert.strictEqual(response.text, "From the first.")
      const breaker = yield* CircuitBreaker
      const statuses = yield* breaker.statuses
      assert.deepStrictEqual(statuses.map(({ key }) => key).sort(), ["one", "other"])
    }).pipe(Effect.provide(Layer.fresh(gates)))
  })
})
