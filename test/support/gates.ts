/** Providers that answer when the test says so. */
import type { Mode } from "./FaultServer.ts"

export interface Gate {
  /** Streams the beginning of an answer, the rest after `open`; what is asked for whole comes after it altogether. */
  readonly mode: Mode
  /** For all calls so far. */
  readonly open: () => void
}

export const gate = (text = "Once upon a time"): Gate => {
  const waiting = new Set<() => void>()
  return {
    mode: (call) => {
      const { stream } = call.format
      if (stream?.isAsked !== true) {
        waiting.add(() => call.json(200, call.format.answer(text)))
        return
      }
      const chunks = stream.answer(text)
      call.events()
      chunks.slice(0, 2).forEach((chunk) => call.event(chunk))
      waiting.add(() => {
        for (const chunk of [...chunks.slice(2), "[DONE]"]) call.event(chunk)
        call.end()
      })
    },
    open: () => {
      waiting.forEach((release) => release())
      waiting.clear()
    }
  }
}
