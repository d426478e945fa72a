/** The durable queues behind the jobs: what they hold only says where to look, the job itself is a row of its own. */
import { Context, Duration, Effect, Layer, Schedule, Schema } from "effect"
import { PersistedQueue } from "effect/persistence"
import type { SqlClient } from "effect/sql"
import { Namespace } from "../../domain/Generation.ts"
import { JobId } from "../../domain/jobs/JobId.ts"
import { layerQuiet } from "./queueLog.ts"

/**
 * One thing to do for a job. `turn` says which: one that comes late, or again, finds that the job has gone on. No text
 * of anybody's is in it, for a queue knows no namespaces. `trace`: where it comes from, as a `traceparent`.
 */
export const Errand = Schema.Struct({
  namespace: Namespace,
  id: JobId,
  turn: Schema.Int,
  trace: Schema.optionalKey(Schema.String)
})
export type Errand = typeof Errand.Type

type Handled = PersistedQueue.PersistedQueueError | Schema.SchemaError

/** One of the three queues. */
export interface ErrandQueue {
  /** Within the transaction of the change that it follows from. Delays are rounded up to whole seconds. */
  readonly offer: (errand: Errand, delay?: Duration.Input) => Effect.Effect<void, Handled>
  /** Waits for an errand and runs it; done when it succeeds, and repeated when it fails or its process dies. */
  readonly take: <E, R>(
    run: (errand: Errand, deliveries: number) => Effect.Effect<void, E, R>
  ) => Effect.Effect<void, E | PersistedQueue.PersistedQueueError, R>
}

/** How soon errands are seen, and when they are taken from a worker that shows no life. */
export interface JobQueueOptions {
  /** A worker that has shown no life for so long has lost its errands. Default 10 seconds. */
  readonly lease?: Duration.Input | undefined
  /** How soon another process's errands are seen; one's own are seen at once. Default 1 second. */
  readonly pollInterval?: Duration.Input | undefined
}

/** Shared by the migrations, which create it. */
export const queueTable = "understudy_queue"

/** Names within the table. */
export const turnsQueue = "turns"

/** Three queues of errands. Delivered at least once, so whoever does one must find out whether it is done. */
export class JobQueues extends Context.Service<JobQueues, {
  /** Goes at the live step. */
  readonly turns: ErrandQueue
  /** Ends at the deadline. */
  readonly deadlines: ErrandQueue
  /** Tells a callback. */
  readonly callbacks: ErrandQueue
}>()("understudy/services/jobs/JobQueues") {
  static readonly layerPostgres = (
    { lease = "10 seconds", pollInterval = "1 second" }: JobQueueOptions = {}
  ): Layer.Layer<JobQueues, never, SqlClient.SqlClient> =>
    Layer.effect(
      JobQueues,
      Effect.all({
        turns: errands(turnsQueue),
        deadlines: errands("deadlines"),
        callbacks: errands("callbacks", "30 seconds")
      })
    ).pipe(
      Layer.provide(PersistedQueue.layer),
      // What is done is needed no more, but for a repeated offer of the same.
      Layer.provide(PersistedQueue.layerCleanup({ interval: "1 minute", timeToLive: "10 minutes" })),
      Layer.provide(
        PersistedQueue.layerStoreSql({
          tableName: queueTable,
          pollInterval,
          lockRefreshInterval: Duration.divideUnsafe(Duration.fromInputUnsafe(lease), 3),
          lockExpiration: lease
        })
      ),
      Layer.provide(layerQuiet),
      Layer.orDie
    )
}

/** `longest`: between two deliveries of one that fails. */
const errands = (
  name: string,
  longest: Duration.Input = "5 seconds"
): Effect.Effect<ErrandQueue, never, PersistedQueue.PersistedQueueFactory> =>
  Effect.map(
    PersistedQueue.make({ name, schema: Errand, maxAttempts: unlimited, retrySchedule: retries(longest) }),
    (queue): ErrandQueue => ({
      offer: (errand, delay) => queue.offer(errand, { id: nameOf(errand), delay }),
      take: (run) => queue.take((errand, { attempts }) => run(errand, attempts))
    })
  )

/** The name in the queue: offered twice it is there once. */
const nameOf = ({ id, turn }: Errand): string => `${id}:${turn}`

/** A job ends at its deadline, however often its errands have failed; a queue must not drop one before. */
const unlimited = 2_147_483_647

const retries = (longest: Duration.Input) =>
  Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced(longest)])
