/** A provider that streams an answer of 200 tokens in OpenAI's form, without a pause: an event each, ten in a write. */
import { createServer } from "node:net"
import { report } from "../support/child.ts"
import { messageEnd } from "../support/wire.ts"

const tokens = 200
const inOneWrite = 10

const head = { id: "chatcmpl-bench", object: "chat.completion.chunk", created: 1_760_000_000, model: "bench" }
const event = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] })}\n\n`
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

const start = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" +
  chunk(event({ role: "assistant", content: "" }))
const some = chunk(event({ content: " word" }).repeat(inOneWrite))
const end = chunk(`${event({}, "stop")}data: [DONE]\n\n`) + "0\r\n\r\n"

const server = createServer({ noDelay: true }, (socket) => {
  let text = ""
  socket.setEncoding("latin1")
  socket.on("error", () => socket.destroy())
  const write = (left: number): void => {
    if (socket.destroyed) return
    if (left === 0) return void socket.write(end, "latin1")
    socket.write(some, "latin1")
    setImmediate(write, left - inOneWrite)
  }
  socket.on("data", (bytes: string) => {
    text += bytes
    for (let at = messageEnd(text); at !== -1; at = messageEnd(text)) {
      text = text.slice(at)
      socket.write(start, "latin1")
      setImmediate(write, tokens)
    }
  })
})
server.listen(0, "127.0.0.1", () => report(server.address()))
