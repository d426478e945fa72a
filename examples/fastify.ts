/** Understudy behind a Fastify app. Run: node examples/fastify.ts, then curl -d '{"prompt":"Write about tea"}' -H 'content-type: application/json' localhost:3000/draft */
import fastify from "fastify"
import { draft, noPrompt, promptOf, runtime } from "./runtime.ts"

export const app = fastify()

app.post("/draft", async ({ body }, reply) => {
  const gone = new AbortController()
  reply.raw.once("close", () => gone.abort())
  const prompt = promptOf(body)
  const answer = prompt === undefined ? noPrompt : await draft(prompt, gone.signal)
  // Whoever asked has gone: Fastify is told that there is nothing to send.
  if (answer === undefined) return reply.hijack()
  return reply.code(answer.status).headers(answer.headers).send(answer.body)
})

app.addHook("onClose", () => runtime.dispose())

if (import.meta.main) {
  const address = await app.listen({ host: "127.0.0.1", port: Number(process.env["PORT"] ?? 3000) })
  process.stdout.write(`listens on ${address}\n`)
  const stop = () => void app.close()
  process.once("SIGTERM", stop).once("SIGINT", stop)
}
