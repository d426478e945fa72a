/**
 * What a provider can do to us in a stream of chat completions, and only there. Every one of these streams, whether the
 * request has asked for it or not. `k` counts the chunks with text: `Answer to: <prompt>` comes word by word.
 */
import { type Call, eventOf } from "./FaultCall.ts"
import { answerTo, type Mode } from "./faults.ts"
import { openAi, type StreamFormat } from "./formats.ts"

export const StreamMode = {
  // Too slow
  /** The first `k` words, then nothing, and no end either. */
  stallAfter: (k: number): Mode => (call) => send(call, beginning(call, k)),
  /** Headers and the chunk that says the role, then nothing. */
  stallBeforeFirstToken: (call: Call) => send(call, beginning(call, 0)),
  /** Headers, then nothing but comments. */
  onlyComments: (intervalMillis: number): Mode => (call) => {
    call.events()
    const next = (): void => {
      call.write(": still here\n\n")
      call.after(intervalMillis, next)
    }
    next()
  },
  /** A good answer, one chunk per interval. */
  slow: (intervalMillis: number): Mode => (call) => {
    call.events()
    const chunks = [...whole(call), "[DONE]"]
    const next = (at: number): void => {
      call.event(chunks[at])
      if (at === chunks.length - 1) return call.end()
      return call.after(intervalMillis, () => next(at + 1))
    }
    next(0)
  },

  // Broken connections
  /** The first `k` words, then a FIN without the end of the body. */
  closeAfter: (k: number): Mode => (call) => {
    send(call, beginning(call, k))
    call.after(20, () => call.hangUp())
  },
  /** The first `k` words, then a TCP reset. */
  resetAfter: (k: number): Mode => (call) => {
    send(call, beginning(call, k))
    call.after(20, () => call.reset())
  },
  /** The first `k` words, then a FIN in the middle of a chunk of the transfer. */
  cutChunkAfter: (k: number): Mode => (call) => {
    const body = Buffer.from(beginning(call, k).map(eventOf).join("") + "data: {\"choi")
    const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    call.raw(`${head}${(body.length + 100).toString(16)}\r\n${body.toString()}`, "close")
  },
  /** The first `k` words, then a proper end of the body: no finish_reason, no `[DONE]`. */
  endAfter: (k: number): Mode => (call) => {
    send(call, beginning(call, k))
    call.end()
  },
  /** All of it and `[DONE]`, but no finish_reason. */
  withoutFinish: (call: Call) => finish(call, streamOf(call).answer(answerTo(call), undefined)),
  /** All of it, and a proper end of the body, but no `[DONE]`. */
  withoutDone: (call: Call) => {
    send(call, whole(call))
    call.end()
  },
  /** All of it and `[DONE]`, then more that nobody should read, and no end. */
  openAfterDone: (call: Call) => {
    send(call, [...whole(call), "[DONE]"])
    call.after(20, () => call.event(streamOf(call).chunk({ content: " and more" })))
  },
  /** All of it and `[DONE]`; the end of the body comes `millis` later. */
  endLateAfterDone: (millis: number): Mode => (call) => {
    send(call, [...whole(call), "[DONE]"])
    call.after(millis, () => call.end())
  },

  // Streams that hold no answer
  /** The first `k` words, then an error instead of the rest. */
  errorAfter: (k: number): Mode => (call) => {
    send(call, [...beginning(call, k), call.format.error(500)])
    call.end()
  },
  /** An error, and nothing else. */
  errorFirst: (call: Call) => {
    send(call, [call.format.error(500)])
    call.end()
  },
  /** The first `k` words, then an event that is no JSON, then the rest. */
  garbageAfter: (k: number): Mode => (call) => finish(call, inserted(call, k, "{\"choices\":[{\"del")),
  /** The same with a chunk of wrong types. */
  wrongTypesAfter: (k: number): Mode => (call) =>
    finish(call, inserted(call, k, streamOf(call).chunk({ content: 42 }))),
  /** The first `k` words, then a chunk that is not UTF-8, then the rest. */
  invalidUtf8After: (k: number): Mode => (call) => {
    send(call, beginning(call, k))
    call.write(Buffer.from(eventOf(streamOf(call).chunk({ content: "\u00ff\u00ff" })), "latin1"))
    finish(call, whole(call).slice(1 + k))
  },
  /** An event that never ends; the client has to hang up. */
  endlessEvent: (call: Call) => {
    call.events()
    call.write("data: {\"choices\":[{\"delta\":{\"content\":\"")
    pump(call, () => "a".repeat(64 * 1024))
  },

  // Good answers in unusual clothes
  /** One byte at a time. */
  byteByByte: (call: Call) => {
    const bytes = Buffer.from([...whole(call), "[DONE]"].map(eventOf).join(""))
    call.events()
    const next = (at: number): void => {
      if (at === bytes.length) return call.end()
      call.write(bytes.subarray(at, at + 1))
      setImmediate(() => call.open && next(at + 1))
    }
    next(0)
  },
  /** Lines end in CRLF. */
  crlf: (call: Call) => dressed(call, (event) => event.replaceAll("\n", "\r\n")),
  /** Comments, `retry:`, `id:` and `event:` around the data, of which no line has a space after the colon. */
  withComments: (call: Call) =>
    dressed(call, (event) => `: keep-alive\n\nretry: 3000\nid: 7\nevent: message\n${event.replace("data: ", "data:")}`),
  /** The data of each event on several lines. */
  multiLine: (call: Call) => dressed(call, (event) => event.replace("\"choices\"", "\ndata: \"choices\"")),

  // Much
  /** Chunks of that many characters without an end, as fast as they are taken. */
  endless: (characters = 1024): Mode => (call) => {
    send(call, beginning(call, 0))
    const chunk = eventOf(streamOf(call).chunk({ content: "x".repeat(characters) }))
    pump(call, () => chunk)
  },
  /** That many chunks of that many characters, as fast as they are taken, and a good end. */
  large: (chunks: number, characters: number): Mode => (call) => {
    const { chunk } = streamOf(call)
    const event = eventOf(chunk({ content: "x".repeat(characters) }))
    let sent = 0
    send(call, beginning(call, 0))
    pump(call, () => sent++ < chunks ? event : undefined, () => finish(call, [chunk({}, "stop")]))
  },

  /** That many chunks of that many characters, one per interval, and a good end. */
  paced: (chunks: number, characters: number, intervalMillis: number): Mode => (call) => {
    const { chunk } = streamOf(call)
    send(call, beginning(call, 0))
    const next = (left: number): void => {
      if (left === 0) return finish(call, [chunk({}, "stop")])
      call.event(chunk({ content: "x".repeat(characters) }))
      return call.after(intervalMillis, () => next(left - 1))
    }
    next(chunks)
  },

  // More than text
  /** The call of a tool, in three chunks. */
  toolCall: (name: string, args: string): Mode => (call) => {
    const { chunk } = streamOf(call)
    const half = Math.ceil(args.length / 2)
    const more = (piece: string) => chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] })
    const first = { index: 0, id: "call_fault", type: "function", function: { name, arguments: "" } }
    finish(call, [
      chunk({ role: "assistant", content: null, tool_calls: [first] }),
      more(args.slice(0, half)),
      more(args.slice(half)),
      chunk({}, "tool_calls"),
      ...usage(call)
    ])
  },
  /** The model says that it will not. */
  refusal: (...words: ReadonlyArray<string>): Mode => (call) => {
    const { chunk } = streamOf(call)
    finish(call, [
      chunk({ role: "assistant", content: null }),
      ...words.map((refusal) => chunk({ refusal })),
      chunk({}, "stop"),
      ...usage(call)
    ])
  },
  /** It thinks aloud for `n` chunks before it answers. */
  reasoning: (n: number): Mode => (call) => {
    const [role, ...rest] = whole(call)
    finish(call, [
      role,
      ...Array.from({ length: n }, () => streamOf(call).chunk({ reasoning_content: "hm " })),
      ...rest
    ])
  },
  /** `n` answers at once, in turn. */
  choices: (n: number): Mode => (call) => {
    const { chunk } = streamOf(call)
    const all = Array.from({ length: n }, (_, index) => index)
    finish(call, [
      ...all.map((index) => chunk({ role: "assistant", content: "" }, undefined, index)),
      ...all.map((index) => chunk({ content: `Answer ${index} to: ${call.prompt}` }, undefined, index)),
      ...all.map((index) => chunk({}, "stop", index)),
      ...usage(call)
    ])
  },

  /** A whole answer as JSON, although a stream was asked for. */
  jsonInstead: (call: Call) => call.json(200, call.format.answer(answerTo(call))),
  /** These events and the end of the body; text goes out as it is, anything else as JSON. */
  events: (...data: ReadonlyArray<unknown>): Mode => (call) => {
    send(call, data)
    call.end()
  }
}

const streamOf = (call: Call): StreamFormat => call.format.stream ?? openAi(call.body).stream

const usage = (call: Call): ReadonlyArray<object> => {
  const last = streamOf(call).usage
  return last === undefined ? [] : [last]
}

const whole = (call: Call): ReadonlyArray<object> => streamOf(call).answer(answerTo(call))

/** The chunk with the role, and `k` words. */
const beginning = (call: Call, k: number): ReadonlyArray<object> => whole(call).slice(0, 1 + k)

const inserted = (call: Call, k: number, data: unknown): ReadonlyArray<unknown> => [
  ...beginning(call, k),
  data,
  ...whole(call).slice(1 + k)
]

const send = (call: Call, data: ReadonlyArray<unknown>): void => {
  call.events()
  for (const one of data) call.event(one)
}

const finish = (call: Call, data: ReadonlyArray<unknown>): void => {
  if (!call.hasHead) call.events()
  for (const one of data) call.event(one)
  call.event("[DONE]")
  call.end()
}

const dressed = (call: Call, dress: (event: string) => string): void => {
  call.events()
  for (const one of [...whole(call), "[DONE]"]) call.write(dress(eventOf(one)))
  call.end()
}

/** Writes as fast as the client takes it, until there is nothing more. */
const pump = (call: Call, next: () => string | undefined, then: () => void = () => {}): void => {
  while (call.open) {
    const text = next()
    if (text === undefined) return then()
    if (!call.write(text)) return call.onDrain(() => pump(call, next, then))
  }
}
