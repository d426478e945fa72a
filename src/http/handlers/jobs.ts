/** Translates the endpoints of jobs between the contract and the service. */
import { Effect, type Option, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { hasEnded, type Job } from "../../domain/jobs/Job.ts"
import { Jobs } from "../../services/Jobs.ts"
import { Api } from "../api/Api.ts"
import { CurrentNamespace } from "../api/Authorization.ts"
import { usualJobs } from "../api/Jobs.ts"
import { NotFound } from "../api/Problems.ts"
import { event, eventResponses, type Writing } from "./answers/eventStream.ts"
import { jobJson, jobSummaryJson } from "./answers/jobAnswers.ts"
import { jobResponse, storeUnavailable, unkept } from "./answers/jobResponses.ts"
import { Stopping } from "./answers/stopping.ts"

export const JobsHandlers = HttpApiBuilder.group(
  Api,
  "jobs",
  Effect.fnUntraced(function*(handlers) {
    const jobs = yield* Jobs
    const respondInEvents = yield* eventResponses
    const stopping = yield* Stopping
    return handlers
      .handleRaw("list", ({ query: { callback, cursor, limit = usualJobs, status } }) =>
        Effect.gen(function*() {
          const page = yield* jobs.list(yield* CurrentNamespace, { status, callback, limit, cursor })
          const body = { jobs: page.jobs.map(jobSummaryJson), next: page.next ?? null }
          return HttpServerResponse.jsonUnsafe(body, { headers: unkept })
        }).pipe(Effect.catchTag("StoreUnavailable", unread)))
      .handleRaw("get", ({ params: { id } }) =>
        Effect.gen(function*() {
          return yield* jobResponse(yield* known(yield* jobs.get(yield* CurrentNamespace, id), noJob))
        }).pipe(Effect.catchTag("StoreUnavailable", unread)))
      .handleRaw("cancel", ({ params: { id } }) =>
        Effect.gen(function*() {
          return yield* jobResponse(yield* known(yield* jobs.cancel(yield* CurrentNamespace, id), noJob))
        }).pipe(Effect.catchTag("StoreUnavailable", unchanged)))
      .handleRaw("sendAgain", ({ params: { id } }) =>
        Effect.gen(function*() {
          const job = yield* known(yield* jobs.sendAgain(yield* CurrentNamespace, id), noCallback)
          return yield* jobResponse(job, { status: 202 })
        }).pipe(Effect.catchTag("StoreUnavailable", unchanged)))
      .handleRaw("events", ({ params: { id }, request: { headers } }) =>
        Effect.gen(function*() {
          const namespace = yield* CurrentNamespace
          const job = yield* known(yield* jobs.get(namespace, id), noJob)
          if (hasEnded(job.status) && headers["last-event-id"] === versionOf(job)) return seenToTheEnd
          // A stream has its own idea of `now`: what has changed since is in it.
          return respondInEvents(jobEvents(Stream.interruptWhen(jobs.watch(namespace, id), stopping)), unkept)
        }).pipe(Effect.catchTag("StoreUnavailable", unread)))
  })
)

const known = (job: Option.Option<Job>, problem: NotFound): Effect.Effect<Job, NotFound> =>
  Effect.mapError(Effect.fromOption(job), () => problem)

/** An EventSource that gets this does not come back. */
const seenToTheEnd = HttpServerResponse.empty({ status: 204, headers: unkept })

const versionOf = ({ version }: Job): string => String(version)

/** Without `done` where the job is not there any more, or the service stops: an EventSource comes back. */
const jobEvents = (watch: Stream.Stream<Job>): Writing => (write) =>
  Stream.runForEach(watch, (job) =>
    write(
      event(jobJson(job), "job", versionOf(job))
        + (hasEnded(job.status) ? event({ id: job.id, status: job.status }, "done", versionOf(job)) : "")
    ))

/** The same for an id that nobody has and for one of another namespace. */
const noJob = new NotFound({
  detail:
    "Your namespace has no job with this id. A job that has ended is forgotten after some time: see its expires_at"
})

const noCallback = new NotFound({
  detail: "Your namespace has no job with this id whose callback was given up: only such a one can be sent once more"
})

const unread = storeUnavailable("jobs could not be looked up", "The jobs cannot be looked up now: try again later")

const unchanged = storeUnavailable(
  "a job could not be changed",
  "It is not certain that anything was changed: send the same request again"
)
