/** Closed-loop load: every connection sends its next request when it has the last one's answer. A child process. */
import { connect, type Socket } from "node:net"
import { messageEnd } from "./wire.ts"

export interface Order {
  readonly port: number
  readonly connections: number
  readonly seconds: number
  /** `Cache-Control: no-store`: the answers need not be remembered. */
  readonly noStore: boolean
}

export interface Result {
  readonly requests: number
  /** Anything but a 200 with a live answer, and lost connections. */
  readonly failures: number
  readonly firstFailure: string | undefined
  readonly seconds: number
  readonly p50Millis: number
  readonly p99Millis: number
}

/** Two hundred and fifty-six different prompts, ready to be sent. */
const requests = (noStore: boolean) =>
  Array.from({ length: 256 }, (_, i) => {
    const body = JSON.stringify({ prompt: `Write a blog post about subject number ${i}, please`, max_tokens: 200 })
    return `POST /generate HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}` +
      (noStore ? "\r\ncache-control: no-store" : "") +
      `\r\n\r\n${body}`
  })

const run = (order: Order): Promise<Result> =>
  new Promise((resolve) => {
    const prompts = requests(order.noStore)
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
      const socket = connect({ port: order.port, host: "127.0.0.1", noDelay: true })
      sockets.push(socket)
      socket.setEncoding("latin1")
      let sent = 0
      let text = ""
      const send = () => {
        sent = performance.now()
        socket.write(prompts[next++ % prompts.length] ?? "")
      }
      socket.on("connect", send)
      socket.on("error", (error) => fail(error.message))
      socket.on("close", () => fail("the connection was closed"))
      socket.on("data", (chunk: string) => {
        text += chunk
        if (messageEnd(text) === -1) return
        latencies.push(performance.now() - sent)
        if (!text.startsWith("HTTP/1.1 200") || !text.includes("\"live\"")) fail(text)
        text = ""
        if (open) send()
      })
    }
    for (let i = 0; i < order.connections; i++) client()

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
    }, order.seconds * 1000)
  })

process.on("message", (order: Order) => {
  void run(order).then((result) => process.send?.(result))
})
process.on("disconnect", () => process.exit())
