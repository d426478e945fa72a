/** Jobs in the hands of a script: instances on one database, a provider and a receiver that do as the test says. */
import { Context, Deferred, Duration, Effect, Exit, Layer, Result, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { CircuitOpen, GenerationUnavailable, type LiveError, type Recoverable } from "../../src/domain/errors.ts"
import {
  type FallbackGeneration,
  GenerationId,
  type GenerationRequest,
  type LiveGeneration,
  Namespace
} from "../../src/domain/Generation.ts"
import type { Job, JobStatus, JobSubmission } from "../../src/domain/jobs/Job.ts"
import type { JobId } from "../../src/domain/jobs/JobId.ts"
import { type CallbackFailed, type CallbackMessage, CallbackSender } from "../../src/services/CallbackSender.ts"
import { type BackgroundTurn, Generator } from "../../src/services/Generator.ts"
import { Jobs } from "../../src/services/Jobs.ts"
import { JobBook, type JobBookOptions } from "../../src/services/jobs/JobBook.ts"
import { type JobQueueOptions, JobQueues } from "../../src/services/jobs/JobQueues.ts"
import type { JobsOptions } from "../../src/services/jobs/JobsPostgres.ts"
import * as JobWorkers from "../../src/services/jobs/JobWorkers.ts"
import { withinNamespace } from "../../src/services/store/withinNamespace.ts"
import { eventually } from "./http.ts"

/** What one go at the live step comes to. */
export type Go = Effect.Effect<BackgroundTurn>

export const answered = (text: string, attempts = 1): Go =>
  Effect.succeed({ attempts, result: Result.succeed(liveAnswer(text, attempts)) })

export const failedGo = (error: LiveError, attempts = 1): Go => Effect.succeed({ attempts, result: Result.fail(error) })

export const circuitOpen = failedGo(new CircuitOpen({ key: "p", retryAfter: Duration.seconds(1) }), 0)

export const liveAnswer = (text: string, attempts = 1): LiveGeneration => ({
  source: "live",
  id: GenerationId.make(`gen_${text.slice(0, 10)}`),
  text,
  attempts,
  provider: "p",
  model: "m",
  usage: { inputTokens: 1, outputTokens: 2 },
  isRemembered: true,
  finishReason: "stop"
})

/** A go that is under way until the test opens it. */
export const gated = (then: Go) => {
  const gate = Deferred.makeUnsafe<void>()
  return { go: Effect.andThen(Deferred.await(gate), then), open: Deferred.succeed(gate, undefined) }
}

/** A provider that follows a script for each prompt, its last step for ever; without one it answers "live: …". */
export const makeScript = (goes: Record<string, ReadonlyArray<Go>> = {}) => {
  const seen = {
    requests: Array<GenerationRequest>(),
    calls: new Map<string, number>(),
    leftMillis: Array<number>(),
    running: new Set<string>(),
    interrupted: Array<string>(),
    fallbacks: Array<{ readonly prompt: string; readonly error: Recoverable; readonly attempts: number }>()
  }
  const background = (request: GenerationRequest, leftMillis: number): Go =>
    Effect.suspend(() => {
      const { prompt } = request
      const calls = seen.calls.get(prompt) ?? 0
      const steps = goes[prompt] ?? [answered(`live: ${prompt}`)]
      seen.requests.push(request)
      seen.leftMillis.push(leftMillis)
      seen.calls.set(prompt, calls + 1)
      seen.running.add(prompt)
      return Effect.onExit(steps[Math.min(calls, steps.length - 1)] ?? Effect.never, (exit) =>
        Effect.sync(() => {
          seen.running.delete(prompt)
          if (Exit.hasInterrupts(exit)) seen.interrupted.push(prompt)
        }))
    })
  const generator = Layer.succeed(Generator, {
    live: () => Effect.die("nobody asks so"),
    generate: () => Effect.die("nobody asks so"),
    stream: () => Effect.die("nobody asks so"),
    background,
    fallback: ({ prompt }, error, attempts) =>
      Effect.suspend(() => {
        seen.fallbacks.push({ prompt, error, attempts })
        return prompt.startsWith("shown")
          ? Effect.succeed<FallbackGeneration>({
            source: "template",
            id: GenerationId.make("gen_template"),
            text: "a template",
            attempts,
            template: "generic",
            reason: "circuit_open"
          })
          : Effect.fail(new GenerationUnavailable({ cause: error, retryAfter: Duration.seconds(1) }))
      }),
    lastErrors: Effect.succeed([])
  })
  return { generator, seen }
}
export type Script = ReturnType<typeof makeScript>

/** A receiver of callbacks: what it does attempt by attempt, its last step for ever, and what has reached it. */
export const makeReceiver = (
  steps:
    | ReadonlyArray<Effect.Effect<void, CallbackFailed>>
    | ((message: CallbackMessage) => Effect.Effect<void, CallbackFailed>) = [Effect.void]
) => {
  const messages: Array<CallbackMessage> = []
  const layer = Layer.succeed(CallbackSender, {
    refusalOf: () => undefined,
    send: (message) =>
      Effect.suspend(() => {
        messages.push(message)
        if (typeof steps === "function") return steps(message)
        return steps[Math.min(messages.length, steps.length) - 1] ?? Effect.void
      })
  })
  return { layer, messages }
}

export interface InstanceOptions extends JobBookOptions, JobsOptions, JobQueueOptions {
  readonly script?: Script
  readonly receiver?: ReturnType<typeof makeReceiver>
  /** Jobs at a time; 0: it only takes jobs in. Default: 2 with a script, else 0. */
  readonly workers?: number
}

/** A process of its own, as far as memory goes; it stops with the scope. */
export const instance = ({ receiver, script, workers, ...options }: InstanceOptions = {}) => {
  const quick = {
    pollInterval: "50 millis",
    newsInterval: "50 millis",
    storeTimeout: "10 seconds",
    ...options
  } as const
  const book = JobBook.layerPostgres(quick).pipe(Layer.provideMerge(JobQueues.layerPostgres(quick)))
  const jobs = Jobs.layerPostgres(quick).pipe(Layer.provideMerge(book))
  const count = workers ?? (script === undefined ? 0 : 2)
  const working = count === 0 ? Layer.empty : JobWorkers.layer({
    workers: count,
    bodyOf: (job) => JSON.stringify({ id: job.id, status: job.status, outcome: job.outcome })
  }).pipe(Layer.provide([(script ?? makeScript()).generator, (receiver ?? makeReceiver()).layer]))
  return Effect.map(
    Layer.build(Layer.fresh(Layer.provideMerge(working, jobs))),
    (context) => ({ ...Context.get(context, Jobs), book: Context.get(context, JobBook) })
  )
}
export type Instance = Effect.Success<ReturnType<typeof instance>>

let count = 0
export const freshNamespace = (): Namespace => Namespace.make(`jobs-of-${count++}`)

export const submission = (
  namespace: Namespace,
  prompt: string,
  more: Partial<Omit<JobSubmission, "request">> = {}
): JobSubmission => ({
  form: "generate",
  request: { namespace, prompt, maxTokens: 10, remember: true },
  ...more
})

/** The job once it is as it should be. */
export const seenWith = (
  jobs: Pick<Instance, "get">,
  { id, namespace }: { readonly id: JobId; readonly namespace: Namespace },
  holds: (job: Job) => boolean,
  what: string
): Effect.Effect<Job> =>
  Effect.orDie(eventually(
    Effect.flatMap(jobs.get(namespace, id), Effect.fromOption),
    holds,
    what
  ))

export const seenAs = (
  jobs: Pick<Instance, "get">,
  job: { readonly id: JobId; readonly namespace: Namespace },
  status: JobStatus
) => seenWith(jobs, job, (now) => now.status === status, `the job is ${status}`)

/** The end of a job, as one who watches it sees it. */
export const endOf = (jobs: Pick<Instance, "watch">, { id, namespace }: Job) =>
  Effect.flatMap(Stream.runLast(jobs.watch(namespace, id)), Effect.fromOption).pipe(
    Effect.timeout("20 seconds"),
    Effect.orDie
  )

/** Its text, or what is there instead. */
export const outcomeText = ({ outcome, status }: Job): string =>
  outcome?._tag === "Answered" ? outcome.generation.text : outcome?._tag ?? status

type QueueName = "turns" | "deadlines" | "callbacks"

/** Nothing is left to do from earlier tests. */
export const emptyQueues = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`DELETE FROM understudy_queue`)

/** What was put off is due now. */
export const hasten = (queue: QueueName) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`UPDATE understudy_queue SET visible_at = now() WHERE queue_name = ${queue} AND visible_at > now()`
  )

/** How many errands are not done. */
export const errandsLeft = (queue: QueueName) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql<{ readonly n: number }>`
        SELECT count(*)::int AS n FROM understudy_queue WHERE queue_name = ${queue} AND state = 'pending'`,
      ([row]) => row?.n ?? 0
    ))

/** What the clock would do to a namespace's jobs. */
export const age = (namespace: Namespace, millis: number) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    withinNamespace(sql, namespace)(sql`
      UPDATE understudy_jobs SET deadline = deadline - ${millis}::float8 * interval '1 millisecond',
        expires_at = expires_at - ${millis}::float8 * interval '1 millisecond'`))
