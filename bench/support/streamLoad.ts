/** Closed-loop load of streams: every connection asks for its next when the last one has ended. A child process. */
import { connect, type Socket } from "node:net"
import type { Order, Result } from "./load.ts"
import { messageEnd } from "./wire.ts"

const body = (n: number) =>
  JSON.stringify({ model: "bench", stream: true, messages: [{ role: "user", content: `Write about number ${n}` }] })

const request = (n: number) => {
  const text = body(n)
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
    `cache-control: no-store\r\ncontent-length: ${text.length}\r\n\r\n${text}`
}

const isWhole = (text: string) =>
  text.startsWith("HTTP/1.1 200") && text.includes("data: [DONE]") && text.split(" word").length === 201

const run = ({ connections, port, seconds }: Order): Promise<Result> =>
  new Promise((resolve) => {
    const latencies: Array<number> = []
    const sockets: Array<Socket> = []
    let failures = 0
    let firstFailure: string | undefined
    let next = 0
    let open = true
    const start = performance.now()
    const fail = (why: string) => {
      if (!open) return
      failures++
      firstFailure ??= why.slice(0, 300)
    }

    const client = () => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true })
      sockets.push(socket)
      socket.setEncoding("latin1")
      let sent = 0
      let pieces: Array<string> = []
      const send = () => {
        sent = performance.now()
        pieces = []
        socket.write(request(next++))
      }
      socket.on("connect", send)
      socket.on("error", (error) => fail(error.message))
      socket.on("close", () => fail("the connection was closed"))
      socket.on("data", (piece: string) => {
        pieces.push(piece)
        // The last bytes may come in two pieces.
        if (!`${pieces.at(-2)?.slice(-10) ?? ""}${piece}`.endsWith("\r\n0\r\n\r\n")) return
        const text = pieces.join("")
        if (messageEnd(text) === -1) return
        latencies.push(performance.now() - sent)
        // Looked at closely now and then, for that takes longer than to receive it.
        if (latencies.length % 16 === 1 && !isWhole(text)) fail(text)
        if (open) send()
      })
    }
    for (let i = 0; i < connections; i++) client()

    setTimeout(() => {
      open = false
      sockets.forEach((socket) => socket.destroy())
      const sorted = Float64Array.from(latencies).sort()
      const quantile = (q: number) => sorted[Math.floor(q * sorted.length)] ?? Number.NaN
      resolve({
        requests: sorted.length,
        failures,
        firstFailure,
        seconds: (performance.now() - start) / 1000,
        p50Millis: quantile(0.5),
        p99Millis: quantile(0.99)
      })
    }, seconds * 1000)
  })

process.on("message", (order: Order) => {
  void run(order).then((result) => process.send?.(result))
})
process.on("disconnect", () => process.exit())
