/** Generations in the background: durable, patient, and told of. */
import { Context, type Effect, Layer, type Option, type Stream } from "effect"
import type { StoreUnavailable } from "../domain/errors.ts"
import type { Namespace } from "../domain/Generation.ts"
import type { CallbackStatus, Job, JobStatus, JobSubmission, JobSummary } from "../domain/jobs/Job.ts"
import type { JobId } from "../domain/jobs/JobId.ts"
import type { JobsFull } from "../domain/jobs/JobsFull.ts"
import type { JobBook } from "./jobs/JobBook.ts"
import { type JobsOptions, makePostgres } from "./jobs/JobsPostgres.ts"

export { JobsFull } from "../domain/jobs/JobsFull.ts"

/** Which jobs of a namespace, and which page of them. */
export interface JobsFilter {
  readonly status?: JobStatus | undefined
  /** Those whose callback is so; `failed` is the list of dead letters. */
  readonly callback?: CallbackStatus | undefined
  /** At most so many, 1 to 100. */
  readonly limit: number
  /** Where the page before has ended; a text that is no cursor of ours is as none. */
  readonly cursor?: string | undefined
}

/** A page of a list. */
export interface JobPage {
  /** The newest first. */
  readonly jobs: ReadonlyArray<JobSummary>
  /** Where the next page begins; none after the last. */
  readonly next: string | undefined
}

/** What an asker may do with jobs. Each belongs to its namespace; another's is as good as none. */
export class Jobs extends Context.Service<Jobs, {
  /** Once this returns the job outlives every process. */
  readonly submit: (submission: JobSubmission) => Effect.Effect<Job, StoreUnavailable | JobsFull>
  readonly get: (namespace: Namespace, id: JobId) => Effect.Effect<Option.Option<Job>, StoreUnavailable>
  readonly list: (namespace: Namespace, filter: JobsFilter) => Effect.Effect<JobPage, StoreUnavailable>
  /** Ends it, unless it has ended; answers the job as it is then. */
  readonly cancel: (namespace: Namespace, id: JobId) => Effect.Effect<Option.Option<Job>, StoreUnavailable>
  /** Sends a callback that was given up once more. `None`: no such job, or no such callback. */
  readonly sendAgain: (namespace: Namespace, id: JobId) => Effect.Effect<Option.Option<Job>, StoreUnavailable>
  /**
   * The job now, then whenever something of it has changed, until it has ended. Empty: there is none. Goes on through
   * an absence of the database.
   */
  readonly watch: (namespace: Namespace, id: JobId) => Stream.Stream<Job>
  /** Deletes all jobs of a namespace, those under way too, and says how many there were. */
  readonly erase: (namespace: Namespace) => Effect.Effect<number, StoreUnavailable>
}>()("understudy/services/Jobs") {
  /** On one database with all who submit and work. */
  static readonly layerPostgres = (options: JobsOptions = {}): Layer.Layer<Jobs, never, JobBook> =>
    Layer.effect(Jobs, makePostgres(options))
}
