/** The AI SDK against the whole service, by its provider for whatever speaks OpenAI's language. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { assert, layer } from "@effect/vitest"
import {
  APICallError,
  generateText,
  isStepCount,
  NoObjectGeneratedError,
  Output,
  RetryError,
  streamText,
  tool
} from "ai"
import { Effect } from "effect"
import { z } from "zod"
import {
  clientEnv,
  countingFetch,
  down,
  failureOf,
  provenanceOf,
  providerCalls,
  remembering,
  toolCall,
  whileProvider
} from "../support/clients.ts"
import { FaultServer, Mode, StreamMode } from "../support/FaultServer.ts"
import { address, run, shown } from "../support/programs.ts"
import { Service } from "../support/service.ts"

const connect = Effect.map(Service, ({ url }) => {
  const { count, fetch } = countingFetch()
  const provider = createOpenAICompatible({
    name: "understudy",
    baseURL: `${url}/v1`,
    includeUsage: true,
    supportsStructuredOutputs: true,
    fetch
  })
  return { model: provider("understudy"), requests: count }
})

const weather = tool({
  description: "What the weather is like",
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => `rain in ${city}`
})
const sunny = Output.object({ schema: z.object({ sunny: z.boolean() }) })

const aborting = () => new AbortController()

const streamed = (options: Parameters<typeof streamText>[0]) =>
  Effect.promise(async () => {
    // Errors are looked for among the parts.
    const result = streamText({ onError: () => {}, ...options })
    let text = ""
    const errors: Array<unknown> = []
    const kinds: Array<string> = []
    for await (const part of result.stream) {
      kinds.push(part.type)
      if (part.type === "text-delta") text += part.text
      if (part.type === "error") errors.push(part.error)
    }
    return { result, text, errors, kinds }
  })

layer(Service.layer("openai", clientEnv), { excludeTestServices: true, timeout: "60 seconds" })("the AI SDK", (it) => {
  it.effect("gets a fallback in the same form, whole and streamed", () =>
    Effect.gen(function*() {
      const { model } = yield* connect
      const provider = yield* FaultServer
      const ask = (instructions: string, prompt: string) =>
        Effect.promise(() => generateText({ model, instructions, prompt, include: { responseBody: true } }))
      const prompt = "Write a blog post about sourdough starters"
      yield* provider.respondWithEach([Mode.say("Feed it daily, arr.")])
      yield* remembering(ask("You are a pirate", prompt))
      yield* whileProvider(down)
      for (
        const [instructions, asked, source] of [
          ["You are a pirate", prompt, "cache"],
          ["You are a pirate", "Could you draft an article on sourdough starters, please?", "cache"],
          ["You are a notary", prompt, "template"]
        ] as const
      ) {
        const whole = yield* ask(instructions, asked)
        const { errors, result, text } = yield* streamed({ model, instructions, prompt: asked })
        assert.deepStrictEqual(errors, [])
        assert.strictEqual(text, whole.text)
        if (source === "cache") assert.strictEqual(text, "Feed it daily, arr.")
        else assert.include(text.toLowerCase(), "sourdough starters")
        assert.strictEqual(provenanceOf(whole.response.body).source, source)
        const response = yield* Effect.promise(() => result.response)
        for (const { headers } of [whole.response, response]) assert.strictEqual(headers?.["understudy-source"], source)
        const usage = yield* Effect.promise(() => result.usage)
        for (const { totalTokens } of [whole.usage, usage]) assert.strictEqual(totalTokens, 0)
        assert.strictEqual(whole.finishReason, "stop")
      }
    }))

  it.effect("gets objects of a schema, which is passed on", () =>
    Effect.gen(function*() {
      const { model } = yield* connect
      const provider = yield* FaultServer
      const ask = () => generateText({ model, output: sunny, prompt: "Is it sunny in Linz?" })
      yield* provider.respondWithEach([Mode.say(`{"sunny":true}`)])
      const { output } = yield* remembering(Effect.promise(ask))
      assert.deepStrictEqual(output, { sunny: true })
      const format: unknown = Reflect.get(Object(provider.calls().at(-1)?.body), "response_format")
      assert.deepInclude(format, { type: "json_schema" })
      assert.match(JSON.stringify(format), /"sunny":\{"type":"boolean"\}/)

      yield* provider.respondWithEach([Mode.say(`{"sunny":false}`)])
      const { text } = yield* streamed({ model, output: sunny, prompt: "Is it sunny in Wels?" })
      assert.strictEqual(text, `{"sunny":false}`)

      yield* whileProvider(down)
      const again = yield* Effect.promise(ask)
      assert.deepStrictEqual(again.output, { sunny: true }, "the very same request")
      const error = yield* failureOf(() =>
        generateText({ model, output: sunny, prompt: "Is it sunny in Steyr?", maxRetries: 0 })
      )
      assert.isFalse(NoObjectGeneratedError.isInstance(error), "no template stands in for an object")
      assert.deepInclude(error, { statusCode: 503 })
    }))

  it.effect("generates text, with usage, an id, and headers that say where it comes from", () =>
    Effect.gen(function*() {
      const { model } = yield* connect
      const provider = yield* FaultServer
      const { finishReason, response, text, usage, warnings } = yield* Effect.promise(() =>
        generateText({
          model,
          instructions: "You are a gardener",
          prompt: "Write about roses",
          temperature: 0.4,
          maxOutputTokens: 70
        })
      )
      assert.strictEqual(text, "Answer to: Write about roses")
      assert.strictEqual(finishReason, "stop")
      assert.deepStrictEqual([usage.inputTokens, usage.outputTokens, usage.totalTokens], [7, 11, 18])
      assert.match(response.id, /^gen_/)
      assert.strictEqual(response.modelId, "fault-model")
      assert.strictEqual(response.headers?.["understudy-source"], "live")
      assert.match(response.headers?.["x-request-id"] ?? "", /^req_/)
      assert.deepStrictEqual(warnings, [])
      assert.deepStrictEqual(provider.calls().at(-1)?.body, {
        model: "fault-model",
        messages: [
          { role: "system", content: "You are a gardener" },
          { role: "user", content: "Write about roses" }
        ],
        temperature: 0.4,
        max_tokens: 70
      })
    }))

  it.effect("streams text, with usage and how it ended, whatever the provider's pace and the comments between", () =>
    Effect.gen(function*() {
      const { model } = yield* connect
      const prompt = "Schreib über Käse: 🧀"
      for (const [n, mode] of [Mode.answer, StreamMode.byteByByte, StreamMode.slow(60)].entries()) {
        yield* whileProvider(mode)
        const { errors, result, text } = yield* streamed({ model, prompt: `${n}. ${prompt}` })
        assert.deepStrictEqual(errors, [])
        assert.strictEqual(text, `Answer to: ${n}. ${prompt}`)
        assert.strictEqual(yield* Effect.promise(() => result.finishReason), "stop")
        const usage = yield* Effect.promise(() => result.usage)
        assert.deepStrictEqual([usage.inputTokens, usage.outputTokens, usage.totalTokens], [7, 11, 18])
        const response = yield* Effect.promise(() => result.response)
        assert.match(response.id, /^gen_/)
        assert.strictEqual(response.headers?.["understudy-source"], "live")
      }
      const pieces = yield* Effect.promise(async () => {
        const seen: Array<string> = []
        for await (const piece of streamText({ model, prompt: "Write about tea" }).textStream) seen.push(piece)
        return seen
      })
      assert.strictEqual(pieces.join(""), "Answer to: Write about tea")
    }))

  it.effect("gives a stream that breaks off as an error part, after all that has come", () =>
    Effect.gen(function*() {
      const { model, requests } = yield* connect
      const broken = [StreamMode.resetAfter(2), StreamMode.errorAfter(2), StreamMode.stallAfter(2)]
      for (const [n, mode] of broken.entries()) {
        yield* whileProvider(mode)
        const { errors, kinds, result, text } = yield* streamed({ model, prompt: `${n} things about breaking off` })
        assert.strictEqual(text, "Answer to: ")
        assert.strictEqual(errors.length, 1)
        assert.deepInclude(errors[0], { code: "stream_broken", type: "server_error" })
        assert.strictEqual(kinds.at(-1), "finish")
        assert.strictEqual(yield* Effect.promise(() => result.finishReason), "error")
      }
      yield* whileProvider(StreamMode.resetAfter(2))
      const [seen, told] = yield* Effect.promise(async () => {
        const errors: Array<unknown> = []
        const { textStream } = streamText({
          model,
          prompt: "Write about the end of a text",
          onError: ({ error }) => void errors.push(error)
        })
        let text = ""
        for await (const piece of textStream) text += piece
        return [text, errors] as const
      })
      assert.strictEqual(seen, "Answer to: ", "a stream of text only ends")
      assert.deepInclude(told[0], { code: "stream_broken" })
      assert.strictEqual(requests(), broken.length + 1, "nothing is tried again after the first piece")
    }))

  it.effect("ends the provider's call when it is aborted", () =>
    Effect.gen(function*() {
      const { model } = yield* connect
      const provider = yield* FaultServer
      yield* whileProvider(StreamMode.stallAfter(2))
      const before = provider.counts()
      const abort = aborting()
      const { kinds, text } = yield* streamed({
        model,
        prompt: "Write about leaving",
        abortSignal: abort.signal,
        onChunk: ({ chunk }) => {
          if (chunk.type === "text-delta") abort.abort()
        }
      })
      assert.strictEqual(text, "Answer to: ")
      assert.include(kinds, "abort")
      yield* provider.until(({ aborted }) => aborted === before.aborted + 1)

      yield* whileProvider(Mode.hangBeforeHeaders)
      const early = aborting()
      const call = generateText({ model, prompt: "Write about giving up", abortSignal: early.signal })
      yield* provider.until(({ received }) => received === before.received + 2)
      early.abort()
      assert.propertyVal(yield* failureOf(() => call), "name", "AbortError")
      yield* provider.until(({ aborted }) => aborted === before.aborted + 2)
    }))

  it.effect("calls tools and goes on with their results, whole and streamed", () =>
    Effect.gen(function*() {
      const { model } = yield* connect
      const provider = yield* FaultServer
      const settings = { model, tools: { weather }, stopWhen: isStepCount(2) }
      const call = `{"city":"Graz"}`
      yield* provider.respondWithEach([toolCall("weather", call), Mode.say("Take an umbrella.")])
      const whole = yield* Effect.promise(() =>
        generateText({ ...settings, prompt: "What about the weather in Graz?" })
      )
      assert.strictEqual(whole.text, "Take an umbrella.")
      assert.strictEqual(whole.steps[0]?.finishReason, "tool-calls")
      assert.deepInclude(whole.steps[0]?.toolResults[0], { toolName: "weather", output: "rain in Graz" })

      yield* provider.respondWithEach([StreamMode.toolCall("weather", call), Mode.say("Take a coat.")])
      const { errors, kinds, text } = yield* streamed({ ...settings, prompt: "And what about tomorrow in Graz?" })
      assert.deepStrictEqual(errors, [])
      assert.strictEqual(text, "Take a coat.")
      assert.includeMembers(kinds, ["tool-input-delta", "tool-call", "tool-result"])
    }))

  it.effect("fails with the status and the words of the error, and without a retry where none helps", () =>
    Effect.gen(function*() {
      const { model, requests } = yield* connect
      const provider = yield* FaultServer
      for (const status of [400, 404, 422]) {
        yield* provider.respondWithEach([Mode.status(status)])
        const error = yield* failureOf(() => generateText({ model, prompt: `Refuse this with ${status}` }))
        if (!APICallError.isInstance(error)) return assert.fail(String(error))
        assert.deepStrictEqual([error.statusCode, error.isRetryable], [status, false])
        assert.include(error.message, `the fault server answers ${status}`)
      }
      assert.strictEqual(requests(), 3)
    }))

  it.effect("tries a 503 twice more by itself, after Retry-After, and not at all with maxRetries: 0", () =>
    Effect.gen(function*() {
      const { model, requests } = yield* connect
      const provider = yield* FaultServer
      yield* whileProvider(down)
      const ask = (prompt: string, settings: { readonly maxRetries?: number }) =>
        failureOf(() => generateText({ model, tools: { weather }, prompt, ...settings }))
      const asked = yield* providerCalls(Effect.gen(function*() {
        const error = yield* ask("Will it rain?", { maxRetries: 0 })
        if (!APICallError.isInstance(error)) return assert.fail(String(error))
        assert.strictEqual(error.statusCode, 503)
        assert.strictEqual(error.responseHeaders?.["x-should-retry"], "false")
        assert.match(error.responseHeaders?.["retry-after"] ?? "", /^\d+$/)
      }))
      assert.deepStrictEqual([requests(), asked], [1, 2], "the ladder's own attempts, and no more")

      const last = Mode.status(503, { "retry-after": "1" })
      yield* provider.respondWithEach([down, last, down, last, down, last])
      const error = yield* ask("Will it rain tomorrow?", {})
      assert.isTrue(RetryError.isInstance(error))
      assert.strictEqual(requests() - 1, 3)
    }))

  it.effect("runs as docs/openai.md shows it, and the OpenAI SDK does too", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const provider = yield* FaultServer
      const before = provider.counts().received
      assert.strictEqual(shown.length, 2)
      for (const program of shown) {
        assert.include(program, address)
        const output = yield* run(program.replaceAll(address, url))
        assert.strictEqual(output.trim(), `Answer to: ${provider.calls().at(-1)?.prompt}`)
      }
      assert.strictEqual(provider.counts().received - before, shown.length)
    }))
})
