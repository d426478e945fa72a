/** The yardstick: the same job on `node:http` and undici's `Pool.request`, without anything around it. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { Pool } from "undici"
import { providerUrl, report } from "../support/child.ts"
import { answerOf, completionRequest } from "../support/job.ts"

const provider = new URL(providerUrl)
const pool = new Pool(provider.origin, { connections: 64 })

const generate = async (request: IncomingMessage, response: ServerResponse) => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  const wish = JSON.parse(Buffer.concat(chunks).toString())
  const { body } = await pool.request({
    path: provider.pathname,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(completionRequest(wish.prompt, wish.max_tokens))
  })
  const text = JSON.stringify(answerOf(await body.text()))
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
  response.end(text)
}

const server = createServer((request, response) => {
  generate(request, response).catch(() => response.writeHead(502).end())
})
server.listen(0, "127.0.0.1", () => report(server.address()))
