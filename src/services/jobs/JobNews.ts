/** Who follows a job is told when something of it has changed: at once in this process, within a second from others. */
import { type Duration, Effect, Queue, type Scope } from "effect"
import type { StoreUnavailable } from "../../domain/errors.ts"
import type { Namespace } from "../../domain/Generation.ts"
import type { JobStatus } from "../../domain/jobs/Job.ts"

export interface JobNews {
  /** A queue that holds something when there may be news; it may be a false alarm. */
  readonly follow: (namespace: Namespace, id: string) => Effect.Effect<Queue.Dequeue<void>, never, Scope.Scope>
  /** Something of the job has changed here. */
  readonly tell: (namespace: Namespace, id: string) => Effect.Effect<void>
}

interface Version {
  readonly id: string
  readonly version: number
  readonly status: JobStatus
}

/** The position of one that is queued changes without it, and costs more to ask for: it is told with every so many looks. */
const positionEvery = 5

/** Asks for the versions of all jobs that are followed, a namespace at a time, as long as there are any. */
export const makeJobNews = Effect.fnUntraced(function*(
  versions: (
    namespace: Namespace,
    ids: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<Version>, StoreUnavailable>,
  interval: Duration.Input
): Effect.fn.Return<JobNews, never, Scope.Scope> {
  const followers = new Map<Namespace, Map<string, Followed>>()
  let looks = 0

  const alarm = (followed: Followed | undefined): void => {
    for (const queue of followed?.queues ?? []) Queue.offerUnsafe(queue, undefined)
  }

  const look = Effect.fnUntraced(function*(namespace: Namespace, ofNamespace: Map<string, Followed>) {
    // Only those that were asked for: one that has joined meanwhile is not gone.
    const asked = [...ofNamespace]
    const rows = new Map((yield* versions(namespace, asked.map(([id]) => id))).map((row) => [row.id, row]))
    for (const [id, followed] of asked) {
      const row = rows.get(id)
      const isDue = row?.status === "queued" && looks % positionEvery === 0
      if (row?.version !== followed.version || isDue) alarm(followed)
      followed.version = row?.version
    }
  })

  yield* Effect.suspend(() => {
    looks += 1
    return Effect.forEach([...followers], ([namespace, ids]) => Effect.ignore(look(namespace, ids)), { discard: true })
  }).pipe(Effect.delay(interval), Effect.forever, Effect.forkScoped)

  const join = (namespace: Namespace, id: string, queue: Queue.Queue<void>): void => {
    const ofNamespace = followers.get(namespace) ?? new Map<string, Followed>()
    const followed = ofNamespace.get(id) ?? { queues: new Set(), version: "unknown" }
    followed.queues.add(queue)
    ofNamespace.set(id, followed)
    followers.set(namespace, ofNamespace)
  }

  const leave = (namespace: Namespace, id: string, queue: Queue.Queue<void>): void => {
    const ofNamespace = followers.get(namespace)
    const followed = ofNamespace?.get(id)
    followed?.queues.delete(queue)
    if (followed?.queues.size === 0) ofNamespace?.delete(id)
    if (ofNamespace?.size === 0) followers.delete(namespace)
  }

  return {
    follow: (namespace, id) =>
      Effect.acquireRelease(
        Effect.tap(Queue.dropping<void>(1), (queue) => Effect.sync(() => join(namespace, id, queue))),
        (queue) => Effect.sync(() => leave(namespace, id, queue))
      ),
    tell: (namespace, id) => Effect.sync(() => alarm(followers.get(namespace)?.get(id)))
  }
})

interface Followed {
  readonly queues: Set<Queue.Queue<void>>
  /** As seen last; undefined: the job was not there. */
  version: number | "unknown" | undefined
}
