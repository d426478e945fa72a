/**
 * The table of everything a provider can do to us. A mode is a function of the call, so that a test may also choose by
 * the prompt: `(call) => (call.prompt.includes("tea") ? Mode.answer : Mode.status(500))(call)`.
 */
import type { OutgoingHttpHeaders } from "node:http"
import type { Call } from "./FaultCall.ts"

export type Mode = (call: Call) => void

export const Mode = {
  /** `Answer to: <prompt>`, at once. */
  answer: (call: Call) => call.json(200, call.format.answer(`Answer to: ${call.prompt}`)),
  /** The same with another text. */
  say: (text: string): Mode => (call) => call.json(200, call.format.answer(text)),
  /** The same after `millis`. */
  wait: (millis: number): Mode => (call) => call.after(millis, () => Mode.answer(call)),

  // Too slow
  hangBeforeHeaders: () => {},
  /** Headers and half a body, then nothing. */
  hangInBody: (call: Call) => call.part(200, answerText(call), 0.5),
  /** Headers and half of an error's body, then nothing. */
  hangInError: (call: Call) => call.part(500, JSON.stringify(call.format.error(500)), 0.5),
  /** One byte per interval. */
  drip: (intervalMillis: number): Mode => (call) => {
    const bytes = Buffer.from(answerText(call))
    call.head(200, { "content-type": "application/json", "content-length": bytes.length })
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
    call.part(200, answerText(call), 0.5)
    call.after(20, () => call.reset())
  },
  closeWithoutResponse: (call: Call) => call.close(),
  /** The body ends before its content-length. */
  cutBody: (call: Call) => {
    call.part(200, answerText(call), 0.5)
    call.after(20, () => call.close())
  },
  /** The connection closes in the middle of a chunked body. */
  cutChunkedBody: (call: Call) =>
    call.raw(`${rawHead}transfer-encoding: chunked\r\n\r\n10\r\n${answerText(call).slice(0, 16)}\r\n`, "close"),
  invalidChunk: (call: Call) => call.raw(`${rawHead}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n`, "keep open"),
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
  truncatedJson: (call: Call) => call.send(200, "application/json", answerText(call).slice(0, -5)),
  emptyObject: (call: Call) => call.json(200, {}),
  emptyChoices: (call: Call) => call.json(200, call.format.emptyChoices),
  nullText: (call: Call) => call.json(200, call.format.answer(null)),
  blankText: (call: Call) => call.json(200, call.format.answer(" \n\t ")),
  wrongTypes: (call: Call) => call.json(200, call.format.answer(42)),
  /** Only the OpenAI form has one: in the plain form this is a good answer. */
  missingFinish: (call: Call) => call.json(200, call.format.answer(`Answer to: ${call.prompt}`, undefined)),
  /** `length`, `content_filter`, or something new. */
  finish: (reason: string): Mode => (call) => call.json(200, call.format.answer(`Answer to: ${call.prompt}`, reason)),
  errorObject: (call: Call) => call.json(200, call.format.error(500)),
  invalidUtf8: (call: Call) => {
    const bytes = Buffer.from(answerText(call))
    bytes.fill(0xff, bytes.indexOf("Answer to"), bytes.indexOf("Answer to") + 6)
    call.send(200, "application/json", bytes)
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

const answerText = (call: Call) => JSON.stringify(call.format.answer(`Answer to: ${call.prompt}`))

const html = "<!doctype html><html><head><title>Welcome</title></head><body>It works, but not here.</body></html>"

const rawHead = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
