/** `POST /generate` as server-sent events: `start`, any number of `delta`, then `done`, or `problem` when it broke off. */
import type { StreamPart, StreamStart } from "../../../domain/Generation.ts"
import { event, type EventWriter } from "./eventStream.ts"
import { toResponse } from "./generateAnswers.ts"
import { provenanceOf } from "./provenance.ts"

export const generateEvents = (start: StreamStart): EventWriter => ({
  start: event({ id: start.id, model: "model" in start ? start.model : null, ...provenanceOf(start) }, "start"),
  parts: (parts) => {
    let text = ""
    let written = ""
    for (const part of parts) {
      if (part._tag === "Delta") text += part.text
      else written = doneEvent(part)
    }
    return text === "" ? written : event({ text }, "delta") + written
  },
  broken: ({ message }) =>
    event({
      type: "urn:understudy:problem:stream-broken",
      title: "The answer broke off",
      detail: `${message}. What has arrived is not the whole answer`
    }, "problem")
})

const doneEvent = ({ generation }: Extract<StreamPart, { readonly _tag: "End" }>): string =>
  event(toResponse(generation), "done")
