/** Other people's clients against the whole service: what their tests share. */
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import OpenAI, { type APIError, type ClientOptions } from "openai"
import { FaultServer, Mode } from "./FaultServer.ts"
import { eventually, send } from "./http.ts"
import { type Environment, Service } from "./service.ts"

/** Quick to give up, never out of the circuit, and talkative while it is silent. */
export const clientEnv: Environment = {
  BREAKER_FAILURES: "100000",
  RETRY_BASE_DELAY: "10 millis",
  RETRY_BUDGET_FLOOR: "100000",
  STALL_TIMEOUT: "1500 millis",
  STREAM_KEEP_ALIVE: "20 millis"
}

/** Sent by every client here, whether the service asks for it or not. */
export const clientKey = "key-of-alpha-1234"

/** A provider that is down. */
export const down = Mode.status(500)

/** A `fetch` that counts what really goes over the wire. */
export const countingFetch = () => {
  let count = 0
  const counting: typeof fetch = (...call) => {
    count++
    return fetch(...call)
  }
  return { fetch: counting, count: () => count }
}

/** An OpenAI SDK client of the running service, with the SDK's own settings unless told otherwise. */
export const openAiClient = (options: ClientOptions = {}) =>
  Effect.map(Service, ({ url }) => {
    const { count, fetch } = countingFetch()
    return {
      client: new OpenAI({ baseURL: `${url}/v1`, apiKey: clientKey, fetch, ...options }),
      /** How many requests it has made. */
      requests: count
    }
  })

/** How the promise failed; it must. */
export const failureOf = (run: () => PromiseLike<unknown>): Effect.Effect<unknown> =>
  Effect.promise(async () => {
    try {
      await run()
    } catch (error) {
      return error
    }
    return assert.fail("it should have failed")
  })

/** An error of this class of the SDK's. */
export const apiErrorOf = <E extends APIError>(
  run: () => PromiseLike<unknown>,
  expected: abstract new(...args: Array<never>) => E
) =>
  Effect.map(
    failureOf(run),
    (error) => error instanceof expected ? error : assert.fail(`${expected.name} expected, got ${String(error)}`)
  )

/** How often the provider is asked while this runs. */
export const providerCalls = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const provider = yield* FaultServer
  const before = provider.counts().received
  yield* effect
  return provider.counts().received - before
})

/**
 * Ends when one more answer is remembered. It must be this one's, so no other may be on its way there: tests that use
 * this stand first in their files.
 */
export const remembering = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const { url } = yield* Service
  const remembered = Effect.map(
    send(`${url}/metrics`, { headers: { authorization: `Bearer ${clientKey}` } }),
    ({ text }) => Number(/^understudy_cache_remembered_total (\d+)/m.exec(text)?.[1] ?? 0)
  )
  const before = yield* remembered
  const answer = yield* effect
  yield* eventually(remembered, (now) => now > before, "the answer is remembered")
  return answer
})

/** The provider does this from now on, and answers again when the scope closes. */
export const whileProvider = Effect.fnUntraced(function*(mode: Mode) {
  const provider = yield* FaultServer
  yield* Effect.acquireRelease(provider.respondWith(mode), () => provider.respondWith(Mode.answer))
})

const Provenance = Schema.Struct({
  understudy: Schema.Struct({
    source: Schema.String,
    provider: Schema.NullOr(Schema.String),
    attempts: Schema.Int,
    fallback: Schema.NullOr(Schema.Struct({ reason: Schema.String, match: Schema.NullOr(Schema.String) })),
    upgrade: Schema.NullOr(Schema.Struct({ job: Schema.String, location: Schema.String }))
  })
})

/** Our own field in a completion or a chunk, which the clients' types do not know. */
export const provenanceOf = (answer: unknown) => Schema.decodeUnknownSync(Provenance)(answer).understudy

/** What a tool's call looks like in an answer that comes whole. */
export const toolCall = (name: string, args: string): Mode => (call) =>
  call.json(200, {
    id: "chatcmpl-fault",
    object: "chat.completion",
    created: 1_760_000_000,
    model: "fault-model",
    choices: [{
      index: 0,
      message: {
        role: "assistant",
        content: null,
        refusal: null,
        tool_calls: [{ id: "call_fault", type: "function", function: { name, arguments: args } }]
      },
      logprobs: null,
      finish_reason: "tool_calls"
    }],
    usage: { prompt_tokens: 7, completion_tokens: 11, total_tokens: 18 }
  })
