/** What a service sends to an OTLP collector over a real socket: everything that a day can bring, and no word of it. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { askChat } from "../support/answers.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, generationOf, remembered, send } from "../support/http.ts"
import { ended, submit } from "../support/jobsOverHttp.ts"
import { attributesOf, collector, drawn, type OtlpSpan } from "../support/otlp.ts"
import { ownDatabase, providerOf, startService } from "../support/service.ts"
import { askStream, generateForm } from "../support/streams.ts"

const traceparent = (n: number, flags = "01") => `00-${String(n).padStart(32, "a")}-${"b".repeat(16)}-${flags}`
const traceOf = (n: number) => String(n).padStart(32, "a")
const under = (n: number) => ({ headers: { "cache-control": "no-store", traceparent: traceparent(n) } })
const secret = "backend-key-987"

/** A service that has seen all of it and has stopped, so that the rest is sent too. */
const day = Effect.gen(function*() {
  const otlp = yield* collector
  const seen = yield* Effect.scoped(Effect.gen(function*() {
    const provider = yield* FaultServer.make
    const { logs, url } = yield* startService({
      ...providerOf(provider),
      ...(yield* ownDatabase),
      RETRY_BASE_DELAY: "1 millis",
      BREAKER_FAILURES: "2",
      BREAKER_COOLDOWN: "10 minutes",
      OTEL_EXPORTER_OTLP_ENDPOINT: `${otlp.url}/`,
      OTEL_EXPORTER_OTLP_HEADERS: `x-backend-key=${secret},x-team=a%20b`,
      OTEL_RESOURCE_ATTRIBUTES: "service.name=overridden,deployment.environment.name=test",
      OTEL_SERVICE_NAME: "drafts"
    })
    // Live, kept for later.
    yield* ask(url, "Write about MARZIPAN", { headers: { traceparent: traceparent(1) } })
    yield* remembered(url, 0)
    // A retry, then live.
    yield* provider.respondWithEach([Mode.status(503)])
    yield* ask(url, "Write about MARZIPAN and nougat", under(2))
    yield* askStream(url, generateForm, "A stream about MARZIPAN", { traceparent: traceparent(3) })
    yield* askChat(url, "A chat about MARZIPAN", { traceparent: traceparent(4), "cache-control": "no-store" })
    yield* provider.respondWithEach([Mode.status(400)])
    yield* ask(url, "A refused MARZIPAN", under(5))
    const job = yield* submit(url, "A job about MARZIPAN", { traceparent: traceparent(6) })
    yield* ended(url, job.id)
    // What somebody names, and what somebody puts where nothing belongs.
    yield* ask(url, { prompt: "Any MARZIPAN", model: "a-clients-own-model" }, under(12))
    yield* send(`${url}/generate?prompt=MARZIPAN&api_key=provider-key-in-a-query`, { method: "POST" })
    // Not kept by its caller.
    yield* ask(url, "An unseen MARZIPAN", { headers: { traceparent: traceparent(7, "00") } })
    // From the cache, then from a template, and the circuit opens.
    yield* provider.respondWith(Mode.status(500))
    const cached = generationOf(yield* ask(url, "Write about MARZIPAN", { headers: { traceparent: traceparent(8) } }))
    const templated = generationOf(yield* ask(url, "Something else, of MARZIPAN", under(9)))
    generationOf(yield* ask(url, "And another MARZIPAN", under(10)))
    yield* send(`${url}/health/ready`, { headers: { traceparent: traceparent(11) } })
    const { text: metrics } = yield* send(`${url}/metrics`)
    return { cached, templated, metrics, logs: logs(), provider: `127.0.0.1:${new URL(provider.url).port}` }
  }))
  return { ...seen, otlp, spans: otlp.spans() }
})

class Day extends Context.Service<Day, Effect.Success<typeof day>>()("understudy/test/Day") {
  static readonly layer = Layer.effect(Day, Effect.orDie(day))
}

const keys = ["understudy.source", "error.type"]
const chat = "      chat fault-model"

layer(Day.layer, { excludeTestServices: true, timeout: "60 seconds" })("what is exported", (it) => {
  const inTrace = Effect.fnUntraced(function*(n: number) {
    const { spans } = yield* Day
    return spans.filter(({ traceId }) => traceId === traceOf(n))
  })
  /** Without the statements below what asks the database. */
  const tree = (spans: ReadonlyArray<OtlpSpan>) =>
    drawn(spans, keys).filter((line) => !/postgres|sql\.|FallbackCache|Jobs\./.test(line))

  it.effect("joins the trace of the request, from the server's span to the call of the provider", () =>
    Effect.gen(function*() {
      const spans = yield* inTrace(1)
      assert.deepStrictEqual(tree(spans), [
        "POST /generate understudy.source=live",
        "  understudy.generate understudy.source=live",
        "    understudy.ask",
        "      understudy.limiter",
        chat,
        "        POST"
      ])
      const [server] = spans.filter(({ name }) => name === "POST /generate")
      assert.strictEqual(server?.parentSpanId, "b".repeat(16))
    }))

  it.effect("has an attempt as the conventions want it", () =>
    Effect.gen(function*() {
      const { provider } = yield* Day
      const span = (yield* inTrace(1)).find(({ name }) => name === "chat fault-model")
      if (span === undefined) return assert.fail("no attempt")
      assert.strictEqual(span.kind, 3, "a client's")
      const { "gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": output, ...rest } = attributesOf(span)
      assert.isAbove(Number(input), 0)
      assert.isAbove(Number(output), 0)
      assert.deepStrictEqual(rest, {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": "fault-model",
        "gen_ai.request.max_tokens": 200,
        "gen_ai.response.model": "fault-model",
        "gen_ai.response.finish_reasons": ["stop"],
        "server.address": "127.0.0.1",
        "server.port": Number(provider.split(":")[1]),
        "understudy.attempt": 1
      })
    }))

  it.effect("shows a retry, a stream, a chat and a refusal", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(tree(yield* inTrace(2)), [
        "POST /generate understudy.source=live",
        "  understudy.generate understudy.source=live",
        "    understudy.ask",
        "      understudy.limiter",
        `${chat} error.type=503`,
        "        POST error.type=503",
        "      understudy.limiter",
        chat,
        "        POST"
      ])
      assert.deepStrictEqual(tree(yield* inTrace(3)), tree(yield* inTrace(1)))
      const stream = (yield* inTrace(3)).find(({ name }) => name === "chat fault-model")
      assert.isNumber(stream && attributesOf(stream)["gen_ai.response.time_to_first_chunk"])
      assert.strictEqual(tree(yield* inTrace(4))[0], "POST /v1/chat/completions understudy.source=live")
      const chatted = (yield* inTrace(4)).find(({ name }) => name === "chat fault-model")
      assert.isString(chatted && attributesOf(chatted)["gen_ai.response.id"])
      assert.deepStrictEqual(tree(yield* inTrace(5)).slice(0, 3), [
        "POST /generate",
        "  understudy.generate error.type=400",
        "    understudy.ask error.type=400"
      ])
    }))

  it.effect("shows whence an answer came that was not live, and an open circuit", () =>
    Effect.gen(function*() {
      const { cached, templated } = yield* Day
      assert.deepStrictEqual([cached.source, templated.source], ["cache", "template"])
      const failed = [
        "    understudy.ask error.type=500",
        ...[1, 2].flatMap(() => ["      understudy.limiter", `${chat} error.type=500`, "        POST error.type=500"])
      ]
      assert.deepStrictEqual(tree(yield* inTrace(8)), [
        "POST /generate understudy.source=cache",
        "  understudy.generate understudy.source=cache",
        ...failed,
        "    understudy.fallback understudy.source=cache",
        "      understudy.cache.find"
      ])
      assert.deepStrictEqual(tree(yield* inTrace(9)).slice(-4), [
        "        POST error.type=500",
        "    understudy.fallback understudy.source=template",
        "      understudy.cache.find",
        "      understudy.template"
      ])
      const opened = (yield* inTrace(9)).flatMap(({ events }) => events).filter(({ name }) => /circuit/.test(name))
      assert.deepStrictEqual(opened.map((event) => attributesOf(event)["understudy.circuit.to"]), ["Open"])
      assert.deepStrictEqual(tree(yield* inTrace(10)).slice(0, 4), [
        "POST /generate understudy.source=template",
        "  understudy.generate understudy.source=template",
        "    understudy.ask error.type=CircuitOpen",
        "    understudy.fallback understudy.source=template"
      ])
    }))

  it.effect("gives a job a trace of its own, which links to the request that asked for it", () =>
    Effect.gen(function*() {
      const { spans } = yield* Day
      const turn = spans.find(({ name }) => name === "understudy.job")
      if (turn === undefined) return assert.fail("no turn of a job")
      assert.strictEqual(turn.parentSpanId, undefined)
      assert.deepStrictEqual(turn.links.map(({ traceId }) => traceId), [traceOf(6)])
      assert.deepStrictEqual(tree(spans.filter(({ traceId }) => traceId === turn.traceId)), [
        "understudy.job",
        "  understudy.generate understudy.source=live",
        "    understudy.ask",
        "      understudy.limiter",
        chat,
        "        POST"
      ])
    }))

  it.effect("leaves out what its caller does not keep, health checks, and what nobody has asked for", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* inTrace(7), [])
      assert.deepStrictEqual(yield* inTrace(11), [])
      const { spans } = yield* Day
      const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined)
      assert.deepStrictEqual(
        roots.map(({ name }) => name).filter((name) => !/^(GET|POST) \/|^understudy\.job$/.test(name)),
        []
      )
    }))

  it.effect("has log lines with the trace in which they were written, and the old ones go on", () =>
    Effect.gen(function*() {
      const { logs, otlp } = yield* Day
      const opened = otlp.logs().find(({ body }) => /^circuit of .* opened/.test(body.stringValue ?? ""))
      assert.strictEqual(opened?.traceId, traceOf(9))
      assert.match(opened?.spanId ?? "", /^[\da-f]{16}$/)
      assert.strictEqual(logs.filter((line) => /circuit of .* opened/.test(line)).length, 1)
    }))

  it.effect("has the conventions' histograms, with their bounds, and so has /metrics", () =>
    Effect.gen(function*() {
      const { metrics, otlp } = yield* Day
      const [duration] = otlp.metrics().filter(({ name }) => name === "gen_ai.client.operation.duration")
      assert.strictEqual(duration?.unit, "s")
      const points = duration?.histogram?.dataPoints ?? []
      const errors = points.map((point) => attributesOf(point)["error.type"]).filter((type) => type !== undefined)
      assert.sameMembers(errors, ["400", "500", "503"])
      assert.deepStrictEqual(points[0]?.explicitBounds?.slice(0, 3), [0.01, 0.02, 0.04])
      const [tokens] = otlp.metrics().filter(({ name }) => name === "gen_ai.client.token.usage")
      assert.strictEqual(tokens?.unit, "{token}")
      const types = tokens?.histogram?.dataPoints.map((point) => attributesOf(point)["gen_ai.token.type"])
      assert.sameMembers([...new Set(types)], ["input", "output"])
      assert.include(otlp.metrics().map(({ name }) => name), "understudy_answers_total")
      // What a client names is in its own trace, and not for every other to read.
      const models = points.map((point) => attributesOf(point)["gen_ai.request.model"])
      assert.sameMembers([...new Set(models)], ["fault-model", "_OTHER"])
      assert.notInclude(metrics, "a-clients-own-model")
      assert.match(metrics, /^# TYPE gen_ai_client_operation_duration_seconds histogram$/m)
      assert.match(metrics, /^gen_ai_client_token_usage_sum\{.*gen_ai_token_type="output".*\} \d+$/m)
    }))

  it.effect("says whose it is, and comes with the headers of the backend", () =>
    Effect.gen(function*() {
      const { otlp } = yield* Day
      assert.isAbove(otlp.deliveries.length, 2)
      for (const { headers } of otlp.deliveries) {
        assert.deepInclude(headers, { "x-backend-key": secret, "x-team": "a b" })
      }
      for (const resource of otlp.resources()) {
        assert.deepInclude(resource, { "service.name": "drafts", "deployment.environment.name": "test" })
        assert.match(String(resource["service.version"]), /^\d+\.\d+\.\d+/)
      }
    }))

  it.effect("holds no word of a prompt, of an answer or of a refusal, and no key", () =>
    Effect.gen(function*() {
      const { metrics, otlp } = yield* Day
      for (const text of [otlp.everything(), metrics]) {
        assert.notMatch(text, /MARZIPAN|nougat|Answer to|provider-key|backend-key/i)
      }
    }))
})
