/**
 * The fallback cache's housekeeping, in the background and in small steps: vectors where there are none, expired entries
 * and the least useful ones of too many out, unused vector spaces out, and statistics for the planner.
 */
import { Cause, type Duration, Effect, Metric, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import { EmbeddingFailed } from "../../../domain/errors.ts"
import { Namespace } from "../../../domain/Generation.ts"
import { Embedder } from "../../Embedder.ts"
import type { StoreCall } from "../../store/StoreCall.ts"
import { partitionsOf, prepareVectorSpace, spaceName, vectorTable } from "../VectorSpace.ts"
import { makeEmbedding } from "./embedding.ts"
import { makeRemoval, type RemovalOptions } from "./removal.ts"
import { makeUpkeepCalls, rested } from "./UpkeepCalls.ts"

export interface UpkeepOptions extends RemovalOptions {
  /** Between two rounds, and before the first one: a start has other things to do. */
  readonly upkeepEvery: Duration.Input
  readonly storeCall: StoreCall
}

export interface Upkeep {
  /** Answers without a vector of the present embedder, as of the last look. */
  readonly unembedded: Effect.Effect<number>
  /** Says what has been stored, so that a round looks only at what has changed. */
  readonly stored: (namespace: string, count: number, allEmbedded: boolean) => void
}

/** A round looks at what this instance has stored; every so many rounds it looks at everything. */
const roundsPerSweep = 60

/** A space that no instance has been started with for so long is not coming back. */
const spaceLifetimeDays = 7

const upkeepFailures = Metric.counter("understudy_cache_upkeep_failures_total", {
  description: "Rounds of upkeep that failed; the next one goes on",
  incremental: true
})

/** Runs for as long as the scope is open. */
export const makeUpkeep = Effect.fnUntraced(function*(
  { storeCall, upkeepEvery, ...limits }: UpkeepOptions
): Effect.fn.Return<Upkeep, never, Embedder | SqlClient.SqlClient | Scope.Scope> {
  const sql = yield* SqlClient.SqlClient
  const embedder = yield* Embedder
  const calls = makeUpkeepCalls(sql, storeCall)
  const { call } = calls
  const remove = makeRemoval(calls, limits)
  const { embedMissing, unembedded } = makeEmbedding(calls, embedder)
  const news = makeNews()

  const everybody = Effect.map(
    call(
      "namespaces",
      sql<{ readonly namespace: string }>`SELECT namespace FROM understudy_namespaces ORDER BY namespace`
    ),
    (rows) => rows.map(({ namespace }) => Namespace.make(namespace))
  )

  const dropUnusedSpaces = Effect.gen(function*() {
    const spaces = yield* call(
      "unusedSpaces",
      sql<{ readonly name: string; readonly vectors: string }>`
        SELECT name, vectors FROM understudy_spaces
        WHERE name <> ${spaceName(embedder)} AND used_at < now() - ${spaceLifetimeDays} * interval '1 day'`
    )
    yield* Effect.forEach(spaces, ({ name, vectors }) =>
      call(
        "dropSpace",
        sql.withTransaction(Effect.andThen(
          sql`DROP TABLE IF EXISTS ${sql(vectors)}`,
          sql`DELETE FROM understudy_spaces WHERE name = ${name}`
        ))
      ), { discard: true })
  })

  /** The embedded database gathers no statistics by itself, and the planner chooses by them. */
  const analyze = Effect.forEach(
    ["understudy_answers", ...partitionsOf(vectorTable(embedder))],
    (table) =>
      rested(call(
        "analyze",
        sql.withTransaction(Effect.andThen(
          sql`SET LOCAL default_statistics_target = 20`,
          sql`ANALYZE ${sql(table)}`
        ))
      )),
    { discard: true }
  )

  const removeFrom = Effect.fnUntraced(function*(namespaces: Iterable<Namespace>) {
    for (const namespace of namespaces) news.gone(yield* remove(namespace))
  })

  /** What the embedder can fail comes last. */
  const sweep = Effect.gen(function*() {
    const namespaces = yield* everybody
    yield* removeFrom(namespaces)
    yield* dropUnusedSpaces
    // It may have failed at the start, and another instance may have dropped it.
    yield* call("prepare", Effect.provideService(prepareVectorSpace(embedder), SqlClient.SqlClient, sql))
    if (news.isAnalysisDue()) yield* analyze
    yield* embedMissing(namespaces)
  })

  const round = Effect.gen(function*() {
    const { isSweep, namespaces, someUnembedded } = news.take()
    if (isSweep) return yield* sweep
    yield* removeFrom(namespaces)
    if (news.isAnalysisDue()) yield* analyze
    if (someUnembedded || (yield* unembedded) > 0) yield* embedMissing(yield* everybody)
  })

  let isFailing = false
  const survive = (cause: Cause.Cause<unknown>) => {
    const log = isFailing ? Effect.logDebug : Effect.logWarning
    isFailing = true
    const error = Cause.squash(cause)
    // Without vectors there is nothing to make up for but these, and the next round looks for them anyway.
    if (!(error instanceof EmbeddingFailed)) news.sweepAgain()
    return Effect.andThen(
      Metric.update(upkeepFailures, 1),
      log(`upkeep of the cache has failed and will be tried again: ${error instanceof Error ? error.message : error}`)
    )
  }
  const succeeded = Effect.sync(() => {
    isFailing = false
  })
  yield* Effect.forkScoped(Effect.forever(
    Effect.andThen(Effect.sleep(upkeepEvery), Effect.catchCause(Effect.andThen(round, succeeded), survive))
  ))
  return { unembedded, stored: news.stored }
})

/** What has changed since the last round, as far as this instance knows. */
const makeNews = () => {
  let namespaces = new Set<Namespace>()
  let someUnembedded = false
  let rounds = 0
  let changed = 0
  let changesPerAnalysis = 250
  return {
    stored: (namespace: string, count: number, allEmbedded: boolean) => {
      namespaces.add(Namespace.make(namespace))
      changed += count
      if (!allEmbedded) someUnembedded = true
    },
    gone: (count: number) => {
      changed += count
    },
    take: () => {
      const taken = { isSweep: rounds++ % roundsPerSweep === 0, namespaces, someUnembedded }
      namespaces = new Set()
      someUnembedded = false
      return taken
    },
    sweepAgain: () => {
      rounds = 0
    },
    /** After 250 changes, and then each time after half as many again. */
    isAnalysisDue: () => {
      if (changed < changesPerAnalysis) return false
      changed = 0
      changesPerAnalysis = Math.min(50_000, changesPerAnalysis * 1.5)
      return true
    }
  }
}
