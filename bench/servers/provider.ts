/** A provider that answers in OpenAI's form at once. */
import { createServer } from "node:net"
import { report } from "../support/child.ts"
import { messageEnd } from "../support/wire.ts"

const body = JSON.stringify({
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1_760_000_000,
  model: "bench",
  choices: [{
    index: 0,
    message: { role: "assistant", content: "A draft of some length, as a provider would write it. ".repeat(12) },
    finish_reason: "stop"
  }],
  usage: { prompt_tokens: 20, completion_tokens: 140, total_tokens: 160 }
})
const response = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`

const server = createServer({ noDelay: true }, (socket) => {
  let text = ""
  socket.setEncoding("latin1")
  socket.on("error", () => socket.destroy())
  socket.on("data", (chunk: string) => {
    text += chunk
    for (let end = messageEnd(text); end !== -1; end = messageEnd(text)) {
      text = text.slice(end)
      socket.write(response, "latin1")
    }
  })
})
server.listen(0, "127.0.0.1", () => report(server.address()))
