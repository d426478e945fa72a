/** A job as a response. */
import { Clock, Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import type { StoreUnavailable } from "../../../domain/errors.ts"
import { hasEnded, type Job } from "../../../domain/jobs/Job.ts"
import { DatabaseUnavailable } from "../../api/Problems.ts"
import { jobJson } from "./jobAnswers.ts"
import { respondLater } from "./refusals.ts"

/** It is another one a moment later, and nobody else's. */
export const unkept = { "cache-control": "no-store" }

/** With a hint when to look again, unless it has ended. */
export const jobResponse = (
  job: Job,
  { headers, status = 200 }: { readonly headers?: Readonly<Record<string, string>>; readonly status?: number } = {}
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    HttpServerResponse.jsonUnsafe(jobJson(job), {
      status,
      headers: { ...unkept, ...headers, ...!hasEnded(job.status) && { "retry-after": String(secondsToLook(job, now)) } }
    }))

/** A client that asks more often than that sees nothing new; nobody needs to miss an end for longer than a minute. */
const secondsToLook = ({ nextTryAt }: Job, now: number): number =>
  nextTryAt === undefined ? 2 : Math.min(60, Math.max(2, Math.ceil((nextTryAt - now) / 1_000)))

/** `what` goes into the log, `detail` to the asker. For `Effect.catchTag`. */
export const storeUnavailable = (what: string, detail: string) => (error: StoreUnavailable) =>
  Effect.andThen(
    Effect.logWarning(`${what}: ${error.message}`),
    Effect.suspend(() => respondLater(new DatabaseUnavailable({ detail, retry_after: retryAfterSeconds })))
  )

const retryAfterSeconds = 5
