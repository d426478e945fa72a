/** Measures three HTTP clients in one process, in turns. A child of `bench/http-client.ts`. */
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer, ManagedRuntime, References } from "effect"
import { HttpBody, HttpClient, HttpClientRequest } from "effect/http"
import { Pool } from "undici"
import * as UndiciHttpClient from "../../src/layers/UndiciHttpClient.ts"
import { providerUrl } from "../support/child.ts"
import { answerOf, completionRequest } from "../support/job.ts"
import type { Sample } from "../support/report.ts"

const rounds = Number(process.env["ROUNDS"])
const seconds = Number(process.env["SECONDS"])
const connections = 64
const wish = completionRequest("Write a blog post about benchmarks", 200)

/** One caller that sends its next request when it has the last answer, until the deadline. */
type Loop = (deadline: number, latencies: Array<number>) => Promise<void>

const bare = (): Loop => {
  const url = new URL(providerUrl)
  const pool = new Pool(url.origin, { connections })
  return async (deadline, latencies) => {
    for (let start = performance.now(); start < deadline; start = performance.now()) {
      const { body } = await pool.request({
        path: url.pathname,
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(wish)
      })
      answerOf(await body.text())
      latencies.push(performance.now() - start)
    }
  }
}

const effect = (layer: Layer.Layer<HttpClient.HttpClient>): Loop => {
  const runtime = ManagedRuntime.make(Layer.merge(layer, Layer.succeed(References.TracerEnabled, false)))
  const request = HttpClientRequest.post(providerUrl)
  const call = Effect.suspend(() => HttpClient.execute(HttpClientRequest.setBody(request, HttpBody.jsonUnsafe(wish))))
    .pipe(
      Effect.flatMap((response) => response.text),
      Effect.map(answerOf)
    )
  return (deadline, latencies) =>
    runtime.runPromise(Effect.gen(function*() {
      for (let start = performance.now(); start < deadline; start = performance.now()) {
        yield* call
        latencies.push(performance.now() - start)
      }
    }))
}

const clients = {
  bare: bare(),
  lean: effect(UndiciHttpClient.layer({ connections })),
  stock: effect(NodeHttpClient.layerUndici),
  nodeHttp: effect(NodeHttpClient.layerNodeHttpOptions({ keepAlive: true, maxSockets: connections }))
}

const measure = async (loop: Loop): Promise<Sample> => {
  const latencies: Array<number> = []
  const cpu = process.cpuUsage()
  const mainThread = process.threadCpuUsage()
  const start = performance.now()
  await Promise.all(Array.from({ length: connections }, () => loop(start + seconds * 1000, latencies)))
  const all = process.cpuUsage(cpu)
  const main = process.threadCpuUsage(mainThread)
  const sorted = latencies.toSorted((a, b) => a - b)
  const quantile = (q: number) => sorted[Math.floor(q * sorted.length)] ?? Number.NaN
  return {
    requests: sorted.length,
    failures: 0,
    seconds: (performance.now() - start) / 1000,
    p50Millis: quantile(0.5),
    p99Millis: quantile(0.99),
    cpuMicros: (all.user + all.system) / sorted.length,
    mainThreadMicros: (main.user + main.system) / sorted.length
  }
}

const samples: Record<string, Array<Sample>> = {}
for (let round = 0; round <= rounds; round++) {
  for (const [name, loop] of Object.entries(clients)) {
    const sample = await measure(loop)
    // The first round warms up.
    if (round > 0) (samples[name] ??= []).push(sample)
  }
}
process.send?.(samples)
