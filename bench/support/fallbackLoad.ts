/** Requests of many namespaces with their keys, closed-loop or paced, and how the answers were found. A child process. */
import { connect, type Socket } from "node:net"
import { messageEnd } from "./wire.ts"

export interface Asked {
  readonly key: string
  readonly prompt: string
  /** What the answer's body must hold. */
  readonly expected: string
}

export interface FallbackOrder {
  readonly port: number
  readonly connections: number
  readonly asked: ReadonlyArray<Asked>
  /** Requests a second over all connections; absent: each connection sends its next when it has its answer. */
  readonly perSecond?: number | undefined
  readonly noStore?: boolean | undefined
}

export interface FallbackResult {
  readonly perSecond: number
  readonly p50Millis: number
  readonly p99Millis: number
  readonly maxMillis: number
  /** Anything but a 200 that holds what was expected. */
  readonly failures: number
  readonly firstFailure: string | undefined
}

const toRequest = ({ key, prompt }: Asked, noStore: boolean): string => {
  const body = JSON.stringify({ prompt })
  return `POST /generate HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\n`
    + `${noStore ? "cache-control: no-store\r\n" : ""}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

const run = (order: FallbackOrder): Promise<FallbackResult> =>
  new Promise((resolve) => {
    const requests = order.asked.map((asked) => toRequest(asked, order.noStore ?? false))
    const latencies: Array<number> = []
    const sockets: Array<Socket> = []
    let failures = 0
    let firstFailure: string | undefined
    let next = 0
    let idle = order.connections
    const start = performance.now()

    const finish = () => {
      sockets.forEach((socket) => socket.destroy())
      const sorted = Float64Array.from(latencies).sort()
      const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
      resolve({
        perSecond: sorted.length / ((performance.now() - start) / 1_000),
        p50Millis: quantile(0.5),
        p99Millis: quantile(0.99),
        maxMillis: quantile(1),
        failures,
        firstFailure
      })
    }

    const client = () => {
      const socket = connect({ port: order.port, host: "127.0.0.1", noDelay: true })
      sockets.push(socket)
      socket.setEncoding("latin1")
      let index = 0
      let due = 0
      let text = ""
      const send = () => {
        index = next++
        const request = requests[index]
        if (request === undefined) {
          if (--idle === 0) finish()
          return
        }
        const now = performance.now()
        // A late start counts: whoever waits for a free connection waits.
        due = order.perSecond === undefined ? now : start + index * 1_000 / order.perSecond
        if (due > now) setTimeout(() => socket.write(request), due - now)
        else socket.write(request)
      }
      socket.on("connect", send)
      socket.on("error", (error) => {
        failures++
        firstFailure ??= error.message
        send()
      })
      socket.on("data", (chunk: string) => {
        text += chunk
        if (messageEnd(text) === -1) return
        latencies.push(performance.now() - due)
        if (!text.startsWith("HTTP/1.1 200") || !text.includes(order.asked[index]?.expected ?? "")) {
          failures++
          firstFailure ??= text.slice(0, 600)
        }
        text = ""
        send()
      })
    }
    for (let i = 0; i < order.connections; i++) client()
  })

process.on("message", (order: FallbackOrder) => {
  void run(order).then((result) => process.send?.(result))
})
process.on("disconnect", () => process.exit())
