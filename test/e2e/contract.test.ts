/** The HTTP contract (DESIGN 6), as a client sees it. */
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Agent } from "node:http"
import { connect } from "node:net"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, problemOf, type Reply, send } from "../support/http.ts"
import { Service } from "../support/service.ts"

const json = { "content-type": "application/json" }
const decodeJson = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Unknown))

const decodeReadiness = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({
  status: Schema.String,
  providers: Schema.Array(Schema.Struct({ circuit: Schema.String })),
  degraded: Schema.Array(Schema.Struct({ what: Schema.String, why: Schema.String }))
})))

/** The provider answers, and the circuit is closed. */
const live = Effect.gen(function*() {
  const provider = yield* FaultServer
  const { url } = yield* Service
  yield* provider.respondWith(Mode.answer)
  yield* eventually(ask(url, "Tea"), (reply) => generationOf(reply).source === "live", "it is live")
})

const post = Effect.fnUntraced(function*(body: string | Uint8Array, headers: Record<string, string> = json) {
  const { url } = yield* Service
  return yield* send(`${url}/generate`, { method: "POST", headers, body })
})

const wrongPaths = (reply: Reply) =>
  (problemOf(reply, 400).errors ?? []).map(({ message, path }) => {
    assert.match(message, /\S/)
    return path
  }).sort()

/** The text of one raw exchange over one connection, until the server has sent as many responses as expected. */
const raw = (url: string, request: string, responses: number) =>
  Effect.callback<string, Error>((resume) => {
    const { hostname, port } = new URL(url)
    let text = ""
    const socket = connect(Number(port), hostname, () => socket.write(request))
    socket.on("error", (error) => resume(Effect.fail(error)))
    socket.on("close", () => resume(Effect.succeed(text)))
    socket.on("data", (chunk) => {
      text += chunk.toString("utf8")
      if (text.split("HTTP/1.1 ").length > responses && text.trimEnd().endsWith("}")) socket.destroy()
    })
    return Effect.sync(() => socket.destroy())
  })

const env = { RETRY_BASE_DELAY: "10 millis", BREAKER_COOLDOWN: "50 millis" }

layer(Service.layer("openai", env), { excludeTestServices: true, timeout: "60 seconds" })("the HTTP contract", (it) => {
  it.effect("a wrong request hears of every wrong field at once, by its path", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(wrongPaths(yield* post("{}")), ["body.prompt"])
      assert.deepStrictEqual(
        wrongPaths(
          yield* post(
            JSON.stringify({ prompt: " \n", max_tokens: 1.5, model: "", content_type: 7, locale: "x".repeat(201) })
          )
        ),
        ["body.content_type", "body.locale", "body.max_tokens", "body.model", "body.prompt"]
      )
      assert.deepStrictEqual(wrongPaths(yield* post(JSON.stringify({ prompt: "Tea", temperature: 1 }))), [
        "body.temperature"
      ])
      for (const max_tokens of [0, -1, 1_000_001, "200", true, []]) {
        assert.deepStrictEqual(wrongPaths(yield* post(JSON.stringify({ prompt: "Tea", max_tokens }))), [
          "body.max_tokens"
        ])
      }
    }))

  it.effect("a body that is no JSON object is refused as such", () =>
    Effect.gen(function*() {
      for (const body of ["", "  ", "{", "{\"prompt\":\"Tea\"", "[]", "null", "7", "\"Tea\"", "prompt=Tea", "\u0000"]) {
        assert.deepStrictEqual(wrongPaths(yield* post(body)), ["body"], body)
      }
    }))

  it.effect("optional fields may be null or left out, and reach the provider", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const nulls = { prompt: "Tea", max_tokens: null, model: null, content_type: null, locale: null }
      assert.strictEqual(generationOf(yield* post(JSON.stringify(nulls))).source, "live")
      assert.deepInclude(provider.calls().at(-1)?.body, { model: "fault-model", max_tokens: 200 })
      const given = { prompt: "Tea", max_tokens: 17, model: "other-model", content_type: "blog_post", locale: "de-AT" }
      const { model, usage } = generationOf(yield* post(JSON.stringify(given)))
      assert.deepStrictEqual([model, usage], ["other-model", { input_tokens: 7, output_tokens: 11 }])
      assert.deepInclude(provider.calls().at(-1)?.body, { model: "other-model", max_tokens: 17 })
      // As below /v1/: the configured one, by our name.
      assert.strictEqual(
        generationOf(yield* post(JSON.stringify({ prompt: "Tea", model: "understudy" }))).source,
        "live"
      )
      assert.deepInclude(provider.calls().at(-1)?.body, { model: "fault-model" })
    }))

  it.effect("JSON comes as JSON: other media types get 415, and its own may have parameters or be left out", () =>
    Effect.gen(function*() {
      const body = JSON.stringify({ prompt: "Tea" })
      for (
        const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx"]
      ) {
        problemOf(yield* post(body, { "content-type": type }), 415)
      }
      for (const type of ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.cms+json"]) {
        assert.strictEqual(generationOf(yield* post(body, { "content-type": type })).source, "live")
      }
      assert.strictEqual(generationOf(yield* post(body, {})).source, "live")
    }))

  it.effect("a body beyond 2 MiB gets 413, with and without a length; a prompt of the greatest length is taken", () =>
    Effect.gen(function*() {
      const large = JSON.stringify({ prompt: "x".repeat(3 * 1024 * 1024) })
      problemOf(yield* post(large), 413)
      problemOf(yield* post(large, { ...json, "transfer-encoding": "chunked" }), 413)
      assert.deepStrictEqual(wrongPaths(yield* post(JSON.stringify({ prompt: "x".repeat(200_001) }))), ["body.prompt"])
      // Four bytes and two code units each.
      const widest = generationOf(yield* post(JSON.stringify({ prompt: "😀".repeat(100_000) })))
      assert.strictEqual(widest.source, "live")
    }))

  it.effect("an unknown path gets 404, and a known one with another method 405 and the right one", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      for (
        const path of [
          "/nowhere",
          "/generate/",
          "/generate/x",
          "/health",
          "/%2e%2e/etc/passwd",
          "/generations",
          "/generations//quarantine",
          "/generations/x/y",
          "/admin/circuits/x/y"
        ]
      ) {
        problemOf(yield* send(`${url}${path}`), 404)
      }
      for (
        const [method, path, allow] of [
          ["GET", "/generate", "POST"],
          ["PUT", "/generate?x=1", "POST"],
          ["DELETE", "/metrics", "GET"],
          ["POST", "/health/live", "GET"],
          ["POST", "/openapi.json", "GET"],
          ["PATCH", "/docs", "GET"],
          ["GET", "/generations/gen_1", "DELETE"],
          ["POST", "/generations/gen_1?x=1", "DELETE"],
          ["DELETE", "/generations/gen_1/quarantine", "POST"],
          ["GET", "/admin/circuits/some.provider:80", "POST"],
          ["DELETE", "/admin/circuits", "GET"],
          ["POST", "/admin/namespaces/alpha", "DELETE"]
        ] as const
      ) {
        const reply = yield* send(`${url}${path}`, { method })
        problemOf(reply, 405)
        assert.strictEqual(reply.headers.allow, allow)
      }
      assert.strictEqual((yield* send(`${url}/health/live`, { method: "HEAD" })).status, 200)
    }))

  it.effect("liveness and readiness answer, and readiness says when the circuit is open", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer
      const { url } = yield* Service
      assert.strictEqual((yield* send(`${url}/health/live`)).text, "{\"status\":\"ok\"}")
      const ready = Effect.map(send(`${url}/health/ready`), ({ status, text }) => [status, decodeJson(text)] as const)
      const name = new URL(provider.url).host
      const healthy = { status: "ok", degraded: [], providers: [{ name, circuit: "closed", running: 0, waiting: 0 }] }
      assert.deepStrictEqual(yield* ready, [200, healthy])
      yield* provider.respondWith(Mode.status(500))
      yield* Effect.forEach([1, 2, 3], (n) => ask(url, `Write ${n}`))
      const { degraded, providers, status } = decodeReadiness((yield* send(`${url}/health/ready`)).text)
      assert.deepStrictEqual([status, providers[0]?.circuit], ["degraded", "open"])
      assert.include(degraded.find(({ what }) => what === "circuit")?.why, name)
      yield* live
      assert.deepStrictEqual(yield* ready, [200, healthy])
    }))

  it.effect("the metrics are Prometheus text", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      yield* ask(url, "Tea")
      const { headers, text } = yield* send(`${url}/metrics`)
      assert.match(headers["content-type"] ?? "", /^text\/plain; version=0\.0\.4/)
      const types = new Map<string, string>()
      const label = "[a-zA-Z_]\\w*=\"(?:[^\"\\\\\\n]|\\\\[\\\\\"n])*\""
      const sample = new RegExp(
        `^([a-zA-Z_:][\\w:]*)(?:\\{${label}(?:,${label})*\\})? (?:[-+]?[\\d.]+(?:e[-+]?\\d+)?|[-+]Inf|NaN)$`
      )
      for (const line of text.split("\n")) {
        if (line === "" || line.startsWith("# HELP ")) continue
        const [, declared, type] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line) ?? []
        if (declared !== undefined && type !== undefined) {
          assert.isFalse(types.has(declared), `${declared} is declared once`)
          types.set(declared, type)
          continue
        }
        const name = sample.exec(line)?.[1]
        assert.isDefined(name, line)
        assert.isTrue(types.has(name ?? "") || types.has((name ?? "").replace(/_(bucket|sum|count)$/, "")), line)
      }
      for (const name of ["understudy_answers_total", "understudy_attempts_total", "understudy_answer_seconds"]) {
        assert.isTrue(types.has(name), name)
      }
    }))

  it.effect("one connection serves many requests, pipelined ones too, in their order", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const agent = yield* Effect.acquireRelease(
        Effect.sync(() => new Agent({ keepAlive: true, maxSockets: 1 })),
        (agent) => Effect.sync(() => agent.destroy())
      )
      yield* live
      const ports = new Set<number | undefined>()
      agent.on("free", (socket: { readonly localPort?: number }) => ports.add(socket.localPort))
      for (const asked of ["one", "two", "three"]) {
        assert.strictEqual(generationOf(yield* ask(url, asked, { agent })).text, `Answer to: ${asked}`)
        problemOf(yield* ask(url, { prompt: 7 }, { agent }), 400)
      }
      assert.strictEqual(ports.size, 1)

      const request = (asked: string) => {
        const body = JSON.stringify({ prompt: asked })
        return `POST /generate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
      }
      const text = yield* raw(url, ["first", "second", "third"].map(request).join(""), 3)
      assert.strictEqual(text.split("HTTP/1.1 200").length, 4, text)
      assert.match(text, /Answer to: first[^]*Answer to: second[^]*Answer to: third/)
    }))
})
