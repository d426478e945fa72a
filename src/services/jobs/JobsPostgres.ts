/** Jobs for those who submit them and come back for them. */
import { Duration, Effect, Option } from "effect"
import type { Namespace } from "../../domain/Generation.ts"
import type { Job, JobSubmission } from "../../domain/jobs/Job.ts"
import type { JobId } from "../../domain/jobs/JobId.ts"
import { requestCodec } from "../../domain/jobs/JobRecord.ts"
import { JobsFull } from "../../domain/jobs/JobsFull.ts"
import { batch, inBatches } from "../cache/upkeep/UpkeepCalls.ts"
import type { Jobs, JobsFilter } from "../Jobs.ts"
import { traceOf } from "../telemetry/jobSpans.ts"
import { JobBook } from "./JobBook.ts"
import { jobOf, type JobRow, summaryOf } from "./JobRow.ts"
import { persistently } from "./persistently.ts"

/** How many jobs a namespace may have, and when those that are over are deleted. */
export interface JobsOptions {
  /** Of one namespace, that have not ended; at least 1. Those submitted at the same moment may exceed it. Default 1,000. */
  readonly limit?: number | undefined
  /** Between two rounds that delete what has expired. Default 1 minute. */
  readonly purgeEvery?: Duration.Input | undefined
}

/** At its deadline a worker may just be ending it by itself. */
const afterDeadline = Duration.seconds(1)

export const makePostgres = Effect.fnUntraced(function*({ limit = 1_000, purgeEvery = "1 minute" }: JobsOptions) {
  const { call, end, namespaces, newId, patience, queues, table, watch } = yield* JobBook
  const scope = yield* Effect.scope
  const patienceMillis = Duration.toMillis(patience)
  const untilEnd = Duration.sum(patience, afterDeadline)

  const insert = Effect.fnUntraced(function*(id: JobId, { callbackUrl, form, request, upgradeOf }: JobSubmission) {
    const { namespace } = request
    if (yield* table.isFull(namespace, limit)) return undefined
    const encoded = yield* Effect.fromOption(requestCodec.encode(request))
    yield* table.insert(namespace, { id, form, request: encoded, callbackUrl, upgradeOf, patienceMillis })
    const trace = yield* Effect.withFiber((fiber) => Effect.succeed(traceOf(fiber)))
    const errand = { namespace, id, turn: 0, ...trace }
    yield* queues.turns.offer(errand)
    yield* queues.deadlines.offer(errand, untilEnd)
    return yield* table.get(namespace, id)
  })

  const submit = Effect.fn("Jobs.submit")(function*(submission: JobSubmission) {
    const { namespace } = submission.request
    const id = newId()
    const row = yield* Effect.tapError(
      call("submit", namespace, insert(id, submission)),
      // It may have been stored all the same, and nobody would know of it.
      () => Effect.forkIn(persistently(call("forget", namespace, table.forget(namespace, id))), scope)
    )
    return row === undefined ? yield* new JobsFull({ limit }) : jobOf(namespace, row)
  })

  const found = (namespace: Namespace, row: JobRow | undefined): Option.Option<Job> =>
    Option.map(Option.fromUndefinedOr(row), (row) => jobOf(namespace, row))

  const get = Effect.fn("Jobs.get")(function*(namespace: Namespace, id: JobId) {
    return found(namespace, yield* call("get", namespace, table.get(namespace, id)))
  })

  const list = Effect.fn("Jobs.list")(function*(namespace: Namespace, filter: JobsFilter) {
    const { callback, cursor, limit, status } = filter
    const before = cursor !== undefined && /^\d{1,18}$/.test(cursor) ? cursor : undefined
    // One more than asked for says whether there is a next page.
    const rows = yield* call("list", namespace, table.list(namespace, { before, callback, limit: limit + 1, status }))
    const page = rows.slice(0, limit)
    return {
      jobs: page.map((row) => summaryOf(namespace, row)),
      next: rows.length > limit ? page.at(-1)?.seq : undefined
    }
  })

  const cancel = Effect.fn("Jobs.cancel")(function*(namespace: Namespace, id: JobId) {
    yield* end(namespace, id, { status: "canceled", outcome: undefined })
    return yield* get(namespace, id)
  })

  const again = (namespace: Namespace, id: JobId) =>
    Effect.gen(function*() {
      const due = yield* table.callbackAgain(namespace, id)
      if (due === undefined) return undefined
      yield* queues.callbacks.offer({ namespace, id, turn: due.turn })
      return yield* table.get(namespace, id)
    })

  const sendAgain = Effect.fn("Jobs.sendAgain")(function*(namespace: Namespace, id: JobId) {
    return found(namespace, yield* call("sendAgain", namespace, again(namespace, id)))
  })

  const erase = Effect.fn("Jobs.erase")(function*(namespace: Namespace) {
    let erased = 0
    for (let rows = batch; rows >= batch; erased += rows) {
      rows = yield* call("erase", namespace, table.erase(namespace))
    }
    return erased
  })

  const purge = Effect.gen(function*() {
    for (const namespace of yield* namespaces) {
      yield* inBatches(call("purge", namespace, table.purge(namespace)))
    }
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(purgeEvery), Effect.ignoreCause(purge))))

  return {
    submit,
    get,
    list,
    cancel,
    sendAgain,
    watch,
    erase
  } satisfies Jobs["Service"]
})
