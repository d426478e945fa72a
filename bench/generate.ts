/**
 * `npm run bench`: what the whole service costs on `POST /generate`, against the same job done by nothing but
 * `node:http` and undici. Closed-loop load, a provider that answers at once, rounds interleaved and short, because other
 * work on the machine comes in bursts; medians.
 *
 *     node bench/generate.ts [--rounds 12] [--seconds 1] [--connections 64] [--only bare,service] [--json]
 */
import { existsSync } from "node:fs"
import { parseArgs } from "node:util"
import { candidates, type Running } from "./support/candidates.ts"
import type { Order, Result } from "./support/load.ts"
import { cpuSeconds, message, start, stop } from "./support/processes.ts"
import { printTable, type Sample, summarise } from "./support/report.ts"

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "12" },
    seconds: { type: "string", default: "1" },
    connections: { type: "string", default: "64" },
    only: { type: "string" },
    json: { type: "boolean", default: false }
  }
})
const rounds = Number(values.rounds)
const order = { connections: Number(values.connections), seconds: Number(values.seconds) }
const say = (line: string) => void (values.json || process.stdout.write(`${line}\n`))

const hasService = existsSync(new URL("../src/main.ts", import.meta.url))
const chosen = candidates.filter(({ name }) =>
  values.only === undefined ? !name.startsWith("service") || hasService : values.only.split(",").includes(name)
)
if (!hasService) say("src/main.ts is not there: without the service")

const provider = start("bench/servers/provider.ts", [], { core: 1 })
const { port } = await message<{ port: number }>(provider)
const load = start("bench/support/load.ts", [], { core: 1 })

/** Everybody else is stopped meanwhile, so that no candidate's background work is paid by another. */
const measure = async (running: Running, seconds: number, noStore: boolean): Promise<Sample & Result> => {
  running.process.kill("SIGCONT")
  const before = cpuSeconds(running.process)
  const reply = message<Result>(load)
  load.send({ port: running.port, connections: order.connections, seconds, noStore } satisfies Order)
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
for (const candidate of chosen) {
  const server = await candidate.start(`http://127.0.0.1:${port}`, order.connections)
  server.process.kill("SIGSTOP")
  running.push({ candidate, server })
}

for (const { candidate, server } of running) {
  say(`warming up ${candidate.name}`)
  await measure(server, order.seconds, candidate.noStore ?? false)
}

const samples = new Map(chosen.map(({ name }) => [name, new Array<Sample>()]))
for (let round = 1; round <= rounds; round++) {
  const line = []
  for (const { candidate, server } of running) {
    const sample = await measure(server, order.seconds, candidate.noStore ?? false)
    samples.get(candidate.name)?.push(sample)
    line.push(`${candidate.name} ${Math.round(sample.requests / sample.seconds)}/s`)
    if (sample.failures > 0) say(`${candidate.name}: ${sample.failures} failures, the first: ${sample.firstFailure}`)
  }
  say(`round ${round}: ${line.join(", ")}`)
}

const rows = summarise(chosen, samples)
if (values.json) process.stdout.write(`${JSON.stringify({ rounds, ...order, rows }, undefined, 2)}\n`)
else printTable(rows, say)

await Promise.all([load, provider, ...running.map(({ server }) => server.process)].map(stop))
process.exitCode = rows.some((row) => row.failures > 0) ? 1 : 0
