/** Reads server-sent events by hand, as the specification says: https://html.spec.whatwg.org/multipage/server-sent-events.html */
import * as Sse from "effect/encoding/Sse"

export interface ServerSentEvent {
  /** `message` when the stream does not name it. */
  readonly event: string
  readonly data: string
}

/** Takes text in any pieces, and gives the events that have become whole with each. */
export type EventParser = (text: string) => ReadonlyArray<ServerSentEvent>

/** Written by hand, as programs without a library do it. */
export const byHand = (): EventParser => {
  let rest = ""
  let event = ""
  let data: ReadonlyArray<string> = []
  const take = (line: string): ReadonlyArray<ServerSentEvent> => {
    if (line === "") {
      const whole = data.length === 0 ? [] : [{ event: event === "" ? "message" : event, data: data.join("\n") }]
      event = ""
      data = []
      return whole
    }
    const colon = line.indexOf(":")
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "")
    if (field === "event") event = value
    if (field === "data") data = [...data, value]
    return []
  }
  return (text) => {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ""
    return lines.flatMap(take)
  }
}

/** Effect's own. */
export const byEffect = (): EventParser => {
  let whole: Array<ServerSentEvent> = []
  const parser = Sse.makeParser((parsed) => {
    if (parsed._tag === "Event") whole.push({ event: parsed.event, data: parsed.data })
  })
  return (text) => {
    const error = parser.feed(text)
    if (error !== undefined) throw error
    const events = whole
    whole = []
    return events
  }
}

/** All events of a body, and the body itself. */
export const readEvents = async (response: Response, parse: EventParser) => {
  const events: Array<ServerSentEvent> = []
  const decoder = new TextDecoder("utf-8", { fatal: true })
  let text = ""
  for await (const bytes of response.body ?? []) {
    const piece = decoder.decode(bytes, { stream: true })
    text += piece
    events.push(...parse(piece))
  }
  return { events, text }
}
