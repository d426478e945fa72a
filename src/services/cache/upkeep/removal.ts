/** What goes: expired entries, and the least useful ones of too many. */
import { Effect, Metric } from "effect"
import type { StoreUnavailable } from "../../../domain/errors.ts"
import type { Namespace } from "../../../domain/Generation.ts"
import { batch, inBatches, type UpkeepCalls } from "./UpkeepCalls.ts"

export interface RemovalOptions {
  readonly maxAgeMillis: number
  /** Per namespace. */
  readonly maxEntries: number
}

const removed = Metric.counter("understudy_cache_removed_total", {
  description: "Remembered answers deleted by upkeep, by why: expired, or evicted for the cap",
  incremental: true
})
const expired = Metric.withAttributes(removed, { why: "expired" })
const evicted = Metric.withAttributes(removed, { why: "evicted" })

/** Answers how many went. */
export const makeRemoval = ({ sql, within }: UpkeepCalls, { maxAgeMillis, maxEntries }: RemovalOptions) => {
  const purge = (namespace: Namespace) =>
    within(
      "purge",
      namespace,
      sql`
        DELETE FROM understudy_answers WHERE namespace = ${namespace} AND seq IN (
          SELECT seq FROM understudy_answers
          WHERE namespace = ${namespace} AND created_at <= now() - ${maxAgeMillis}::float8 * interval '1 millisecond'
          LIMIT ${batch} FOR UPDATE SKIP LOCKED
        ) RETURNING 1`
    )

  const surplus = (namespace: Namespace) =>
    Effect.map(
      within(
        "count",
        namespace,
        sql<{ readonly count: number }>`
          SELECT count(*)::integer AS count FROM understudy_answers WHERE namespace = ${namespace}`
      ),
      ([row]) => Math.max(0, (row?.count ?? 0) - maxEntries)
    )

  /** The order of `usefulness` in domain/similarity/Candidates.ts; what is quarantined is the least useful of all. */
  const evict = (namespace: Namespace, count: number) =>
    within(
      "evict",
      namespace,
      sql`
        DELETE FROM understudy_answers WHERE namespace = ${namespace} AND seq IN (
          SELECT seq FROM understudy_answers WHERE namespace = ${namespace}
          ORDER BY quarantined_at IS NULL, greatest(created_at, last_used_at) + least(uses, 30) * interval '1 day', seq
          LIMIT ${Math.min(count, batch)}
        ) RETURNING 1`
    )

  return Effect.fnUntraced(function*(namespace: Namespace): Effect.fn.Return<number, StoreUnavailable> {
    const old = yield* inBatches(Effect.map(purge(namespace), (rows) => rows.length))
    const tooMany = yield* inBatches(
      Effect.flatMap(
        surplus(namespace),
        (count) => count === 0 ? Effect.succeed(0) : Effect.map(evict(namespace, count), (rows) => rows.length)
      )
    )
    yield* Metric.update(expired, old)
    yield* Metric.update(evicted, tooMany)
    return old + tooMany
  })
}
