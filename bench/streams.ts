/**
 * `npm run bench:streams`: streamed tokens per second through the service, against a bare `node:http` + undici proxy that
 * passes the same provider's bytes on as they come. Each of them has one core, load and provider have the other; short
 * rounds in turn, medians.
 *
 *     node bench/streams.ts [--rounds 8] [--seconds 2] [--connections 64]
 */
import { parseArgs } from "node:util"
import { reporting, type Running, service } from "./support/candidates.ts"
import type { Order, Result } from "./support/load.ts"
import { cpuSeconds, message, start, stop } from "./support/processes.ts"
import { type Sample, summarise } from "./support/report.ts"

const tokens = 200

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "8" },
    seconds: { type: "string", default: "2" },
    connections: { type: "string", default: "64" }
  }
})
const rounds = Number(values.rounds)
const order = { connections: Number(values.connections), seconds: Number(values.seconds) }

const candidates = [
  { name: "bare", what: "node:http and undici, the bytes as they come", start: reporting("bench/servers/barePipe.ts") },
  { name: "service", what: "the whole service: every event decoded, kept and written anew", start: service }
]

const provider = start("bench/servers/streamProvider.ts", [], { core: 1 })
const { port } = await message<{ port: number }>(provider)
const load = start("bench/support/streamLoad.ts", [], { core: 1 })

/** Everybody else is stopped meanwhile. */
const measure = async (running: Running): Promise<Sample & Result> => {
  running.process.kill("SIGCONT")
  const before = cpuSeconds(running.process)
  const reply = message<Result>(load)
  load.send({ port: running.port, ...order, noStore: true } satisfies Order)
  const result = await reply
  const after = cpuSeconds(running.process)
  running.process.kill("SIGSTOP")
  const micros = (seconds: number) => seconds * 1e6 / result.requests
  return {
    ...result,
    cpuMicros: micros(after.process - before.process),
    mainThreadMicros: micros(after.mainThread - before.mainThread)
  }
}

const running = []
for (const candidate of candidates) {
  const server = await candidate.start(`http://127.0.0.1:${port}`, order.connections)
  running.push({ candidate, server })
  await measure(server)
}

const samples = new Map(candidates.map(({ name }) => [name, new Array<Sample>()]))
for (let round = 1; round <= rounds; round++) {
  for (const { candidate, server } of running) {
    const sample = await measure(server)
    samples.get(candidate.name)?.push(sample)
    if (sample.failures > 0) {
      process.stdout.write(`${candidate.name}: ${sample.failures} failures, the first: ${sample.firstFailure}\n`)
    }
  }
}

const rows = summarise(candidates, samples)
process.stdout.write(`\n${order.connections} streams at a time, ${tokens} tokens each; medians of ${rounds} rounds\n\n`)
process.stdout.write(
  "| | tokens/s | of bare | p50 ms | p99 ms | main thread µs/token | |\n|---|---:|---:|---:|---:|---:|---|\n"
)
for (const { mainThreadMicros, name, p50Millis, p99Millis, perSecond, ratio, what } of rows) {
  const cells = [
    name,
    Math.round(perSecond * tokens),
    ratio.toFixed(2),
    p50Millis.toFixed(1),
    p99Millis.toFixed(1),
    (mainThreadMicros / tokens).toFixed(1),
    what
  ]
  process.stdout.write(`| ${cells.join(" | ")} |\n`)
}

await Promise.all([load, provider, ...running.map(({ server }) => server.process)].map(stop))
process.exitCode = rows.some((row) => row.failures > 0) ? 1 : 0
