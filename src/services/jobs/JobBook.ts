/** The jobs as those see them who work on them: taken, put back, ended, told of. */
import { Clock, Context, Duration, Effect, Layer, Metric, Option, Random, Schedule, Stream } from "effect"
import { SqlClient } from "effect/sql"
import type { Recoverable, StoreUnavailable } from "../../domain/errors.ts"
import type { Namespace } from "../../domain/Generation.ts"
import { uniqueNames } from "../../domain/GenerationId.ts"
import { hasEnded, type Job, type JobOutcome, type JobStatus } from "../../domain/jobs/Job.ts"
import { JobId } from "../../domain/jobs/JobId.ts"
import { failureCodec, outcomeCodec } from "../../domain/jobs/JobRecord.ts"
import { fallbackReasonOf } from "../../domain/ladder/ErrorTable.ts"
import { makeStoreCall } from "../store/StoreCall.ts"
import { traceOf } from "../telemetry/jobSpans.ts"
import { makeJobNews } from "./JobNews.ts"
import { type Errand, JobQueues } from "./JobQueues.ts"
import { jobOf } from "./JobRow.ts"
import { type JobTable, makeJobTable } from "./JobTable.ts"

/** How long jobs wait, how long they are kept, and how many there may be. */
export interface JobBookOptions {
  /** From the submission to the fallback, if nothing live has come. Default 15 minutes. */
  readonly patience?: Duration.Input | undefined
  /** How long an end can be asked for. Default 3 days. */
  readonly ttl?: Duration.Input | undefined
  /** How long a call may wait for the database. Default 5 seconds. */
  readonly storeTimeout?: Duration.Input | undefined
  /** How soon one that follows a job sees what another process has done. Default 1 second. */
  readonly newsInterval?: Duration.Input | undefined
}

/** How a job ends. */
export interface JobEnd {
  readonly status: JobStatus
  readonly outcome: JobOutcome | undefined
  /** That reached a provider in the last turn; absent: none. */
  readonly attempts?: number | undefined
}

/** The rows of the jobs, for those who work on them. */
export class JobBook extends Context.Service<JobBook, {
  readonly patience: Duration.Duration
  readonly ttlMillis: number
  readonly newId: () => JobId
  /** Runs statements in one transaction, within the namespace. */
  readonly call: <A, E>(
    operation: string,
    namespace: Namespace,
    statements: Effect.Effect<A, E>
  ) => Effect.Effect<A, StoreUnavailable>
  readonly table: JobTable
  /** Everybody who has ever had something stored. */
  readonly namespaces: Effect.Effect<ReadonlyArray<Namespace>, StoreUnavailable>
  readonly queues: JobQueues["Service"]
  /** Ends a job, unless it has ended: `false`. Whoever waits for it is told. */
  readonly end: (namespace: Namespace, id: JobId, end: JobEnd) => Effect.Effect<boolean, StoreUnavailable>
  /** Ends a turn without an end of the job: `false` when the job has gone on without us. */
  readonly wait: (errand: Errand, pause: JobPause) => Effect.Effect<boolean, StoreUnavailable>
  /** Something of the job has changed otherwise. */
  readonly tell: (errand: Errand) => Effect.Effect<void>
  /** The job now, and at each change, until it has ended or is gone. */
  readonly watch: (namespace: Namespace, id: JobId) => Stream.Stream<Job>
}>()("understudy/services/jobs/JobBook") {
  static readonly layerPostgres = (
    options: JobBookOptions = {}
  ): Layer.Layer<JobBook, never, SqlClient.SqlClient | JobQueues> => Layer.effect(JobBook, make(options))
}

/** Why a job is put back. */
export interface JobPause {
  /** In this turn. */
  readonly attempts: number
  readonly error: Recoverable
  /** Until the next turn; undefined: there is none before the deadline. */
  readonly inMillis: number | undefined
}

const endCount = Metric.counter("understudy_jobs_total", {
  description: "Jobs that have ended, by how",
  incremental: true
})

const make = Effect.fnUntraced(function*(options: JobBookOptions) {
  const patience = Duration.fromInputUnsafe(options.patience ?? "15 minutes")
  const ttlMillis = Duration.toMillis(options.ttl ?? "3 days")
  const timeout = options.storeTimeout ?? "5 seconds"
  const queues = yield* JobQueues
  const table = makeJobTable(yield* SqlClient.SqlClient)
  const storeCall = yield* makeStoreCall
  const nextName = uniqueNames("job", yield* Clock.currentTimeMillis, yield* Random.nextInt, yield* Random.nextInt)

  const call = <A, E>(operation: string, namespace: Namespace, statements: Effect.Effect<A, E>) =>
    storeCall(`Jobs.${operation}`, timeout, table.within(namespace, statements))

  const news = yield* makeJobNews(
    (namespace, ids) => call("versions", namespace, table.versions(namespace, ids)),
    options.newsInterval ?? "1 second"
  )

  /** An answer that cannot be written down would be a success without a result. */
  const storable = (end: JobEnd): Effect.Effect<JobEnd & { readonly encoded: string | null }> =>
    Effect.suspend(() => {
      if (end.outcome === undefined) return Effect.succeed({ ...end, encoded: null })
      const encoded = Option.getOrUndefined(outcomeCodec.encode(end.outcome))
      if (encoded !== undefined) return Effect.succeed({ ...end, encoded })
      const unanswered: JobEnd = { ...end, status: "failed", outcome: { _tag: "Unanswered", reason: "malformed" } }
      return Effect.andThen(Effect.logError("the answer of a job cannot be kept: a bug"), storable(unanswered))
    })

  const end = Effect.fnUntraced(function*(namespace: Namespace, id: JobId, wanted: JobEnd) {
    const { attempts = 0, encoded, outcome, status } = yield* storable(wanted)
    const ended = yield* call(
      "end",
      namespace,
      Effect.tap(
        table.end(namespace, id, { status, outcome: encoded, attempts, ttlMillis }),
        (row) =>
          row === undefined || row.callback_url === null
            ? Effect.void
            : Effect.withFiber((fiber) => queues.callbacks.offer({ namespace, id, turn: row.turn, ...traceOf(fiber) }))
      )
    )
    if (ended === undefined) return false
    yield* Metric.update(Metric.withAttributes(endCount, { end: kindOf(status, outcome) }), 1)
    yield* news.tell(namespace, id)
    return true
  })

  const wait = Effect.fnUntraced(function*(errand: Errand, { attempts, error, inMillis }: JobPause) {
    const { id, namespace, turn } = errand
    const hasGoneOn = yield* call(
      "wait",
      namespace,
      Effect.tap(
        table.wait(errand, {
          attempts,
          failure: Option.getOrNull(failureCodec.encode(error)),
          reason: fallbackReasonOf(error),
          inMillis
        }),
        (isOurs) =>
          isOurs && inMillis !== undefined
            ? queues.turns.offer({ ...errand, turn: turn + 1 }, inMillis)
            : Effect.void
      )
    )
    yield* news.tell(namespace, id)
    return hasGoneOn
  })

  const watch = (namespace: Namespace, id: JobId): Stream.Stream<Job> =>
    Stream.unwrap(
      Effect.map(news.follow(namespace, id), (changes) =>
        Stream.concat(Stream.succeed(undefined), Stream.fromQueue(changes)).pipe(
          Stream.mapEffect(() =>
            call("get", namespace, table.get(namespace, id)).pipe(
              Effect.retry(Schedule.spaced("1 second")),
              Effect.map((row) =>
                row === undefined ? undefined : jobOf(namespace, row)
              ),
              Effect.orDie
            )
          ),
          Stream.takeUntil((job) => job === undefined || hasEnded(job.status)),
          Stream.filter((job) => job !== undefined),
          Stream.changesWith((one, other) => one.version === other.version && one.position === other.position)
        ))
    )

  return JobBook.of({
    patience,
    ttlMillis,
    newId: () => JobId.make(nextName()),
    call,
    table,
    namespaces: storeCall("Jobs.namespaces", timeout, table.namespaces),
    queues,
    end,
    wait,
    tell: ({ id, namespace }) => news.tell(namespace, id),
    watch
  })
})

const kindOf = (status: JobStatus, outcome: JobOutcome | undefined): string => {
  if (outcome?._tag !== "Answered") return status
  return outcome.generation.source === "live" ? "live" : "fallback"
}
