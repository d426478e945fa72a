/** The error table (DESIGN 3) as rows of faults and what follows, and what tests of it share. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { GenerateResponse } from "../../src/http/api/Answers.ts"
import { FaultServer, Mode } from "./FaultServer.ts"
import { ask, eventually, generationOf, load, noStore } from "./http.ts"
import { Service } from "./service.ts"

export const env = {
  // Long enough for what a busy machine makes of a body beyond the size limit: only what hangs may time out.
  ATTEMPT_TIMEOUT: "700 millis",
  TOTAL_TIMEOUT: "2500 millis",
  // Every row tries again, all of them within a minute.
  RETRY_BUDGET: "1",
  RETRY_BASE_DELAY: "10 millis",
  // Over before the next row: an opening that is over still reads as open until somebody calls.
  BREAKER_COOLDOWN: "50 millis",
  BREAKER_WINDOW: "5 minutes"
}

export interface Row {
  readonly what: string
  readonly mode: Mode
  readonly reason: NonNullable<GenerateResponse["fallback"]>["reason"]
  readonly attempts: 1 | 2
  /** Whether three such calls open the circuit. */
  readonly counts: boolean
  /** As a stream its first piece is out before anybody can see the fault. */
  readonly breaksOff?: boolean
}

const retried = (reason: Row["reason"]) => (what: string, mode: Mode): Row => ({
  what,
  mode,
  reason,
  attempts: 2,
  counts: true
})
const timeout = retried("timeout")
const unavailable = retried("unavailable")
const malformed = retried("malformed")
const breaksOff = (row: Row): Row => ({ ...row, breaksOff: true })
const unauthorized = (status: number): Row => ({
  what: `status ${status}`,
  mode: Mode.status(status),
  reason: "unauthorized",
  attempts: 1,
  counts: false
})

export const ofEveryProtocol: ReadonlyArray<Row> = [
  malformed("a truncated JSON", Mode.truncatedJson),
  malformed("an empty object", Mode.emptyObject),
  malformed("a null text", Mode.nullText),
  malformed("a blank text", Mode.blankText),
  malformed("a text of the wrong type", Mode.wrongTypes),
  malformed("a 200 with an error object", Mode.errorObject)
]

export const openAiRows: ReadonlyArray<Row> = [
  timeout("hanging before the headers", Mode.hangBeforeHeaders),
  breaksOff(timeout("hanging in the body", Mode.hangInBody)),
  timeout("one byte every 100 ms", Mode.drip(100)),
  ...[408, 500, 502, 503, 504, 520, 529].map((status) => unavailable(`status ${status}`, Mode.status(status))),
  unavailable("a gateway's HTML with 502", Mode.htmlError(502)),
  unavailable("status 500 and half a body", Mode.hangInError),
  unavailable("a reset before the headers", Mode.resetBeforeHeaders),
  unavailable("a connection closed without a response", Mode.closeWithoutResponse),
  unavailable("something that is not HTTP", Mode.invalidHead),
  ...ofEveryProtocol,
  malformed("HTML", Mode.html),
  malformed("an empty body", Mode.empty),
  malformed("status 204", Mode.noContent),
  malformed("empty choices", Mode.emptyChoices),
  breaksOff(malformed("a missing finish", Mode.missingFinish)),
  malformed("bytes that are no text", Mode.garbage),
  breaksOff(malformed("a reset after the headers", Mode.resetInBody)),
  breaksOff(malformed("a body that stops in the middle", Mode.cutBody)),
  malformed("a chunked body that stops in the middle", Mode.cutChunkedBody),
  malformed("a broken chunk", Mode.invalidChunk),
  malformed("a body beyond the size limit", Mode.endlessBody),
  malformed("a length beyond the size limit", Mode.hugeContentLength),
  unauthorized(401),
  unauthorized(403)
]

export const titleOf = (row: Row) =>
  `${row.what}: a template for "${row.reason}" after ${row.attempts === 1 ? "one attempt" : "two attempts"}, ` +
  `${row.counts ? "and three such calls open" : "and no number of calls opens"} the circuit`

/** A closed circuit without failures, and no cooldown left of an earlier row. */
export const healed = Effect.gen(function*() {
  const provider = yield* FaultServer
  const { url } = yield* Service
  yield* provider.respondWith(Mode.answer)
  yield* eventually(ask(url, "Are you there?", noStore), (reply) => generationOf(reply).source === "live", "it is live")
  assert.strictEqual(yield* circuit(url), "closed")
})

export const circuit = (url: string) => Effect.map(load(url), ({ circuit }) => circuit)
