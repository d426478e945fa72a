/** Reads request bodies straight from Node's own request, which costs a fraction of the general way. */
import { Effect, Layer } from "effect"
import { IncomingMessage } from "node:http"
import { ReadBody, type Unreadable } from "../http/handlers/body.ts"

/** The general way stays for whatever is no plain HTTP/1 request, and for clients that wait for `100 Continue`. */
export const layer: Layer.Layer<never> = Layer.effect(
  ReadBody,
  Effect.map(ReadBody, (general) => (request, maxBytes) => {
    const { source } = request
    return source instanceof IncomingMessage && source.headers.expect === undefined
      ? readText(source, maxBytes)
      : general(request, maxBytes)
  })
)

const byteOrderMark = "\uFEFF"

const readText = (source: IncomingMessage, maxBytes: number): Effect.Effect<string, Unreadable> =>
  Effect.callback((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    const stop = () => {
      source.off("data", onData)
      source.off("end", onEnd)
      source.off("error", onBroken)
      source.off("close", onBroken)
    }
    const end = (result: Effect.Effect<string, Unreadable>) => {
      stop()
      resume(result)
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      // The server drains or closes what is left, once the answer is out.
      if (size > maxBytes) return end(Effect.fail("too_large"))
      chunks.push(chunk)
    }
    const onEnd = () => {
      const [only] = chunks
      const text = (only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks)).toString("utf8")
      end(Effect.succeed(text.startsWith(byteOrderMark) ? text.slice(1) : text))
    }
    const onBroken = () => end(Effect.fail("broken"))
    if (source.destroyed || source.readableEnded) return onBroken()
    source.on("data", onData)
    source.on("end", onEnd)
    source.on("error", onBroken)
    source.on("close", onBroken)
    return Effect.sync(stop)
  })
