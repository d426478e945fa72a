/** `understudy doctor` on whatever is asked over the network: providers, collectors, embedders. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { freshDirectory } from "../support/databases.ts"
import { examine, finds, live } from "../support/doctor.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { collector } from "../support/otlp.ts"
import { answering, receiver } from "../support/receivers.ts"
import { providerOf } from "../support/service.ts"

layer(Layer.empty, live)("understudy doctor on a provider", (it) => {
  const rows: ReadonlyArray<readonly [what: string, mode: Mode, found: RegExp, advice: RegExp]> = [
    ["that refuses the key", Mode.status(401), /refuses our key \(401\)/, /AI_API_KEY.*whole/],
    ["that forbids the key", Mode.status(403), /refuses our key \(403\)/, /rights/],
    [
      "that does not know the model",
      (call) => call.json(404, { error: { message: "The model `x` does not exist" } }),
      /404.*model `x`/,
      /AI_MODEL/
    ],
    ["that limits the rate", Mode.rateLimited("2"), /limits our rate \(429\)/, /quota/],
    ["that is out of order", Mode.status(503), /status 503/, /trouble of its own/],
    ["that redirects", Mode.status(302, { location: "http://127.0.0.1:1/" }), /status 302/, /it redirects/],
    ["that hangs", Mode.hangBeforeHeaders, /no answer within 1s/, /ATTEMPT_TIMEOUT/],
    ["that is a web page", Mode.html, /no JSON but a web page/, /proxy/],
    ["that is cut off", Mode.cutBody, /breaks off/, /proxy/],
    ["that closes the connection", Mode.resetBeforeHeaders, /ECONNRESET/, /hangs up/],
    ["that speaks another protocol", Mode.emptyObject, /unusable/, /AI_PROTOCOL/],
    [
      "that echoes the key",
      (call) => call.json(400, { error: { message: "no model for provider-key-0123456789" } }),
      /refuses the request \(400\): no model for \[key\]/,
      /AI_MODEL/
    ]
  ]

  it.effect.each(rows)("%s", ([, mode, found, advice]) =>
    Effect.gen(function*() {
      const provider = yield* FaultServer.make
      yield* provider.respondWith(mode)
      const examined = yield* examine({ ...providerOf(provider), ATTEMPT_TIMEOUT: "1 second" })
      finds(examined, "provider", "failed", found, advice)
      assert.isAtMost(provider.counts().received, 1, "no stream of a provider that does not answer")
    }))

  it.effect("whose address is wrong, in one way or another", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer.make
      const at = (url: string) => examine({ ...providerOf(provider), AI_BASE_URL: url })
      const port = new URL(provider.url).port
      const wrong: ReadonlyArray<readonly [string, RegExp, RegExp]> = [
        [provider.url, /has nothing at/, /is \/v1 missing/],
        [`${provider.openAiUrl}/v1`, /has nothing at/, /\/v1 twice/],
        [`${provider.openAiUrl}/chat/completions`, /has nothing at/, /take \/chat\/completions off/],
        ["http://127.0.0.1:1/v1", /ECONNREFUSED/, /nobody listens there/],
        ["http://no-such-host.invalid/v1", /ENOTFOUND|EAI_AGAIN/, /the name is not found/],
        [`https://127.0.0.1:${port}/v1`, /SSL|EPROTO|ECONNRESET/, /no TLS|hangs up/]
      ]
      const all = yield* Effect.forEach(wrong, ([url]) => at(url), { concurrency: 2 })
      for (const [index, [, found, advice]] of wrong.entries()) {
        const examined = all[index]
        if (examined !== undefined) finds(examined, "provider", "failed", found, advice)
      }
    }))

  it.effect("that works, but does not count, does not stream or only thinks", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer.make
      const message = (content: string, finish: string) => ({
        model: "m",
        choices: [{ message: { content }, finish_reason: finish }]
      })
      yield* provider.respondWithEach([(call) => call.json(200, message("ready", "stop")), Mode.status(400)])
      const uncounted = yield* examine(providerOf(provider))
      finds(uncounted, "provider", "ok", /answered within/)
      finds(uncounted, "provider", "warning", /how many tokens/, /without usage/)
      finds(uncounted, "provider", "failed", /^as a stream: .*400/, /in one piece work/)

      yield* provider.respondWith((call) => call.json(200, message("", "length")))
      finds(yield* examine(providerOf(provider)), "provider", "warning", /without a text/, /reasoning model/)

      yield* provider.respondWith(Mode.answer)
      const plain = yield* examine(providerOf(provider, "plain"))
      finds(plain, "provider", "ok", /speaks plain/)
      assert.isTrue(plain.report.ok)
    }))

  it.effect("that is one of several, by its name", () =>
    Effect.gen(function*() {
      const [good, bad] = [yield* FaultServer.make, yield* FaultServer.make]
      yield* bad.respondWith(Mode.status(401))
      const file = join(yield* freshDirectory, "providers.json")
      const entry = (name: string, base_url: string) => ({ name, base_url, model: "m", api_key_env: "FIRST_KEY" })
      writeFileSync(
        file,
        JSON.stringify({ providers: [entry("first", bad.openAiUrl), entry("second", good.openAiUrl)] })
      )
      const examined = yield* examine({ AI_PROVIDERS_FILE: file, FIRST_KEY: "s3cret-key" })
      finds(examined, "provider", "failed", /^first refuses our key/)
      finds(examined, "provider", "ok", /^second answered/)
    }))
})

layer(Layer.empty, live)("understudy doctor on a collector", (it) => {
  it.effect("sends each signal that is on, with nothing in it, and the headers, but nobody with --offline", () =>
    Effect.gen(function*() {
      const { deliveries, url } = yield* collector
      const env = {
        OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/`,
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20provider-key-0123456789",
        OTEL_LOGS_EXPORTER: "none"
      }
      finds(yield* examine(env, "--offline"), "telemetry", "not_checked", /--offline/)
      assert.lengthOf(deliveries, 0)
      const examined = yield* examine(env)
      assert.deepStrictEqual(examined.of("telemetry").map(({ found }) => found), [
        `${url}/v1/traces takes traces`,
        `${url}/v1/metrics takes metrics`
      ])
      assert.sameMembers(deliveries.map(({ body, url }) => `${url} ${body}`), [
        "/v1/traces {\"resourceSpans\":[]}",
        "/v1/metrics {\"resourceMetrics\":[]}"
      ])
      for (const { headers } of deliveries) {
        assert.deepInclude(headers, {
          authorization: "Bearer provider-key-0123456789",
          "content-type": "application/json"
        })
      }
      const off = { ...env, OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none" }
      finds(yield* examine(off), "telemetry", "ok", /is sent nothing/)
      assert.lengthOf((yield* examine({})).of("telemetry"), 0)
    }))

  it.effect("that is not there, is silent, refuses the key, or has no such signal: the service works without", () =>
    Effect.gen(function*() {
      const silent = yield* receiver(() => {})
      const rows: ReadonlyArray<readonly [port: number, found: RegExp, advice: RegExp]> = [
        [1, /cannot be reached: .*ECONNREFUSED/, /is the collector up/],
        [silent.port, /no answer within 3 seconds/, /4318/],
        [(yield* receiver(answering(401))).port, /takes no logs \(status 401\)/, /OTEL_EXPORTER_OTLP_HEADERS/],
        [(yield* receiver(answering(404))).port, /status 404/, /OTEL_LOGS_EXPORTER=none/],
        [(yield* receiver(answering(415))).port, /status 415/, /JSON/],
        [(yield* receiver(answering(503))).port, /status 503/, /lost/]
      ]
      yield* Effect.forEach(rows, ([port, found, advice]) =>
        Effect.gen(function*() {
          const examined = yield* examine({
            OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
            OTEL_TRACES_EXPORTER: "none",
            OTEL_METRICS_EXPORTER: "none"
          })
          finds(examined, "telemetry", "warning", found, advice)
          assert.isTrue(examined.report.ok)
        }), { concurrency: 3 })
    }))
})

layer(Layer.empty, live)("understudy doctor on an embedder", (it) => {
  it.effect("that gives other vectors than are configured, is too slow, or refuses the key", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer.make
      const env = {
        EMBEDDER: "openai",
        EMBEDDING_BASE_URL: provider.openAiUrl,
        EMBEDDING_API_KEY: "provider-key-0123456789",
        EMBEDDING_DIMENSIONS: "384"
      }
      finds(
        yield* examine({ ...env, EMBEDDING_DIMENSIONS: "1536" }),
        "embedder",
        "failed",
        /has 384 dimensions, 1536 are configured/,
        /EMBEDDING_DIMENSIONS=384/
      )
      yield* provider.respondWith(Mode.wait(1_000))
      finds(
        yield* examine(env),
        "embedder",
        "warning",
        /not within EMBEDDING_TIMEOUT \(250ms\)/,
        /raise EMBEDDING_TIMEOUT/
      )
      yield* provider.respondWith(Mode.status(401))
      finds(yield* examine(env), "embedder", "failed", /status 401/, /EMBEDDING_API_KEY/)
      finds(yield* examine({ EMBEDDER: "openai" }), "embedder", "failed", /EMBEDDING_BASE_URL is not set/)
    }))
})
