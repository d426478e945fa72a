/**
 * What our `HttpClient` layer costs against Effect's own and against bare undici, in one process and in turns:
 *
 *     node bench/http-client.ts [--rounds 12] [--seconds 1]
 */
import { parseArgs } from "node:util"
import { message, start, stop } from "./support/processes.ts"
import { printTable, type Sample, summarise } from "./support/report.ts"

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "12" }, seconds: { type: "string", default: "1" } }
})

const provider = start("bench/servers/provider.ts", [], { core: 1 })
const { port } = await message<{ port: number }>(provider)
const clients = start("bench/servers/clients.ts", [], {
  core: 0,
  env: { PROVIDER_URL: `http://127.0.0.1:${port}`, ROUNDS: values.rounds, SECONDS: values.seconds }
})
const samples = await message<Record<string, ReadonlyArray<Sample>>>(clients)

const rows = summarise([
  { name: "bare", what: "undici's Pool.request" },
  { name: "lean", what: "our UndiciHttpClient" },
  { name: "stock", what: "NodeHttpClient.layerUndici" },
  { name: "nodeHttp", what: "NodeHttpClient.layerNodeHttp, keep-alive" }
], new Map(Object.entries(samples)))
printTable(rows, (line) => void process.stdout.write(`${line}\n`))

await Promise.all([provider, clients].map(stop))
