/** Answers in the background: a job at once, or the answer if it is there soon enough. */
import { Context, Duration, Effect, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import type { Generation, GenerationRequest } from "../../../domain/Generation.ts"
import { hasEnded, type Job, type JobForm, type JobOutcome } from "../../../domain/jobs/Job.ts"
import { longestWaitSeconds, type Preferences } from "../../../domain/Prefer.ts"
import type { IdempotencyRequest } from "../../../services/Idempotency.ts"
import { Jobs } from "../../../services/Jobs.ts"
import { RateLimited } from "../../api/Problems.ts"
import type { BackgroundWishes } from "./backgroundWishes.ts"
import { type Idempotent, replayed } from "./idempotency.ts"
import { jobResponse, storeUnavailable } from "./jobResponses.ts"
import { locationOf } from "./provenance.ts"
import { failureResponse, respondLater } from "./refusals.ts"
import { Stopping } from "./stopping.ts"

/** No request waits longer, whatever it says: a connection that is silent for long is closed by somebody. */
export const LongestWait = Context.Reference<Duration.Duration>("understudy/http/LongestWait", {
  defaultValue: () => Duration.seconds(longestWaitSeconds)
})

/** Characters of a body: a job's is stored, and read again with each turn. */
export const maxJobLength = 2 * 1024 * 1024

/** How the endpoint writes an answer that has come in time. */
export interface InTime {
  readonly form: JobForm
  readonly respond: (
    generation: Generation,
    endedAt: number,
    headers: Readonly<Record<string, string>>
  ) => HttpServerResponse.HttpServerResponse
}

/** `undefined`: no job could be had, and the request is answered as if it had not asked for one. */
export const makeBackground = Effect.fnUntraced(function*({ submitted }: Idempotent) {
  const jobs = yield* Jobs
  const longestWait = Duration.toSeconds(yield* LongestWait)
  const stopping = yield* Stopping

  const submit = (asked: GenerationRequest, form: JobForm, { callbackUrl }: BackgroundWishes) =>
    Effect.catchTag(
      jobs.submit({ form, request: asked, callbackUrl }),
      "StoreUnavailable",
      (error) =>
        Effect.as(Effect.logWarning(`no job is to be had, so this is answered at once: ${error.message}`), undefined)
    )

  /** The job as it is after so many seconds, or at its end. */
  const follow = (job: Job, seconds: number): Effect.Effect<Job> =>
    Effect.suspend(() => {
      let last = job
      const watching = Stream.runForEach(jobs.watch(job.namespace, job.id), (seen) =>
        Effect.sync(() => {
          last = seen
        }))
      // Nobody here works on it any more when the service stops.
      return Effect.map(
        Effect.timeoutOption(Effect.raceFirst(watching, stopping), Duration.seconds(seconds)),
        () => last
      )
    })

  return Effect.fnUntraced(
    function*(
      claim: IdempotencyRequest | undefined,
      asked: GenerationRequest,
      wishes: BackgroundWishes,
      { form, respond }: InTime
    ) {
      const answer = yield* submitted(claim, {
        submit: submit(asked, form, wishes),
        find: (id) => jobs.get(asked.namespace, id)
      })
      if (answer === undefined) return undefined
      const wait = waitOf(wishes.preferences, longestWait)
      const job = wait === undefined || wait === 0 || hasEnded(answer.answer.status)
        ? answer.answer
        : yield* follow(answer.answer, wait)
      const more = answer.isReplay ? replayed : {}
      const inTime = wait === undefined ? undefined : endOf(job)
      if (inTime === undefined) {
        const applied = [...wishes.preferences.respondAsync ? ["respond-async"] : [], ...appliedWait(wait)]
        return yield* jobResponse(job, {
          status: 202,
          headers: { location: locationOf(job.id), "preference-applied": applied.join(", "), ...more }
        })
      }
      const headers = { "preference-applied": appliedWait(wait).join(), ...more }
      return inTime._tag === "Answered"
        ? respond(inTime.generation, job.endedAt ?? job.createdAt, headers)
        : HttpServerResponse.setHeaders(yield* failureResponse(inTime), headers)
    },
    Effect.catchTags({
      JobsFull: (error) =>
        respondLater(new RateLimited({ detail: sentence(error.message), retry_after: retryWhenFull })),
      // Only of a job that was there before: to begin another one would be to answer the same request twice.
      StoreUnavailable: storeUnavailable(
        "a job that is kept under an Idempotency-Key could not be looked up",
        "There is a job for this request, but it cannot be looked up now: send the same request again"
      )
    })
  )
})

/** Seconds; nobody knows when one of the jobs ends. */
const retryWhenFull = 10

const waitOf = ({ waitSeconds }: Preferences, longest: number): number | undefined =>
  waitSeconds === undefined ? undefined : Math.min(waitSeconds, Math.floor(longest))

const appliedWait = (seconds: number | undefined): ReadonlyArray<string> =>
  seconds === undefined ? [] : [`wait=${seconds}`]

/** A job that was canceled has none: the job itself says so. */
const endOf = ({ outcome, status }: Job): JobOutcome | undefined => hasEnded(status) ? outcome : undefined

const sentence = (message: string): string => message.charAt(0).toUpperCase() + message.slice(1)
