/** Who is measured. The first one is the yardstick. */
import type { ChildProcess } from "node:child_process"
import { request } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort, message, start } from "./processes.ts"

export interface Running {
  readonly process: ChildProcess
  readonly port: number
}

export interface Candidate {
  readonly name: string
  readonly what: string
  readonly noStore?: boolean
  readonly start: (providerUrl: string, connections: number) => Promise<Running>
}

export const reporting =
  (script: string, ...args: ReadonlyArray<string>) => async (providerUrl: string): Promise<Running> => {
    const child = start(script, args, { core: 0, env: { PROVIDER_URL: providerUrl } })
    const { port } = await message<{ port: number }>(child)
    return { process: child, port }
  }

export const service = async (providerUrl: string, connections: number): Promise<Running> => {
  const port = await freePort()
  const child = start("src/main.ts", [], {
    core: 0,
    env: {
      HOST: "127.0.0.1",
      PORT: `${port}`,
      AI_PROTOCOL: "openai",
      AI_BASE_URL: `${providerUrl}/v1`,
      AI_MODEL: "bench",
      DATA_DIR: "memory:",
      LIMIT_CONCURRENCY: `${connections}`,
      LIMIT_QUEUE: "512"
    }
  })
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await isLive(port)) return { process: child, port }
    await sleep(100)
  }
  throw new Error("the service did not come up within 30 seconds")
}

const isLive = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = request(
      { port, host: "127.0.0.1", path: "/health/live", agent: false, timeout: 1000 },
      (response) => {
        response.resume()
        resolve(response.statusCode === 200)
      }
    )
    probe.on("timeout", () => probe.destroy())
    probe.on("error", () => resolve(false))
    probe.end()
  })

export const candidates: ReadonlyArray<Candidate> = [
  { name: "bare", what: "node:http and undici's Pool.request", start: reporting("bench/servers/bare.ts") },
  {
    name: "router",
    what: "Effect's HttpRouter, our HttpClient, no ladder",
    start: reporting("bench/servers/effect.ts", "router", "lean")
  },
  {
    name: "router-stock",
    what: "the same with NodeHttpClient.layerUndici",
    start: reporting("bench/servers/effect.ts", "router", "undici")
  },
  {
    name: "api",
    what: "Effect's HttpApi, our HttpClient, no ladder",
    start: reporting("bench/servers/effect.ts", "api", "lean")
  },
  {
    name: "service-no-store",
    what: "the whole service, asked to remember nothing: the ladder, without the embedded database's work",
    noStore: true,
    start: service
  },
  { name: "service", what: "the whole service; its embedded database works on the same core", start: service }
]
