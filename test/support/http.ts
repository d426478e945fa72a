/** A plain HTTP client for tests of the service: one connection per request unless told otherwise. */
import { assert } from "@effect/vitest"
import { type Duration, Effect, Schema } from "effect"
import { type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http"
import { GenerateResponse } from "../../src/http/api/Answers.ts"

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface Sending {
  readonly method?: string | undefined
  readonly headers?: OutgoingHttpHeaders | undefined
  readonly body?: string | Uint8Array | undefined
  readonly agent?: Agent | undefined
}

/** Interrupting it closes the connection, as a client that goes away does. */
export const send = (url: string, { agent, body, headers, method = "GET" }: Sending = {}) =>
  Effect.callback<Reply, Error>((resume) => {
    const client = request(url, { method, agent: agent ?? false, headers: headers ?? {} }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk) => chunks.push(chunk))
      response.on("error", (error) => resume(Effect.fail(error)))
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8")
        resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, text }))
      })
    })
    client.on("error", (error) => resume(Effect.fail(error)))
    client.end(body)
    return Effect.sync(() => client.destroy())
  })

export interface Asking {
  readonly headers?: OutgoingHttpHeaders | undefined
  readonly agent?: Agent | undefined
}

/** `POST /generate`; a text is a request with nothing but the prompt. */
export const ask = (url: string, request: string | object, { agent, headers }: Asking = {}) =>
  send(`${url}/generate`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(typeof request === "string" ? { prompt: request } : request),
    agent
  })

/** Asks the provider and leaves nothing in the cache. */
export const noStore: Asking = { headers: { "cache-control": "no-store" } }

const decodeGeneration = Schema.decodeUnknownSync(Schema.fromJsonString(GenerateResponse), {
  onExcessProperty: "error"
})

/** The body of a 200, held to the contract, and its headers to its body. */
export const generationOf = (reply: Reply): GenerateResponse => {
  assert.strictEqual(reply.status, 200, reply.text)
  assert.match(reply.headers["content-type"] ?? "", /^application\/json\b/)
  const generation = decodeGeneration(reply.text)
  assert.match(generation.text, /\S/)
  assert.strictEqual(reply.headers["understudy-source"], generation.source)
  assert.match(reply.headers["cache-status"]?.toString() ?? "", /^understudy; /)
  assert.strictEqual(reply.headers.age, generation.fallback?.age_seconds?.toString())
  assert.strictEqual(generation.fallback === null, generation.source === "live")
  return generation
}

const Problem = Schema.Struct({
  type: Schema.String,
  title: Schema.String,
  status: Schema.Int,
  detail: Schema.String,
  errors: Schema.optionalKey(Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String }))),
  provider: Schema.optionalKey(Schema.String),
  provider_status: Schema.optionalKey(Schema.Int),
  retry_after: Schema.optionalKey(Schema.Int)
})

const decodeProblem = Schema.decodeUnknownSync(Schema.fromJsonString(Problem), { onExcessProperty: "error" })

/** The body of an error, held to RFC 9457. */
export const problemOf = (reply: Reply, status: number): typeof Problem.Type => {
  assert.strictEqual(reply.status, status, reply.text)
  assert.match(reply.headers["content-type"] ?? "", /^application\/problem\+json\b/)
  const problem = decodeProblem(reply.text)
  assert.strictEqual(problem.status, status)
  assert.match(problem.type, /^urn:understudy:problem:/)
  assert.notMatch(reply.text, /node_modules|\.ts:\d|\bat \w+ \(/, "no stack")
  return problem
}

/** Sums the samples of one metric whose labels hold all the given ones. */
export const metric = (url: string, name: string, labels: Readonly<Record<string, string>> = {}) =>
  Effect.map(send(`${url}/metrics`), ({ text }) => {
    let sum = 0
    for (const line of text.split("\n")) {
      const [, found, held = "", value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
      if (found !== name || !Object.entries(labels).every(([key, label]) => held.includes(`${key}="${label}"`))) {
        continue
      }
      sum += Number(value)
    }
    return sum
  })

/** What the service says of its first provider. */
export const load = (url: string) =>
  Effect.map(send(`${url}/health/ready`), ({ text }) => {
    const [, circuit, running, waiting] = /"circuit":"(\w+)","running":(\d+),"waiting":(\d+)/.exec(text) ?? []
    return { circuit, running: Number(running), waiting: Number(waiting) }
  })

/** Looks again and again until it holds; in the end fails with what it saw last. */
export const eventually = <A, E, R>(
  look: Effect.Effect<A, E, R>,
  holds: (seen: A) => boolean,
  what: string,
  within: Duration.Input = "15 seconds"
) =>
  Effect.gen(function*() {
    let last: A | undefined
    const watch = Effect.gen(function*() {
      while (true) {
        last = yield* look
        if (holds(last)) return last
        yield* Effect.sleep("20 millis")
      }
    })
    return yield* Effect.timeoutOrElse(watch, {
      duration: within,
      orElse: () => Effect.die(new Error(`never saw that ${what}; at last: ${JSON.stringify(last)}`))
    })
  })

/** Waits until the service has stored so many answers more than `before`. */
export const remembered = (url: string, before: number, more = 1) =>
  eventually(metric(url, "understudy_cache_remembered_total"), (now) => now >= before + more, "answers are remembered")
