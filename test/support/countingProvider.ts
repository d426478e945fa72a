/** A provider that is quick, counts, and never gives the same text twice; and a receiver of callbacks. */
import { Effect, Schema } from "effect"
import { createServer, type IncomingMessage, type RequestListener } from "node:http"

const bodyOf = (request: IncomingMessage, then: (body: string) => void) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => then(Buffer.concat(chunks).toString("utf8")))
}

const listen = (handle: RequestListener) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
      const server = createServer(handle)
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({
          url: `http://127.0.0.1:${port}`,
          close: () => {
            server.closeAllConnections()
            server.close()
          }
        }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

const decodeAsked = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ prompt: Schema.String })))

/** Speaks the plain protocol. Of each attempt's text `answer N to PROMPT`, with N over all attempts. */
export const countingProvider = (millis: number) =>
  Effect.gen(function*() {
    const seen = { calls: 0 }
    const { url } = yield* listen((request, response) =>
      bodyOf(request, (body) => {
        const { prompt } = decodeAsked(body)
        const text = `answer ${seen.calls++} to ${prompt}`
        const timer = setTimeout(() => {
          response.setHeader("content-type", "application/json")
          response.end(JSON.stringify({ text }))
        }, millis)
        response.on("close", () => clearTimeout(timer))
      })
    )
    return { url, seen }
  })

/** Takes everything. What came, by the message's id. */
export const callbackReceiver = Effect.gen(function*() {
  const messages = new Map<string, Array<string>>()
  const { url } = yield* listen((request, response) =>
    bodyOf(request, (body) => {
      const id = String(request.headers["webhook-id"])
      messages.set(id, [...messages.get(id) ?? [], body])
      response.end()
    })
  )
  return { url, messages }
})
