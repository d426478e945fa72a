/** Understudy behind an Express app, whole and in pieces. Run: node examples/express.ts, then curl -d '{"prompt":"Write about tea"}' -H 'content-type: application/json' localhost:3000/draft */
import { Effect, Stream } from "effect"
import express, { type Response } from "express"
import { Generator } from "understudy"
import { draft, noPrompt, problems, promptOf, type Reply, requestFor, run, runtime } from "./runtime.ts"

export const app = express().disable("x-powered-by").use(express.json())

app.post("/draft", async ({ body }, response) => {
  const prompt = promptOf(body)
  send(response, prompt === undefined ? noPrompt : await draft(prompt, goneSignal(response)))
})

/** The text as it comes. Up to its first piece all is as above, statuses and fallback included. */
app.post("/draft/stream", async ({ body }, response) => {
  const prompt = promptOf(body)
  const problem = prompt === undefined
    ? noPrompt
    : await run(Effect.catchTags(writeTo(response, prompt), problems), goneSignal(response))
  if (!response.headersSent) send(response, problem)
})

const writeTo = (response: Response, prompt: string) =>
  Effect.gen(function*() {
    const generator = yield* Generator
    const { parts, start } = yield* generator.stream(requestFor(prompt))
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "understudy-source": start.source })
    yield* Stream.runForEach(parts, (part) => part._tag === "Delta" ? write(response, part.text) : Effect.void)
    response.end()
    return undefined
  }).pipe(
    Effect.scoped,
    // Half of the text is there: a connection that breaks is the one thing left to say so.
    Effect.catchTag("StreamBroken", () => Effect.sync((): undefined => void response.destroy()))
  )

/** A reader that is slow slows the provider down. */
const write = (response: Response, text: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (response.write(text)) return resume(Effect.void)
    const drained = () => resume(Effect.void)
    response.once("drain", drained)
    return Effect.sync(() => response.off("drain", drained))
  })

const send = (response: Response, reply: Reply | undefined): void => {
  if (reply !== undefined) response.status(reply.status).set(reply.headers).json(reply.body)
}

/** Aborts when the client goes away before it has everything. */
const goneSignal = (response: Response): AbortSignal => {
  const controller = new AbortController()
  response.once("close", () => controller.abort())
  return controller.signal
}

if (import.meta.main) {
  const port = Number(process.env["PORT"] ?? 3000)
  const server = app.listen(port, "127.0.0.1", () => {
    const address = server.address()
    process.stdout.write(`listens on port ${typeof address === "object" ? address?.port : address}\n`)
  })
  const stop = () => void server.close(() => void runtime.dispose())
  process.once("SIGTERM", stop).once("SIGINT", stop)
}
