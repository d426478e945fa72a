/** One turn of a job: a go at the live step, and what becomes of the job after it. */
import { Clock, Effect, Metric, Option, Random, Result, Stream } from "effect"
import { DeadlineExceeded, type StoreUnavailable } from "../../domain/errors.ts"
import { requestCodec } from "../../domain/jobs/JobRecord.ts"
import { nextTurn } from "../../domain/jobs/Patience.ts"
import type { BackgroundTurn, Generator } from "../Generator.ts"
import type { JobBook } from "./JobBook.ts"
import type { Errand } from "./JobQueues.ts"
import type { TakenRow } from "./JobTable.ts"
import { persistently } from "./persistently.ts"

const runningGauge = Metric.gauge("understudy_jobs_running", { description: "Jobs that a worker here is at" })

/** Two releases may work side by side for a while. */
const unreadableMillis = 30_000

export const makeTurn = (book: JobBook["Service"], generator: Generator["Service"]) => {
  let running = 0
  const count = (change: number) =>
    Effect.suspend(() => {
      running += change
      return Metric.update(runningGauge, running)
    })

  /** Comes when the job has ended without us: it was canceled, or erased, or another worker has been faster. */
  const endElsewhere = ({ id, namespace }: Errand) => Stream.runDrain(book.watch(namespace, id))

  const settle = Effect.fnUntraced(function*(
    errand: Errand,
    taken: TakenRow,
    { attempts: made, result }: BackgroundTurn,
    tookMillis: number
  ) {
    const { id, namespace } = errand
    const attempts = taken.attempts + made
    if (Result.isSuccess(result)) {
      const generation = { ...result.success, attempts }
      yield* book.end(namespace, id, { status: "succeeded", outcome: { _tag: "Answered", generation }, attempts: made })
      return
    }
    const next = nextTurn({
      error: result.failure,
      attempts,
      leftMillis: taken.left_millis - tookMillis,
      random: yield* Random.next
    })
    if (next._tag === "Refused") {
      const { message, provider, status } = next.error
      yield* book.end(namespace, id, {
        status: "failed",
        outcome: { _tag: "Refused", provider, status, message },
        attempts: made
      })
    } else {
      yield* book.wait(errand, { attempts: made, error: next.error, inMillis: next.inMillis })
    }
  })

  /** What has been heard is not lost for a moment in which the database is away. */
  const go = Effect.fnUntraced(function*(errand: Errand, taken: TakenRow) {
    const request = Option.flatMap(Option.fromNullOr(taken.request), requestCodec.decode)
    if (Option.isNone(request)) {
      yield* Effect.logError(`the request of ${errand.id} cannot be read by this release: it waits for another one`)
      const error = new DeadlineExceeded({ total: book.patience })
      yield* persistently(book.wait(errand, { attempts: 0, error, inMillis: unreadableMillis }))
      return
    }
    const since = yield* Clock.currentTimeMillis
    yield* Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const went = yield* restore(Effect.raceFirst(
          Effect.asSome(generator.background(request.value, taken.left_millis)),
          Effect.as(endElsewhere(errand), Option.none<BackgroundTurn>())
        ))
        if (Option.isNone(went)) return
        const now = yield* Clock.currentTimeMillis
        yield* persistently(settle(errand, taken, went.value, now - since))
      })
    )
  })

  return Effect.fnUntraced(function*(errand: Errand): Effect.fn.Return<void, StoreUnavailable> {
    const taken = yield* book.call("begin", errand.namespace, book.table.begin(errand))
    if (taken === undefined) return
    yield* book.tell(errand)
    const release = Effect.ignore(book.call("release", errand.namespace, book.table.release(errand)))
    yield* Effect.acquireUseRelease(
      count(1),
      () => Effect.onInterrupt(go(errand, taken), () => release),
      () => count(-1)
    )
  })
}
