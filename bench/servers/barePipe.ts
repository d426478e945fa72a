/** The yardstick for streams: `node:http` and undici, and the provider's bytes go through as they come. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { pipeline } from "node:stream/promises"
import { Pool } from "undici"
import { providerUrl, report } from "../support/child.ts"

const provider = new URL(providerUrl)
const pool = new Pool(provider.origin, { connections: 64 })

const pipe = async (request: IncomingMessage, response: ServerResponse) => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  const { body } = await pool.request({
    path: provider.pathname,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: Buffer.concat(chunks)
  })
  response.writeHead(200, { "content-type": "text/event-stream" })
  await pipeline(body, response)
}

const server = createServer((request, response) => {
  pipe(request, response).catch(() => response.destroy())
})
server.listen(0, "127.0.0.1", () => report(server.address()))
