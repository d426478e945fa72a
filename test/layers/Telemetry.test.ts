/** Where telemetry goes, what is kept of it, and what a backend that is gone costs. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Logger, References, Tracer } from "effect"
import { pairsOf } from "../../src/layers/config/pairs.ts"
import { sampled, telemetry } from "../../src/layers/Telemetry.ts"
import { collector } from "../support/otlp.ts"
import { receiver } from "../support/receivers.ts"
import { keepingTracer } from "../support/tracing.ts"

const config = {
  otlpEndpoint: undefined,
  otlpHeaders: undefined,
  tracesExporter: "otlp",
  metricsExporter: "otlp",
  logsExporter: "otlp",
  tracesShare: 1,
  serviceName: undefined,
  resourceAttributes: undefined
} as const

const request = Effect.withSpan(Effect.logInfo("a line"), "request", { kind: "server" })

/** Runs it with telemetry, whose end sends what is left. Answers the lines of the log. */
const running = (
  changes: Partial<Parameters<typeof telemetry>[0]>,
  self: Effect.Effect<unknown>,
  patience?: Duration.Input
) =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const collect = Logger.map(Logger.formatLogFmt, (line) => void lines.push(line))
    yield* Effect.provide(
      self,
      Layer.provideMerge(telemetry({ ...config, ...changes }, patience), Logger.layer([collect]))
    )
    return lines
  })

describe("telemetry", () => {
  it.effect("makes no span without an endpoint, nor where traces are switched off", () =>
    Effect.gen(function*() {
      for (const changes of [{}, { otlpEndpoint: "http://127.0.0.1:9", tracesExporter: "none" } as const]) {
        const enabled = yield* Effect.provide(
          Effect.service(References.TracerEnabled),
          telemetry({ ...config, ...changes, metricsExporter: "none", logsExporter: "none" })
        )
        assert.isFalse(enabled)
      }
    }))

  it.live("sends those signals that are wanted, and no others", () =>
    Effect.gen(function*() {
      const otlp = yield* collector
      yield* running({ otlpEndpoint: otlp.url, metricsExporter: "none", logsExporter: "none" }, request)
      assert.deepStrictEqual(otlp.deliveries.map(({ url }) => url), ["/v1/traces"])
      assert.deepStrictEqual(otlp.spans().map(({ name }) => name), ["request"])
    }))

  it.live("costs next to nothing and says it once when a backend refuses it", () =>
    Effect.gen(function*() {
      const backend = yield* receiver((response) => void response.writeHead(404).end())
      const lines = yield* running(
        { otlpEndpoint: `http://127.0.0.1:${backend.port}`, metricsExporter: "none" },
        Effect.repeat(request, { times: 1_500 })
      )
      const warnings = lines.filter((line) => line.includes("level=WARN"))
      assert.deepStrictEqual(
        warnings.map((line) => /v1\/\w+ takes no telemetry \(status 404\)/.exec(line)?.[0]).sort(),
        [
          "v1/logs takes no telemetry (status 404)",
          "v1/traces takes no telemetry (status 404)"
        ]
      )
    }))

  it.live("ends in time with a backend that is gone, or that does not answer", () =>
    Effect.gen(function*() {
      const silent = yield* receiver(() => {})
      for (const otlpEndpoint of ["http://127.0.0.1:9", `http://127.0.0.1:${silent.port}`]) {
        const [took, lines] = yield* Effect.timed(running({ otlpEndpoint }, request))
        assert.isBelow(Duration.toMillis(took), 8_000)
        // Each is tried again and again within this time.
        const warnings = lines.filter((line) => line.includes("takes no telemetry"))
        assert.strictEqual(warnings.length, otlpEndpoint.endsWith(":9") ? 3 : 0, lines.join("\n"))
      }
    }))
})

describe("a backend that takes everything and never answers", () => {
  const alone = { metricsExporter: "none", logsExporter: "none" } as const

  it.live("is given up, and told of once", () =>
    Effect.gen(function*() {
      const silent = yield* receiver(() => {})
      const endpoint = { ...alone, otlpEndpoint: `http://127.0.0.1:${silent.port}` }
      const lines = yield* running(endpoint, request, "100 millis")
      const warnings = lines.filter((line) => line.includes("takes no telemetry"))
      assert.deepStrictEqual(warnings.map((line) => /\(.*?\)/.exec(line)?.[0]), ["(no answer within 100ms)"])
      assert.isAtLeast(silent.deliveries.length, 2)
    }))

  it.live("is not sent more than a few requests at a time: what comes meanwhile is lost", () =>
    Effect.gen(function*() {
      const silent = yield* receiver(() => {})
      const endpoint = { ...alone, otlpEndpoint: `http://127.0.0.1:${silent.port}` }
      const lines = yield* running(endpoint, Effect.repeat(request, { times: 20_000 }), "1 second")
      assert.include(lines.join("\n"), "too many requests wait for an answer")
    }))
})

describe("what is kept of traces", () => {
  const rootsOf = (share: number, span: Effect.Effect<void>) =>
    Effect.gen(function*() {
      const { layer, spans } = keepingTracer()
      const inner = yield* Effect.provide(Effect.service(Tracer.Tracer), layer)
      yield* Effect.repeat(Effect.provideService(span, Tracer.Tracer, sampled(inner, share)), { times: 1_999 })
      return spans().filter(({ sampled, status }) => sampled && status._tag === "Ended").length
    })
  const root = Effect.withSpan(Effect.void, "request", { kind: "server" })

  it.effect("is the share that was asked for", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* rootsOf(1, root), 2_000)
      assert.strictEqual(yield* rootsOf(0, root), 0)
      const quarter = yield* rootsOf(0.25, root)
      assert.isTrue(quarter > 380 && quarter < 620, String(quarter))
    }))

  it.effect("begins with a request or a job, and with nothing else", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* rootsOf(1, Effect.withSpan(Effect.void, "turn", { kind: "consumer" })), 2_000)
      assert.strictEqual(yield* rootsOf(1, Effect.withSpan(Effect.void, "statement", { kind: "client" })), 0)
    }))

  it.effect("follows the caller's trace, kept or not", () =>
    Effect.gen(function*() {
      const parent = (sampled: boolean) =>
        Tracer.externalSpan({ traceId: "0".repeat(32), spanId: "1".repeat(16), sampled })
      const below = (sampled: boolean) =>
        Effect.withSpan(Effect.void, "request", { kind: "server", parent: parent(sampled) })
      assert.strictEqual(yield* rootsOf(0, below(true)), 2_000)
      assert.strictEqual(yield* rootsOf(1, below(false)), 0)
    }))
})

describe("a list of pairs", () => {
  it("is decoded, without the spaces around it", () => {
    assert.deepStrictEqual(pairsOf("a=b, c = d%20e=f,,"), { a: "b", c: "d e=f" })
  })

  it("is none without a name, without an equals sign, or with a broken escape", () => {
    for (const list of ["", ",", "a", "=b", "a=b,c", "a=%zz"]) assert.isUndefined(pairsOf(list), list)
  })
})
