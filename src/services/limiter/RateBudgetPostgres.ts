/**
 * Requests and tokens per minute that several instances share through one database: small leases out of one book per
 * provider, written by compare-and-set, on the database's clock.
 *
 * If the database is slow or gone, an instance goes on with an equal share of the limits (as many instances as were
 * last seen; two before the first contact), counts everything it has started in the last minute against it, and tells
 * the book afterwards. No caller waits for the database longer than the store timeout.
 */
import { Clock, type Duration, Effect, Random, Schedule, Schema, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import { StoreUnavailable } from "../../domain/errors.ts"
import * as LeaseBook from "../../domain/limits/LeaseBook.ts"
import { makeStoreCall } from "../store/StoreCall.ts"
import type { RateBudget } from "./RateBudget.ts"
import { RateBudgetLeases } from "./RateBudgetLeases.ts"
import type { RateLimiterOptions } from "./RateLimiterApi.ts"

/** What the shared limits may cost a caller. */
export interface SharedBudgetOptions {
  /** The longest that a caller waits for the database. Default 250 millis. */
  readonly storeTimeout?: Duration.Input | undefined
}

/** Unused leases are given back, and cooldowns of other instances seen, within this time. */
const tick = "1 second"
/** Shorter cooldowns are over before others would hear of them. */
const sharedCooldownMillis = 500
/**
 * For so long after its last attempt an instance listens for the cooldowns of others; and an idle one shows itself that
 * often, so that the others know how many they are.
 */
const presenceMillis = 30_000

const decodeRow = Schema.decodeUnknownEffect(
  Schema.Struct({ version: Schema.Finite, now: Schema.Finite, book: LeaseBook.LeaseBook })
)

/** Several others have written at the same time; each time one of them got through. */
const maxTries = 20

export const makeSharedBudgets = Effect.fnUntraced(function*(
  options: SharedBudgetOptions
): Effect.fn.Return<
  (key: string, policy: RateLimiterOptions) => RateBudget,
  never,
  SqlClient.SqlClient | Scope.Scope
> {
  const sql = yield* SqlClient.SqlClient
  const scope = yield* Effect.scope
  const storeCall = yield* makeStoreCall
  const storeTimeout = options.storeTimeout ?? "250 millis"
  const instance = `${(yield* Random.nextInt).toString(36)}${(yield* Random.nextInt).toString(36)}`
  const upkeeps: Array<(now: number, leave: boolean) => Effect.Effect<void>> = []

  const read = Effect.fnUntraced(function*(key: string) {
    const select = sql`
      SELECT version::float8 AS version, book, (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now
      FROM understudy_limits WHERE key = ${key}`
    let rows = yield* select
    if (rows.length === 0) {
      yield* sql`INSERT INTO understudy_limits (key, version, book)
        VALUES (${key}, 0, ${JSON.stringify(LeaseBook.empty)}::jsonb) ON CONFLICT DO NOTHING`
      rows = yield* select
    }
    return yield* decodeRow(rows[0])
  })

  const enter = Effect.fnUntraced(function*(key: string, policy: RateLimiterOptions, entry: LeaseBook.Entry) {
    for (let tries = 0; tries < maxTries; tries++) {
      const { book, now, version } = yield* read(key)
      const [next, outcome] = LeaseBook.enter(policy, book, entry, now)
      if (LeaseBook.isRead(book, entry, outcome, now)) return outcome
      const written = yield* sql`
        UPDATE understudy_limits SET version = version + 1, book = ${JSON.stringify(next)}::jsonb
        WHERE key = ${key} AND version = ${version}::bigint RETURNING 1 AS one`
      if (written.length > 0) return outcome
    }
    return yield* new StoreUnavailable({ operation: "RateLimiter.lease", cause: new Error("too many at once") })
  })

  const budgetOf = (key: string, policy: RateLimiterOptions): RateBudget => {
    const leases = new RateBudgetLeases(policy, instance)
    const isUnlimited = policy.requestsPerMinute === undefined && policy.tokensPerMinute === undefined
    let coolingUntil = 0
    let cooldownToTell = 0
    let busy = false
    let isLeaving = false
    /** For those who came while the book was being visited. */
    let afterwards = Effect.void
    let isNewlyUsed = false
    let usedAt = Number.NEGATIVE_INFINITY
    let heardAt = Number.NEGATIVE_INFINITY

    /** One at a time. `first` asks for a lease for an attempt of so many tokens. */
    const visit = (waiting: number, first: number | undefined): Effect.Effect<void> =>
      Clock.clockWith((clock) => {
        if (busy) return Effect.void
        busy = true
        const sentAt = clock.currentTimeMillisUnsafe()
        const cooldownMillis = Math.max(0, cooldownToTell - sentAt)
        cooldownToTell = 0
        const { entry, heard, lost } = leases.entry(sentAt, { waiting, first, cooldownMillis, isLeaving })
        return storeCall("RateLimiter.lease", storeTimeout, enter(key, policy, entry)).pipe(
          Effect.matchCauseEffect({
            onSuccess: (outcome) =>
              Effect.sync(() => {
                const now = clock.currentTimeMillisUnsafe()
                heardAt = now
                heard(outcome, now)
                if (outcome.cooldownMillis > 0) coolingUntil = Math.max(coolingUntil, now + outcome.cooldownMillis)
              }),
            onFailure: (cause) =>
              Effect.suspend(() => {
                const isNews = !leases.isAway
                lost()
                return isNews
                  ? Effect.logWarning(`the limits of ${key} are kept locally for now`, cause)
                  : Effect.void
              })
          }),
          Effect.ensuring(Effect.suspend(() => {
            busy = false
            const others = afterwards
            afterwards = Effect.void
            return others
          }))
        )
      })

    upkeeps.push((now, leave) => {
      if (isNewlyUsed) usedAt = now
      isNewlyUsed = false
      const isDue = leave || leases.owes(now) || cooldownToTell > now ||
        (isUnlimited && usedAt + presenceMillis > now) ||
        heardAt + presenceMillis <= now
      isLeaving = leave
      return isDue ? visit(0, undefined) : Effect.void
    })

    return {
      earliest: (now, tokens) => {
        isNewlyUsed = true
        return isUnlimited ? now : leases.earliest(now, tokens)
      },
      estimate: (now, tokens, ahead, tokensAhead) =>
        isUnlimited ? now : leases.estimate(now, tokens, ahead, tokensAhead),
      sparing: (now, tokens, requests, tokensSpared) =>
        isUnlimited ? now : leases.sparing(now, tokens, requests, tokensSpared),
      charge: (now, tokens) => isUnlimited ? undefined : leases.charge(now, tokens),
      settle: (charge, tokens) => leases.settle(charge, tokens),
      cancel: (charge) => leases.cancel(charge),
      replenish: (waiting, tokens, onChange) =>
        Effect.suspend(() => {
          afterwards = onChange
          return busy ? Effect.void : Effect.asVoid(Effect.forkIn(visit(waiting, tokens), scope))
        }),
      coolDown: (until) =>
        Clock.clockWith((clock) => {
          if (until - clock.currentTimeMillisUnsafe() < sharedCooldownMillis) return Effect.void
          cooldownToTell = Math.max(cooldownToTell, until)
          return Effect.asVoid(Effect.forkIn(visit(0, undefined), scope))
        }),
      coolingUntil: () => coolingUntil
    }
  }

  const upkeep = (leave: boolean) =>
    Effect.flatMap(
      Clock.currentTimeMillis,
      (now) => Effect.forEach(upkeeps, (one) => one(now, leave), { discard: true })
    )
  yield* Effect.addFinalizer(() => upkeep(true))
  yield* Effect.forkScoped(Effect.repeat(upkeep(false), Schedule.spaced(tick)))
  return budgetOf
})
