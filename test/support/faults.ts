/**
 * The table of everything a provider can do to us. A mode is a function of the call, so that a test may also choose by
 * the prompt: `(call) => (call.prompt.includes("tea") ? Mode.answer : Mode.status(500))(call)`.
 *
 * Whoever asks for a stream gets what the protocol words as a stream: the answers, slow and broken ones too. What only a
 * stream can do stands in `streamFaults.ts`.
 */
import type { OutgoingHttpHeaders } from "node:http"
import { type Call, eventOf, eventStream } from "./FaultCall.ts"

export type Mode = (call: Call) => void

export const Mode = {
  /** `Answer to: <prompt>`, at once. */
  answer: (call: Call) => reply(call, answerTo(call)),
  /** The same with another text. */
  say: (text: string): Mode => (call) => reply(call, text),
  /** The same after `millis`. */
  wait: (millis: number): Mode => (call) => call.after(millis, () => Mode.answer(call)),

  // Too slow
  hangBeforeHeaders: () => {},
  /** Headers and half a body, then nothing. */
  hangInBody: (call: Call) => half(call),
  /** Headers and half of an error's body, then nothing. */
  hangInError: (call: Call) => call.part(500, JSON.stringify(call.format.error(500)), 0.5),
  /** One byte per interval. */
  drip: (intervalMillis: number): Mode => (call) => {
    const [contentType, body] = answerBody(call)
    const bytes = Buffer.from(body)
    call.head(200, { "content-type": contentType, "content-length": bytes.length })
    const next = (at: number): void => {
      if (at === bytes.length) return call.end()
      call.write(bytes.subarray(at, at + 1))
      return call.after(intervalMillis, () => next(at + 1))
    }
    next(0)
  },

  // Statuses
  /** An error as the protocol words it. */
  status: (status: number, headers: OutgoingHttpHeaders = {}): Mode => (call) =>
    call.json(status, call.format.error(status), headers),
  /** 429; `retryAfter` goes into the header as it is: seconds, or an HTTP date. */
  rateLimited: (retryAfter?: string): Mode =>
    Mode.status(429, retryAfter === undefined ? {} : { "retry-after": retryAfter }),
  /** What a gateway in front of the provider says. */
  htmlError: (status: number): Mode => (call) => call.send(status, "text/html", html),
  /** An error with a body that is far larger than anybody wants to read. */
  largeError: (status: number, bytes: number): Mode => (call) => call.send(status, "text/plain", "x".repeat(bytes)),
  noContent: (call: Call) => call.send(204, "application/json", ""),

  // Broken connections
  resetBeforeHeaders: (call: Call) => call.reset(),
  /** Headers and half a body, then a TCP reset. */
  resetInBody: (call: Call) => {
    half(call)
    call.after(20, () => call.reset())
  },
  closeWithoutResponse: (call: Call) => call.close(),
  /** The body ends before its content-length. */
  cutBody: (call: Call) => {
    half(call)
    call.after(20, () => call.close())
  },
  /** The connection closes in the middle of a chunked body. */
  cutChunkedBody: (call: Call) =>
    call.raw(
      `${rawHead(call)}transfer-encoding: chunked\r\n\r\n10\r\n${answerBody(call)[1].slice(0, 16)}\r\n`,
      "close"
    ),
  invalidChunk: (call: Call) => call.raw(`${rawHead(call)}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n`, "keep open"),
  /** A 103 before the answer `{}`. */
  earlyHints: (call: Call) =>
    call.raw(
      "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
      "keep open"
    ),
  /** Not HTTP at all. */
  invalidHead: (call: Call) => call.raw("* OK IMAP4rev1 ready\r\n", "keep open"),

  // 200 without an answer
  html: (call: Call) => call.send(200, "text/html", html),
  empty: (call: Call) => call.send(200, "application/json", ""),
  /** JSON for a stream too. */
  truncatedJson: (call: Call) =>
    call.send(200, "application/json", JSON.stringify(call.format.answer(answerTo(call))).slice(0, -5)),
  emptyObject: (call: Call) => call.json(200, {}),
  emptyChoices: (call: Call) => call.json(200, call.format.emptyChoices),
  nullText: (call: Call) => reply(call, null),
  blankText: (call: Call) => reply(call, " \n\t "),
  wrongTypes: (call: Call) => reply(call, 42),
  /** Only the OpenAI form has one: in the plain form this is a good answer. */
  missingFinish: (call: Call) => reply(call, answerTo(call), undefined),
  /** `length`, `content_filter`, or something new. */
  finish: (reason: string): Mode => (call) => reply(call, answerTo(call), reason),
  errorObject: (call: Call) => call.json(200, call.format.error(500)),
  invalidUtf8: (call: Call) => {
    const [contentType, body] = answerBody(call)
    const bytes = Buffer.from(body)
    bytes.fill(0xff, bytes.indexOf("Answer"), bytes.indexOf("Answer") + 6)
    call.send(200, contentType, bytes)
  },
  garbage: (call: Call) =>
    call.send(200, "application/json", Buffer.from(Array.from({ length: 512 }, (_, i) => (i * 167) % 256))),
  /** A JSON string that never ends; the client has to hang up. */
  endlessBody: (call: Call) => {
    call.head(200, { "content-type": "application/json" })
    const chunk = Buffer.alloc(64 * 1024, "a")
    const more = (): void => {
      while (call.open && call.write(chunk));
      if (call.open) call.onDrain(more)
    }
    call.write("{\"text\":\"")
    more()
  },
  /** Says that it is huge before it sends anything of it. */
  hugeContentLength: (call: Call) => {
    call.head(200, { "content-type": "application/json", "content-length": 10_000_000_000 })
    call.write("{\"text\":\"")
  }
}

export const answerTo = (call: Call) => `Answer to: ${call.prompt}`

/** In one piece, or as the stream that was asked for. */
const reply = (call: Call, ...answer: Parameters<Call["format"]["answer"]>): void => {
  const { answer: whole, stream } = call.format
  if (stream?.isAsked !== true) return call.json(200, whole(...answer))
  call.events()
  for (const chunk of stream.answer(...answer)) call.event(chunk)
  call.event("[DONE]")
  return call.end()
}

/** The headers of `Mode.answer`, and half of its body. */
const half = (call: Call): void => {
  const [contentType, body] = answerBody(call)
  call.part(200, body, 0.5, contentType)
}

/** The type and the text of the body of `Mode.answer`. */
const answerBody = (call: Call): [contentType: string, body: string] => {
  const { answer, stream } = call.format
  return stream?.isAsked === true
    ? [eventStream, [...stream.answer(answerTo(call)), "[DONE]"].map(eventOf).join("")]
    : ["application/json", JSON.stringify(answer(answerTo(call)))]
}

const html = "<!doctype html><html><head><title>Welcome</title></head><body>It works, but not here.</body></html>"

const rawHead = (call: Call) => `HTTP/1.1 200 OK\r\ncontent-type: ${answerBody(call)[0]}\r\n`
