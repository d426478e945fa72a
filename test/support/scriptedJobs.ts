/** Jobs in memory, which go on when the test says so. */
import { Clock, Effect, Layer, Option, Stream, SubscriptionRef } from "effect"
import { StoreUnavailable } from "../../src/domain/errors.ts"
import type { Namespace } from "../../src/domain/Generation.ts"
import { hasEnded, type Job, type JobOutcome, type JobSubmission } from "../../src/domain/jobs/Job.ts"
import { JobId } from "../../src/domain/jobs/JobId.ts"
import { Jobs, JobsFull } from "../../src/services/Jobs.ts"

export interface ScriptedJobs {
  readonly layer: Layer.Layer<Jobs>
  /** Everything that was submitted, the first first. */
  readonly submissions: ReadonlyArray<JobSubmission>
  readonly all: Effect.Effect<ReadonlyArray<Job>>
  /** Changes the job, and its version. */
  readonly change: (id: string, change: Partial<Job>) => Effect.Effect<void>
  readonly end: (id: string, outcome: JobOutcome) => Effect.Effect<void>
  /** As if it had never been. */
  readonly forget: (id: string) => Effect.Effect<void>
  /** How the store is from now on. */
  readonly become: (state: "well" | "away" | "full") => Effect.Effect<void>
  /** How many follow a job right now. */
  readonly watchers: () => number
}

export const makeScriptedJobs = Effect.gen(function*(): Effect.fn.Return<ScriptedJobs> {
  const jobs = yield* SubscriptionRef.make<ReadonlyMap<string, Job>>(new Map())
  const submissions: Array<JobSubmission> = []
  let state: "well" | "away" | "full" = "well"
  let watchers = 0

  const unlessAway = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | StoreUnavailable> =>
    Effect.suspend((): Effect.Effect<A, E | StoreUnavailable> =>
      state === "away" ? Effect.fail(new StoreUnavailable({ operation: "Jobs", cause: new Error("away") })) : effect
    )

  const find = (namespace: Namespace, id: string) =>
    Effect.map(
      SubscriptionRef.get(jobs),
      (all) => Option.filter(Option.fromUndefinedOr(all.get(id)), (job) => job.namespace === namespace)
    )

  const put = (job: Job) => SubscriptionRef.update(jobs, (all) => new Map(all).set(job.id, job))

  const change = (id: string, change: Partial<Job>) =>
    SubscriptionRef.update(jobs, (all) => {
      const job = all.get(id)
      return job === undefined ? all : new Map(all).set(id, { ...job, version: job.version + 1, ...change })
    })

  const endAs = Effect.fnUntraced(function*(id: string, end: Pick<Job, "status" | "outcome">) {
    const now = yield* Clock.currentTimeMillis
    const over = { position: undefined, waitingFor: undefined, nextTryAt: undefined, endedAt: now }
    yield* change(id, { ...over, expiresAt: now + 86_400_000, ...end })
  })

  const submit = Effect.fnUntraced(function*(submission: JobSubmission): Effect.fn.Return<Job, JobsFull> {
    if (state === "full") return yield* new JobsFull({ limit: 2 })
    const now = yield* Clock.currentTimeMillis
    const { callbackUrl: url, form, request: { namespace }, upgradeOf } = submission
    const job: Job = {
      id: JobId.make(`job_${submissions.push(submission)}`),
      namespace,
      form,
      status: "queued",
      position: 0,
      attempts: 0,
      waitingFor: undefined,
      nextTryAt: undefined,
      createdAt: now,
      startedAt: undefined,
      endedAt: undefined,
      deadline: now + 900_000,
      expiresAt: undefined,
      version: 1,
      outcome: undefined,
      callback: url === undefined ? undefined : { url, status: "pending", attempts: 0, lastError: undefined },
      upgradeOf
    }
    yield* put(job)
    return job
  })

  const service: Jobs["Service"] = {
    submit: (submission) => unlessAway(submit(submission)),
    get: (namespace, id) => unlessAway(find(namespace, id)),
    list: (namespace, { callback, cursor, limit, status }) =>
      unlessAway(Effect.map(SubscriptionRef.get(jobs), (all) => {
        const own = [...all.values()].toReversed().filter((job) =>
          job.namespace === namespace && (status === undefined || job.status === status)
          && (callback === undefined || job.callback?.status === callback)
        )
        const first = Math.max(0, own.findIndex(({ id }) => id === cursor))
        return { jobs: own.slice(first, first + limit), next: own[first + limit]?.id }
      })),
    cancel: (namespace, id) =>
      unlessAway(Effect.gen(function*() {
        const job = Option.getOrUndefined(yield* find(namespace, id))
        if (job !== undefined && !hasEnded(job.status)) yield* endAs(id, { status: "canceled", outcome: undefined })
        return yield* find(namespace, id)
      })),
    sendAgain: (namespace, id) =>
      unlessAway(Effect.gen(function*() {
        const { callback } = Option.getOrUndefined(yield* find(namespace, id)) ?? {}
        if (callback?.status !== "failed") return Option.none()
        yield* change(id, { callback: { ...callback, status: "pending", attempts: 0 } })
        return yield* find(namespace, id)
      })),
    watch: (namespace, id) =>
      Stream.unwrap(Effect.sync(() => {
        watchers += 1
        return SubscriptionRef.changes(jobs).pipe(
          Stream.map((all) => all.get(id)),
          Stream.takeWhile((job) => job !== undefined),
          Stream.filter((job) => job.namespace === namespace),
          Stream.changesWith((one, other) => one.version === other.version),
          Stream.takeUntil((job) => hasEnded(job.status)),
          Stream.ensuring(Effect.sync(() => {
            watchers -= 1
          }))
        )
      })),
    erase: (namespace) =>
      unlessAway(SubscriptionRef.modify(jobs, (all) => {
        const others = [...all].filter(([, job]) => job.namespace !== namespace)
        return [all.size - others.length, new Map(others)]
      }))
  }

  return {
    layer: Layer.succeed(Jobs, service),
    submissions,
    all: Effect.map(SubscriptionRef.get(jobs), (all) => [...all.values()]),
    change,
    end: (id, outcome) => endAs(id, { status: outcome._tag === "Answered" ? "succeeded" : "failed", outcome }),
    forget: (id) => SubscriptionRef.update(jobs, (all) => new Map([...all].filter(([known]) => known !== id))),
    become: (next) =>
      Effect.sync(() => {
        state = next
      }),
    watchers: () => watchers
  }
})
