/** What comes of a job whose time is over: the fallback, or nothing. */
import { Effect, Option } from "effect"
import { DeadlineExceeded, type StoreUnavailable } from "../../domain/errors.ts"
import type { JobOutcome } from "../../domain/jobs/Job.ts"
import { failureCodec, requestCodec } from "../../domain/jobs/JobRecord.ts"
import { fallbackReasonOf } from "../../domain/ladder/ErrorTable.ts"
import type { Generator } from "../Generator.ts"
import type { JobBook } from "./JobBook.ts"
import type { Errand } from "./JobQueues.ts"
import type { TakenRow } from "./JobTable.ts"
import { persistently } from "./persistently.ts"

export const makeDeadline = (book: JobBook["Service"], generator: Generator["Service"]) => {
  /** The reason is what has kept it from going live the last time, which says more than that its time is over. */
  const outcomeOf = (taken: TakenRow): Effect.Effect<JobOutcome> => {
    const stored = Option.flatMap(Option.fromNullOr(taken.failure), failureCodec.decode)
    const error = Option.getOrElse(stored, () => new DeadlineExceeded({ total: book.patience }))
    const unanswered: JobOutcome = { _tag: "Unanswered", reason: fallbackReasonOf(error) }
    const request = Option.flatMap(Option.fromNullOr(taken.request), requestCodec.decode)
    if (Option.isNone(request)) return Effect.succeed(unanswered)
    return generator.fallback(request.value, error, taken.attempts).pipe(
      Effect.map((generation): JobOutcome => ({ _tag: "Answered", generation })),
      Effect.catchTag("GenerationUnavailable", () => Effect.succeed(unanswered)),
      Effect.catchDefect((defect) => Effect.as(Effect.logError("the fallback of a job died", defect), unanswered))
    )
  }

  return Effect.fnUntraced(function*({ id, namespace }: Errand): Effect.fn.Return<void, StoreUnavailable> {
    const taken = yield* book.call("remains", namespace, book.table.remains(namespace, id))
    if (taken === undefined) return
    const outcome = yield* outcomeOf(taken)
    const status = outcome._tag === "Answered" ? "succeeded" : "failed"
    yield* Effect.uninterruptible(persistently(book.end(namespace, id, { status, outcome })))
  })
}
