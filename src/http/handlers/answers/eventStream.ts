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

/** One event; `data` is JSON, and so without line breaks. Neither may a name or an id have any. */
export const event = (data: unknown, name?: string, id?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}${id === undefined ? "" : `id: ${id}\n`}data: ${
    JSON.stringify(data)
  }\n\n`

/** Writes texts that are whole events, one after the other. */
export type Writing = (write: (text: string) => Effect.Effect<void>) => Effect.Effect<void>

/** Builds responses of events, once. Headers of its own come from the caller; `cache-control` may be among them. */
export const eventResponses = Effect.map(
  KeepAlive,
  (keepAlive) => (writing: Writing, headers: Readonly<Record<string, string>>) =>
    HttpServerResponse.stream(written(writing, keepAlive), {
      contentType: "text/event-stream; charset=utf-8",
      // Proxies that would collect the stream are asked not to.
      headers: { "cache-control": "no-cache", "x-accel-buffering": "no", ...headers }
    })
)

/** The same for answers. */
export const eventStreams = Effect.map(
  eventResponses,
  (respond) =>
  (
    parts: GenerationStream["parts"],
    writer: EventWriter,
    headers: Readonly<Record<string, string>>
  ): HttpServerResponse.HttpServerResponse =>
    respond((write) =>
      write(writer.start).pipe(
        Effect.andThen(Stream.runForEachArray(parts, (batch) => write(writer.parts(batch)))),
        Effect.catch((error) => write(writer.broken(error)))
      ), headers)
)

/** What waits while the connection is full goes out as one piece. */
const written = (writing: Writing, keepAlive: Duration.Duration): Stream.Stream<Uint8Array> =>
  Stream.callback<Uint8Array>((queue) => {
    let isQuiet = false
    const write = (text: string) => {
      isQuiet = false
      return Effect.asVoid(Queue.offer(queue, utf8.encode(text)))
    }
    const tick = Effect.suspend(() => {
      const wasQuiet = isQuiet
      isQuiet = true
      return wasQuiet ? Queue.offer(queue, comment) : Effect.void
    })
    const ticking = Effect.forkScoped(Effect.forever(Effect.delay(tick, Duration.divideUnsafe(keepAlive, 2))))
    return ticking.pipe(Effect.andThen(writing(write)), Effect.andThen(Queue.end(queue)))
  }, { bufferSize: 1, strategy: "suspend" })
