/** The OpenAI SDK against the whole service: answers, fallbacks, tools and errors. Streams: openai-client-streams.test.ts */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import {
  type APIError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
  UnprocessableEntityError
} from "openai"
import type { ChatCompletionMessageParam, ChatCompletionTool } from "openai/resources"
import {
  apiErrorOf,
  clientEnv,
  clientKey,
  down,
  openAiClient,
  provenanceOf,
  providerCalls,
  remembering,
  toolCall,
  whileProvider
} from "../support/clients.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { Service } from "../support/service.ts"

const concurrency = 3
const env = { ...clientEnv, API_KEYS: `alpha:${clientKey}`, KEY_CONCURRENCY: `${concurrency}` }

const model = "understudy"
const user = (content: string): Array<ChatCompletionMessageParam> => [{ role: "user", content }]
const tools: Array<ChatCompletionTool> = [{
  type: "function",
  function: {
    name: "weather",
    description: "What the weather is like",
    parameters: { type: "object", properties: { city: { type: "string" } } }
  }
}]
const shape = {
  type: "json_schema",
  json_schema: { name: "weather", strict: true, schema: { type: "object", properties: { sunny: { type: "boolean" } } } }
} as const

layer(Service.layer("openai", env), { excludeTestServices: true, timeout: "60 seconds" })(
  "the OpenAI SDK",
  (it) => {
    it.effect("gets, with the provider down, the same or a similar answer of the same system prompt, else a template", () =>
      Effect.gen(function*() {
        const { client } = yield* openAiClient()
        const provider = yield* FaultServer
        const ask = (system: string, content: string) =>
          Effect.promise(() =>
            client.chat.completions.create({
              model,
              messages: [{ role: "system", content: system }, { role: "user", content }]
            }).withResponse()
          )
        const prompt = "Write a blog post about sourdough starters"
        yield* provider.respondWithEach([Mode.say("Feed it daily, arr.")])
        const live = yield* remembering(ask("You are a pirate", prompt))
        yield* whileProvider(down)

        for (
          const [system, asked, source, match] of [
            ["You are a pirate", prompt, "cache", "exact"],
            [
              "You are a pirate",
              "Could you draft an article on sourdough starters, please?",
              "cache",
              "similar"
            ],
            ["You are a notary", prompt, "template", null]
          ] as const
        ) {
          const { data, response } = yield* ask(system, asked)
          const { attempts, fallback, provider: whose, source: found } = provenanceOf(data)
          assert.deepStrictEqual([found, fallback?.match, fallback?.reason], [source, match, "unavailable"])
          assert.deepStrictEqual([whose, attempts], [null, 2])
          assert.strictEqual(response.headers.get("understudy-source"), source)
          assert.strictEqual(response.headers.has("age"), source === "cache")
          assert.strictEqual(data.choices[0]?.finish_reason, "stop")
          assert.deepStrictEqual(data.usage, { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 })
          const text = data.choices[0]?.message.content ?? ""
          if (source === "template") assert.include(text.toLowerCase(), "sourdough starters")
          else assert.deepStrictEqual([text, data.id], ["Feed it daily, arr.", live.data.id])
        }
      }))

    it.effect("has tools and response formats passed on, and only the answer to the very same request stands in", () =>
      Effect.gen(function*() {
        const { client, requests } = yield* openAiClient()
        const provider = yield* FaultServer
        const ask = (content: string, more: object) => () =>
          client.chat.completions.create({ model, messages: user(content), ...more })
        const known = [
          ["Is it sunny in Linz?", { tools, tool_choice: "auto" }, "Yes, it is."],
          ["Is it sunny in Wels?", { response_format: shape }, `{"sunny":true}`]
        ] as const
        for (const [prompt, more, text] of known) {
          yield* provider.respondWithEach([Mode.say(text)])
          yield* remembering(Effect.promise(ask(prompt, more)))
          assert.deepInclude(provider.calls().at(-1)?.body, more)
        }
        yield* provider.respondWithEach([toolCall("weather", "{}")])
        yield* Effect.promise(ask("Is it sunny in Bregenz?", { tools }))

        yield* whileProvider(down)
        for (const [prompt, more, text] of known) {
          const again = yield* Effect.promise(ask(prompt, more))
          assert.strictEqual(provenanceOf(again).fallback?.match, "exact")
          assert.strictEqual(again.choices[0]?.message.content, text)
        }
        for (
          const [prompt, more] of [
            ["Is it sunny in Bregenz?", { tools }],
            ["Is it sunny in Linz?", { tools, tool_choice: "required" }],
            ["Is it sunny in Linz now?", { tools, tool_choice: "auto" }],
            ["Is it sunny in Wels?", { response_format: { type: "json_object" } }]
          ] as const
        ) {
          const before = requests()
          const asked = yield* providerCalls(Effect.gen(function*() {
            const error = yield* apiErrorOf(ask(prompt, more), InternalServerError)
            assert.deepStrictEqual([error.status, error.code, error.type], [503, "unavailable", "server_error"])
            assert.match(error.headers.get("retry-after") ?? "", /^\d+$/)
            assert.strictEqual(error.headers.get("x-should-retry"), "false")
            assert.match(error.requestID ?? "", /^req_/)
          }))
          assert.strictEqual(asked, 2, "the ladder's own attempts")
          assert.strictEqual(requests() - before, 1, "and no retry of the SDK's")
        }
      }))

    it.effect("gets an answer with its usage, an id, and headers that say where it comes from", () =>
      Effect.gen(function*() {
        const { client } = yield* openAiClient()
        const { data, request_id, response } = yield* Effect.promise(() =>
          client.chat.completions.create({ model, messages: user("Write about tea") }).withResponse()
        )
        assert.strictEqual(data.choices[0]?.message.content, "Answer to: Write about tea")
        assert.strictEqual(data.choices[0]?.finish_reason, "stop")
        assert.deepStrictEqual([data.object, data.model], ["chat.completion", "fault-model"])
        assert.deepStrictEqual(data.usage, { prompt_tokens: 7, completion_tokens: 11, total_tokens: 18 })
        assert.match(data.id, /^gen_/)
        assert.match(request_id ?? "", /^req_/)
        assert.strictEqual(response.headers.get("x-request-id"), request_id)
        assert.strictEqual(response.headers.get("understudy-source"), "live")
        assert.match(response.headers.get("cache-status") ?? "", /stored/)
        assert.deepStrictEqual(provenanceOf(data), {
          source: "live",
          provider: provenanceOf(data).provider,
          attempts: 1,
          fallback: null,
          upgrade: null
        })
        const named = yield* Effect.promise(() =>
          client.chat.completions.create({ model, messages: user("Write about tea") }, {
            headers: { "x-request-id": "my-own:1" }
          })
        )
        assert.strictEqual(named._request_id, "my-own:1")
      }))

    it.effect("reaches the provider as it asked: messages, parameters known and unknown, another model", () =>
      Effect.gen(function*() {
        const { client } = yield* openAiClient()
        const provider = yield* FaultServer
        const messages: Array<ChatCompletionMessageParam> = [
          { role: "system", content: "You are a gardener", name: "boss" },
          { role: "user", content: [{ type: "text", text: "Write about " }, { type: "text", text: "roses" }] },
          { role: "assistant", content: "They have thorns." },
          { role: "user", content: "And tulips?" }
        ]
        const parameters = {
          messages,
          temperature: 0.3,
          max_completion_tokens: 77,
          metadata: { site: "blog" },
          top_k: 40,
          of_tomorrow: { deep: [1, "zwei", null] }
        }
        const completion = yield* Effect.promise(() => client.chat.completions.create({ model, ...parameters }))
        assert.strictEqual(completion.choices[0]?.message.content, "Answer to: And tulips?")
        assert.deepStrictEqual(provider.calls().at(-1)?.body, { model: "fault-model", ...parameters })

        const other = yield* Effect.promise(() =>
          client.chat.completions.create({ model: "another-model", messages: user("Write about lilies") })
        )
        assert.strictEqual(other.model, "another-model")
      }))

    it.effect("lists the models", () =>
      Effect.gen(function*() {
        const { client } = yield* openAiClient()
        const ids = yield* Effect.promise(async () => {
          const seen: Array<string> = []
          for await (const { id } of client.models.list()) seen.push(id)
          return seen
        })
        assert.deepStrictEqual(ids, ["understudy", "fault-model"])
      }))

    it.effect("calls tools and goes on with their results", () =>
      Effect.gen(function*() {
        const { client } = yield* openAiClient()
        const provider = yield* FaultServer
        yield* provider.respondWithEach([toolCall("weather", `{"city":"Graz"}`), Mode.say("Take an umbrella.")])
        const runner = client.chat.completions.runTools({
          model,
          messages: user("What is the weather in Graz?"),
          tools: [{
            type: "function",
            function: {
              name: "weather",
              description: "What the weather is like",
              parameters: { type: "object", properties: { city: { type: "string" } } },
              function: (args: string) => `rain, for ${args}`
            }
          }]
        })
        assert.strictEqual(yield* Effect.promise(() => runner.finalContent()), "Take an umbrella.")
        const [, , result] = runner.messages
        assert.deepInclude(result, { role: "tool", content: `rain, for {"city":"Graz"}`, tool_call_id: "call_fault" })
      }))

    it.effect("throws what is wrong with the request, and does not try it again", () =>
      Effect.gen(function*() {
        const { client, requests } = yield* openAiClient()
        const empty = yield* apiErrorOf(() => client.chat.completions.create({ model, messages: [] }), BadRequestError)
        assert.deepStrictEqual([empty.status, empty.code, empty.param, empty.type], [
          400,
          "invalid_request",
          "messages",
          "invalid_request_error"
        ])
        assert.include(empty.message, "message")
        const path = yield* apiErrorOf(() => client.embeddings.create({ model, input: "tea" }), NotFoundError)
        assert.deepStrictEqual([path.status, path.code], [404, "not_found"])
        assert.match(path.requestID ?? "", /^req_/)
        assert.strictEqual(requests(), 2)
      }))

    it.effect("throws what the provider refuses, with the provider's status and words", () =>
      Effect.gen(function*() {
        const { client, requests } = yield* openAiClient()
        const provider = yield* FaultServer
        const refused = Effect.fnUntraced(function*<E extends APIError>(
          status: number,
          expected: abstract new(...args: Array<never>) => E
        ) {
          yield* provider.respondWithEach([Mode.status(status)])
          const messages = user(`Refuse this with ${status}`)
          const error = yield* apiErrorOf(() => client.chat.completions.create({ model, messages }), expected)
          assert.deepStrictEqual([error.status, error.code], [status, "request_refused"])
          assert.include(error.message, `the fault server answers ${status}`)
        })
        yield* refused(400, BadRequestError)
        yield* refused(404, NotFoundError)
        yield* refused(422, UnprocessableEntityError)
        assert.strictEqual(requests(), 3)
      }))

    it.effect("gets one answer for one Idempotency-Key, and tries again by itself while that is under way", () =>
      Effect.gen(function*() {
        const { client, requests } = yield* openAiClient()
        const provider = yield* FaultServer
        const headers = { "Idempotency-Key": "5a0b7f0e" }
        const messages = user("Write about patience")
        const ask = (maxRetries: number) => () =>
          client.chat.completions.create({ model, messages }, { headers, maxRetries })
        yield* provider.respondWithEach([Mode.wait(700)])
        const before = provider.counts().received
        const first = ask(2)()
        yield* provider.until(({ received }) => received > before)
        const conflict = yield* apiErrorOf(ask(0), ConflictError)
        assert.deepStrictEqual([conflict.status, conflict.code], [409, "idempotency_conflict"])

        const patient = yield* Effect.promise(() => ask(2)().withResponse())
        assert.strictEqual(patient.response.headers.get("idempotent-replayed"), "true")
        assert.strictEqual(patient.data.id, (yield* Effect.promise(() => first)).id)
        assert.strictEqual(requests(), 4, "one was tried again")
        assert.strictEqual(provider.counts().received - before, 1)

        const other = yield* apiErrorOf(
          () => client.chat.completions.create({ model, messages: user("Write about haste") }, { headers }),
          UnprocessableEntityError
        )
        assert.deepStrictEqual([other.status, other.code], [422, "idempotency_mismatch"])
      }))

    it.effect("needs a key that is configured", () =>
      Effect.gen(function*() {
        const { client, requests } = yield* openAiClient({ apiKey: "none" })
        const ask = () => client.chat.completions.create({ model, messages: user("Write about tea") })
        for (const run of [ask, () => client.models.list()]) {
          const error = yield* apiErrorOf(run, AuthenticationError)
          assert.deepStrictEqual([error.status, error.code], [401, "invalid_api_key"])
        }
        assert.strictEqual(requests(), 2)
      }))

    it.effect("is told when its key asks for too much, and comes back after Retry-After by itself", () =>
      Effect.gen(function*() {
        const { client, requests } = yield* openAiClient()
        const provider = yield* FaultServer
        const ask = (content: string, maxRetries: number) => () =>
          client.chat.completions.create({ model, messages: user(content) }, { maxRetries })
        const all = Array.from({ length: concurrency }, (_, n) => n)
        yield* provider.respondWithEach(all.map(() => Mode.wait(500)))
        const before = provider.counts().received
        const running = Promise.all(all.map((n) => ask(`Write about lock ${n}`, 2)()))
        yield* provider.until(({ received }) => received === before + concurrency)
        const error = yield* apiErrorOf(ask("Write about keys", 0), RateLimitError)
        assert.deepStrictEqual([error.status, error.code, error.type], [
          429,
          "rate_limit_exceeded",
          "rate_limit_error"
        ])
        assert.strictEqual(error.headers.get("retry-after"), "1")

        const second = yield* Effect.promise(ask("Write about keys", 2))
        assert.strictEqual(second.choices[0]?.message.content, "Answer to: Write about keys")
        for (const first of yield* Effect.promise(() => running)) {
          assert.strictEqual(provenanceOf(first).source, "live")
        }
        assert.strictEqual(requests(), concurrency + 3, "one was tried again")
      }))
  }
)
