/** Jobs of a running service, as their asker sees them. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { askChat, chatOf } from "./answers.ts"
import { ask, eventually, type Reply, send } from "./http.ts"
import { jobOf } from "./jobService.ts"

export type Headers = Readonly<Record<string, string>>
export type JobShown = ReturnType<typeof jobOf>

export const prefer = (wish: string): Headers => ({ prefer: wish })

/** The body of a 202, and where it says the job is. */
export const accepted = (reply: Reply): JobShown => {
  const job = jobOf(reply, 202)
  assert.strictEqual(reply.headers.location, `/jobs/${job.id}`)
  assert.match(String(reply.headers["preference-applied"]), /^(respond-async|wait=\d+|respond-async, wait=\d+)$/)
  return job
}

/** `POST /generate` with `respond-async`. */
export const submit = (url: string, request: string | object, headers: Headers = {}) =>
  Effect.map(ask(url, request, { headers: { ...prefer("respond-async"), ...headers } }), accepted)

/** The same for a chat. */
export const submitChat = (url: string, request: string | object, headers: Headers = {}) =>
  Effect.map(
    askChat(url, typeof request === "string" ? chatOf(request) : request, { ...prefer("respond-async"), ...headers }),
    accepted
  )

export const jobAt = (url: string, id: string, headers: Headers = {}) =>
  Effect.map(send(`${url}/jobs/${id}`, { headers }), (reply) => jobOf(reply))

export const cancel = (url: string, id: string, headers: Headers = {}) =>
  Effect.map(send(`${url}/jobs/${id}`, { method: "DELETE", headers }), (reply) => jobOf(reply))

/** Asks for it until it is so. */
export const jobUntil = (
  url: string,
  id: string,
  holds: (job: JobShown) => boolean,
  what: string,
  headers: Headers = {}
) => eventually(jobAt(url, id, headers), holds, `${id} ${what}`, "25 seconds")

/** Asks for it until it has ended. */
export const ended = (url: string, id: string, headers: Headers = {}) =>
  jobUntil(url, id, ({ ended_at }) => ended_at !== null, "has ended", headers)
