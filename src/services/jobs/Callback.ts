/** Tells whoever asked to be told that a job has ended: once more, until it is taken or given up. */
import { Duration, Effect, Metric, Random } from "effect"
import { storable } from "../../domain/CacheEntry.ts"
import { nextCallbackIn } from "../../domain/callbacks/RetryPlan.ts"
import type { StoreUnavailable } from "../../domain/errors.ts"
import type { Namespace } from "../../domain/Generation.ts"
import type { Job } from "../../domain/jobs/Job.ts"
import { CallbackFailed, type CallbackSender } from "../CallbackSender.ts"
import type { JobBook } from "./JobBook.ts"
import type { Errand } from "./JobQueues.ts"
import { jobOf, type JobRow } from "./JobRow.ts"
import { NotNow } from "./NotNow.ts"
import { persistently } from "./persistently.ts"

const attemptCount = Metric.counter("understudy_callbacks_total", {
  description: "Attempts to tell of the end of a job: delivered, to be tried again, or given up",
  incremental: true
})

/** Of all that are told at a time: a namespace whose receivers are slow must not hold up those of others. */
const maxPerNamespace = 4

export const makeCallback = (
  book: JobBook["Service"],
  sender: CallbackSender["Service"],
  /** What is sent of a job. */
  bodyOf: (job: Job) => string
) => {
  const underWay = new Map<Namespace, number>()

  const send = (job: Job, url: string) =>
    Effect.suspend(() => sender.send({ namespace: job.namespace, url, id: `msg_${job.id}`, body: bodyOf(job) })).pipe(
      Effect.catchDefect((defect) =>
        Effect.andThen(
          Effect.logError(`the callback of ${job.id} died`, defect),
          Effect.fail(new CallbackFailed({ detail: "something went wrong on our side", isFinal: false }))
        )
      )
    )

  const told = Effect.fnUntraced(function*(
    errand: Errand,
    status: "delivered" | "pending" | "failed",
    error: string | null,
    again?: number
  ) {
    const { namespace, turn } = errand
    const ttlMillis = status === "pending" ? undefined : book.ttlMillis
    yield* persistently(book.call(
      "callback",
      namespace,
      Effect.tap(
        book.table.callbackTold(errand, { status, error: error === null ? null : storable(error), ttlMillis }),
        (isOurs) =>
          isOurs && again !== undefined
            ? book.queues.callbacks.offer({ ...errand, turn: turn + 1 }, again)
            : Effect.void
      )
    ))
    yield* Metric.update(Metric.withAttributes(attemptCount, { result: status }), 1)
    yield* book.tell(errand)
  }, Effect.uninterruptible)

  const failed = Effect.fnUntraced(function*(errand: Errand, job: Job, attempts: number, error: CallbackFailed) {
    const { detail, isFinal, retryAfter } = error
    const asked = retryAfter === undefined ? undefined : Duration.toMillis(retryAfter)
    const again = isFinal ? undefined : nextCallbackIn(attempts, yield* Random.next, asked)
    if (again === undefined) {
      yield* Effect.logWarning(`the callback of ${job.id} is given up at attempt ${attempts}: ${detail}`)
      yield* told(errand, "failed", detail)
    } else {
      yield* told(errand, "pending", detail, again)
    }
  })

  const tell = (errand: Errand, row: JobRow) =>
    Effect.suspend(() => {
      const job = jobOf(errand.namespace, row)
      return Effect.matchEffect(send(job, row.callback_url ?? ""), {
        onSuccess: () => told(errand, "delivered", null),
        onFailure: (error) => failed(errand, job, row.callback_attempts + 1, error)
      })
    })

  const enter = ({ namespace }: Errand): boolean => {
    const count = underWay.get(namespace) ?? 0
    if (count < maxPerNamespace) underWay.set(namespace, count + 1)
    return count < maxPerNamespace
  }
  const leave = ({ namespace }: Errand): void => {
    const count = (underWay.get(namespace) ?? 1) - 1
    if (count === 0) underWay.delete(namespace)
    else underWay.set(namespace, count)
  }

  return Effect.fnUntraced(function*(errand: Errand): Effect.fn.Return<void, StoreUnavailable | NotNow> {
    const row = yield* book.call("callbackDue", errand.namespace, book.table.callbackDue(errand))
    if (row === undefined) return
    yield* Effect.acquireUseRelease(
      Effect.sync(() => enter(errand)),
      (hasPlace): Effect.Effect<void, StoreUnavailable | NotNow> =>
        hasPlace ? tell(errand, row) : Effect.fail(new NotNow()),
      (hasPlace) => Effect.sync(() => hasPlace ? leave(errand) : undefined)
    )
  })
}
