/**
 * What spans and their export cost an answer: `npm run bench:telemetry`. Rounds over all modes in turn, the median of
 * each, over a ladder whose provider answers at once and whose cache keeps nothing. Each mode has a process of its own,
 * for code that has run with a tracer is compiled for one; measured is the processor's time of its main thread.
 *
 * `AGAINST=../elsewhere` takes the ladder of another checkout into the rounds too, as it is without any tracer: what a
 * change costs those who do not use it.
 */
import { Effect, Layer, ManagedRuntime, References, Tracer } from "effect"
import { OtlpSerialization, OtlpTracer } from "effect/observability"
import { fork, spawn } from "node:child_process"
import { once } from "node:events"
import { resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { defaultNamespace, type GenerationRequest } from "../src/domain/Generation.ts"
import { sampled } from "../src/layers/Telemetry.ts"
import * as UndiciHttpClient from "../src/layers/UndiciHttpClient.ts"
import type { inOnePiece as inOnePieceType } from "../src/services/ai/inOnePiece.ts"
import type { AiClient as AiClientType } from "../src/services/AiClient.ts"
import type { CircuitBreaker as CircuitBreakerType } from "../src/services/CircuitBreaker.ts"
import type { FallbackCache as FallbackCacheType } from "../src/services/FallbackCache.ts"
import type { Generator as GeneratorType } from "../src/services/Generator.ts"
import type { Providers as ProvidersType } from "../src/services/Providers.ts"
import type { RateLimiter as RateLimiterType } from "../src/services/RateLimiter.ts"
import type { Templates as TemplatesType } from "../src/services/Templates.ts"

const flags = ["--expose-gc", "--max-semi-space-size=128", "--min-semi-space-size=128"]
const calls = Number(process.env["CALLS"] ?? 2_000)
const rounds = Number(process.env["ROUNDS"] ?? 41)

const request: GenerationRequest = { namespace: defaultNamespace, prompt: "a prompt", maxTokens: 100, remember: true }

/** The ladder of a checkout, with real gates. */
const ladderOf = async (root: string) => {
  const at = (path: string) => pathToFileURL(resolve(root, "src/services", path)).href
  const { Generator }: { readonly Generator: typeof GeneratorType } = await import(at("Generator.ts"))
  const { Providers }: { readonly Providers: typeof ProvidersType } = await import(at("Providers.ts"))
  const { FallbackCache }: { readonly FallbackCache: typeof FallbackCacheType } = await import(at("FallbackCache.ts"))
  const { CircuitBreaker }: { readonly CircuitBreaker: typeof CircuitBreakerType } = await import(
    at("CircuitBreaker.ts")
  )
  const { RateLimiter }: { readonly RateLimiter: typeof RateLimiterType } = await import(at("RateLimiter.ts"))
  const { Templates }: { readonly Templates: typeof TemplatesType } = await import(at("Templates.ts"))
  const { AiClient }: { readonly AiClient: typeof AiClientType } = await import(at("AiClient.ts"))
  const { inOnePiece }: { readonly inOnePiece: typeof inOnePieceType } = await import(at("ai/inOnePiece.ts"))
  const answer = {
    text: "an answer",
    model: "m-1",
    usage: { inputTokens: 20, outputTokens: 100 },
    isComplete: true
  }
  const generate = () => Effect.succeed(answer)
  const client = AiClient.of({ provider: "instant", generate, stream: inOnePiece(generate) })
  const layer = Layer.provide(
    Generator.layer(),
    Layer.mergeAll(
      Providers.layerList([{ client, model: "m-1" }]),
      Layer.succeed(FallbackCache, {
        find: () => Effect.succeedNone,
        remember: () => Effect.void,
        rememberAll: (answers) => Effect.succeed(answers.length),
        unembedded: Effect.succeed(0),
        quarantine: () => Effect.succeed(false),
        forget: () => Effect.succeed(false),
        erase: () => Effect.succeed(0)
      }),
      Layer.succeed(Templates, { render: () => Effect.succeedNone, erase: () => Effect.succeed(0) }),
      CircuitBreaker.layerMemory(),
      RateLimiter.layer()
    )
  )
  const run = Effect.gen(function*() {
    const generator = yield* Generator
    let n = 0
    yield* Effect.whileLoop({
      while: () => n < calls,
      body: () => generator.generate(request),
      step: () => void n++
    })
  })
  return { layer, run }
}

/** Reads and forgets, in a process of its own. */
const sink = async () => {
  const code = "const s = require('node:http').createServer((q, r) => q.resume().on('end', () => r.end('{}')));"
    + "s.listen(0, '127.0.0.1', () => console.log(s.address().port))"
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] })
  const [port] = await once(child.stdout, "data")
  return { url: `http://127.0.0.1:${String(port).trim()}`, stop: () => child.kill() }
}

/** A tracer whose spans go nowhere. */
const idle = Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })

const ours = fileURLToPath(new URL("..", import.meta.url))
const against = process.env["AGAINST"]

const exporter = OtlpTracer.layer({ url: `${process.env["SINK"] ?? ""}/v1/traces`, resource: { serviceName: "bench" } })
  .pipe(Layer.provide([OtlpSerialization.layerJson, UndiciHttpClient.layer()]), Layer.orDie)
const off = Layer.succeed(References.TracerEnabled, false)
const unsampled = Layer.effect(Tracer.Tracer, Effect.map(Tracer.Tracer, (inner) => sampled(inner, 0)))

/** What stands around the ladder. */
const modes: Readonly<Record<string, readonly [root: string, around: Layer.Layer<never>]>> = {
  ...against !== undefined && { [`off, in ${against}`]: [against, off] },
  "off (the service without an endpoint)": [ours, off],
  "no tracer (embedded)": [ours, Layer.empty],
  "a tracer whose spans go nowhere": [ours, Layer.succeed(Tracer.Tracer, idle)],
  "exported, but this trace is not kept": [ours, Layer.provide(unsampled, exporter)],
  "exported": [ours, exporter]
}

/** A mode's process: a round for each message, answered with microseconds for a call. */
const serve = async (name: string) => {
  const [root, around] = modes[name] ?? [ours, off]
  const { layer, run } = await ladderOf(root)
  const runtime = ManagedRuntime.make(Layer.provideMerge(layer, around))
  const request = Effect.withSpan(run, "request", { kind: "server" })
  process.on("message", async () => {
    globalThis.gc?.()
    const before = process.threadCpuUsage()
    await runtime.runPromise(request)
    const { system, user } = process.threadCpuUsage(before)
    process.send?.((system + user) / calls)
  })
  process.send?.("ready")
}

const main = async () => {
  const { stop, url } = await sink()
  const self = fileURLToPath(import.meta.url)
  const children = Object.keys(modes).map((name) => ({
    name,
    times: Array<number>(),
    child: fork(self, { execArgv: flags, env: { ...process.env, MODE: name, SINK: url } })
  }))
  for (const { child } of children) await once(child, "message")
  for (let round = -3; round < rounds; round++) {
    for (const { child, times } of children) {
      const answer = once(child, "message")
      child.send("go")
      const [micros] = await answer
      if (round >= 0) times.push(Number(micros))
    }
  }
  for (const { child } of children) child.kill()
  stop()
  const medians = children.map(({ name, times }) => ({
    name,
    micros: times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN
  }))
  const base = medians[0]?.micros ?? Number.NaN
  const lines = medians.map(({ micros, name }) => {
    const more = micros - base
    return `${name.padEnd(40)} ${micros.toFixed(2).padStart(7)} µs   ${more < 0 ? "" : "+"}${more.toFixed(2)}`
  })
  process.stdout.write(`Generator.generate, median of ${rounds} rounds of ${calls} calls\n${lines.join("\n")}\n`)
}

const mode = process.env["MODE"]
await (mode === undefined ? main() : serve(mode))
