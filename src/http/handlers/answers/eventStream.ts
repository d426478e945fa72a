/** Answers as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */
import { Context, Duration, Effect, Queue, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import type { StreamBroken } from "../../../domain/errors.ts"
import type { StreamPart } from "../../../domain/Generation.ts"
import type { GenerationStream } from "../../../services/Generator.ts"

/** How a stream is written down: text that is made of whole events. */
export interface EventWriter {
  readonly start: string
  readonly parts: (parts: ReadonlyArray<StreamPart>) => string
  readonly broken: (error: StreamBroken) => string
}

/** After so much silence a comment keeps the connection from being taken for dead. */
export const KeepAlive = Context.Reference<Duration.Duration>("understudy/http/KeepAlive", {
  defaultValue: () => Duration.seconds(15)
})

const utf8 = new TextEncoder()
const comment = utf8.encode(": keep-alive\n\n")

/** One event; `data` is JSON, and so without line breaks. */
export const event = (data: unknown, name?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`

/** Builds the response of a stream, once. */
export const eventStreams = Effect.map(
  KeepAlive,
  (keepAlive) =>
  (
    parts: GenerationStream["parts"],
    writer: EventWriter,
    headers: Readonly<Record<string, string>>
  ): HttpServerResponse.HttpServerResponse =>
    HttpServerResponse.stream(written(parts, writer, keepAlive), {
      contentType: "text/event-stream; charset=utf-8",
      // Proxies that would collect the stream are asked not to.
      headers: { ...headers, "cache-control": "no-cache", "x-accel-buffering": "no" }
    })
)

/** What waits while the connection is full goes out as one piece. */
const written = (
  parts: GenerationStream["parts"],
  writer: EventWriter,
  keepAlive: Duration.Duration
): Stream.Stream<Uint8Array> =>
  Stream.callback<Uint8Array>((queue) => {
    let isQuiet = false
    const write = (text: string) => {
      isQuiet = false
      return Queue.offer(queue, utf8.encode(text))
    }
    const tick = Effect.suspend(() => {
      const wasQuiet = isQuiet
      isQuiet = true
      return wasQuiet ? Queue.offer(queue, comment) : Effect.void
    })
    const ticking = Effect.forkScoped(Effect.forever(Effect.delay(tick, Duration.divideUnsafe(keepAlive, 2))))
    return Effect.andThen(ticking, write(writer.start)).pipe(
      Effect.andThen(Stream.runForEachArray(parts, (batch) => write(writer.parts(batch)))),
      Effect.catch((error) => write(writer.broken(error))),
      Effect.andThen(Queue.end(queue))
    )
  }, { bufferSize: 1, strategy: "suspend" })
