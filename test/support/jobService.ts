/** All endpoints over real sockets: the real ladder with scripted ends, and jobs that go on when the test says so. */
import { NodeHttpServer } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import { Context, Duration, Effect, Layer, Logger, Schema } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer, type OutgoingHttpHeaders } from "node:http"
import { GenerationId, type LiveGeneration, Namespace } from "../../src/domain/Generation.ts"
import type { JobOutcome } from "../../src/domain/jobs/Job.ts"
import { JobResponse } from "../../src/http/api/Job.ts"
import { LongestWait } from "../../src/http/handlers/answers/background.ts"
import { KeepAlive } from "../../src/http/handlers/answers/eventStream.ts"
import { Routes } from "../../src/http/handlers/Routes.ts"
import { ApiKeys } from "../../src/services/ApiKeys.ts"
import { CallbackSender } from "../../src/services/CallbackSender.ts"
import { Idempotency } from "../../src/services/Idempotency.ts"
import { Readiness } from "../../src/services/Readiness.ts"
import { type Reply, send } from "./http.ts"
import { answers, makeLadder, type Scripted } from "./scripted.ts"
import { makeScriptedJobs } from "./scriptedJobs.ts"

/** Each of two namespaces has a key of its name. */
const keys: ApiKeys["Service"] = {
  anonymous: undefined,
  callerOf: (key) => key === "alpha" || key === "beta" ? { namespace: Namespace.make(key) } : undefined,
  isAdmin: (key) => key === "admin"
}

/** Allows HTTPS only. */
const callbacks: CallbackSender["Service"] = {
  refusalOf: (namespace, url) => url.startsWith("https://") ? undefined : `not from ${namespace}: use https`,
  send: () => Effect.void
}

export interface Call {
  readonly method?: "GET" | "POST" | "DELETE"
  readonly headers?: OutgoingHttpHeaders
  readonly body?: object
  /** Whose key comes with it. Default alpha. */
  readonly who?: "alpha" | "beta" | "admin"
}

export const serveJobs = Effect.fnUntraced(function*(scripted: Scripted = { script: [answers] }) {
  const jobs = yield* makeScriptedJobs
  const { layer, seen } = makeLadder(scripted)
  const lines: Array<string> = []
  const context = yield* Layer.build(
    HttpRouter.serve(Routes, {
      disableLogger: true,
      disableListenLog: true,
      routerConfig: { maxParamLength: 16_384 }
    }).pipe(
      Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })),
      Layer.provide([
        jobs.layer,
        Layer.succeed(ApiKeys, keys),
        Layer.succeed(CallbackSender, callbacks),
        Layer.succeed(KeepAlive, Duration.millis(50)),
        Layer.succeed(LongestWait, Duration.seconds(20)),
        Idempotency.layerMemory(),
        Readiness.layer()
      ]),
      Layer.provide(layer),
      Layer.provide(Logger.layer([Logger.map(Logger.formatLogFmt, (line) => void lines.push(line))]))
    )
  )
  const url = HttpServer.formatAddress(Context.get(context, HttpServer.HttpServer).address)
  const call = (path: string, { body, headers, method, who = "alpha" }: Call = {}) =>
    send(`${url}${path}`, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        authorization: `Bearer ${who}`,
        ...body !== undefined && { "content-type": "application/json" },
        ...headers
      },
      body: body === undefined ? undefined : JSON.stringify(body)
    })
  return { url, jobs, seen, logs: () => lines, call }
})

const decodeJob = Schema.decodeUnknownSync(Schema.fromJsonString(JobResponse), { onExcessProperty: "error" })

/** The body of a response that shows a job, held to the contract. */
export const jobOf = (reply: Reply, status = 200): typeof JobResponse.Type => {
  assert.strictEqual(reply.status, status, reply.text)
  assert.match(reply.headers["content-type"] ?? "", /^application\/json\b/)
  assert.strictEqual(reply.headers["cache-control"], "no-store")
  const job = decodeJob(reply.text)
  assert.strictEqual(reply.headers["retry-after"] === undefined, job.ended_at !== null, "a hint until it has ended")
  return job
}

export const live: LiveGeneration = {
  source: "live",
  id: GenerationId.make("gen_live"),
  text: "a live answer",
  attempts: 2,
  provider: "scripted",
  model: "m-1",
  usage: { inputTokens: 3, outputTokens: 4 },
  isRemembered: true,
  finishReason: "stop"
}
export const answered: JobOutcome = { _tag: "Answered", generation: live }
export const refused: JobOutcome = { _tag: "Refused", provider: "scripted", status: 400, message: "against our policy" }
export const unanswered: JobOutcome = { _tag: "Unanswered", reason: "circuit_open" }
