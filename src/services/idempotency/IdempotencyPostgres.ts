/** Keys shared by all instances on one database; this process's memory when it is away. */
import { Clock, Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { IdempotencyInFlight, IdempotencyMismatch, StoreUnavailable } from "../../domain/errors.ts"
import type { Namespace } from "../../domain/Generation.ts"
import { type IdempotencyDecision, maxAnswerLength } from "../../domain/Idempotency.ts"
import { batch, inBatches } from "../cache/upkeep/UpkeepCalls.ts"
import type { Idempotency, IdempotencyBegun, IdempotencyStoreOptions } from "../Idempotency.ts"
import { makeStoreCall } from "../store/StoreCall.ts"
import { type Claim, makeBook, makeClaiming, refuse } from "./IdempotencyBook.ts"
import { makeIdempotencyStore } from "./IdempotencyStore.ts"

/** For what may be large or is off the answer's path, unless more is allowed to everything. */
const minSlowTimeout = Duration.seconds(1)
const eraseTimeout = "5 seconds"

/** No attempt is renewed for longer: a bug must not keep a key for ever. */
const maxAttemptMillis = 3_600_000

export const makePostgres = Effect.fnUntraced(function*(options: IdempotencyStoreOptions) {
  const ttlMillis = Duration.toMillis(options.ttl ?? "1 day")
  const leaseMillis = Duration.toMillis(options.lease ?? "30 seconds")
  const storeTimeout = Duration.fromInputUnsafe(options.storeTimeout ?? "250 millis")
  const slowTimeout = Duration.max(storeTimeout, minSlowTimeout)
  const claimOf = yield* makeClaiming(options.space ?? "")
  const book = makeBook(ttlMillis)
  const store = makeIdempotencyStore(yield* SqlClient.SqlClient)
  const storeCall = yield* makeStoreCall
  const scope = yield* Effect.scope
  const episode = makeEpisode()

  const call = <A, E>(operation: string, timeout: Duration.Input, statements: Effect.Effect<A, E>) =>
    storeCall(`Idempotency.${operation}`, timeout, statements).pipe(
      Effect.tap(() => episode.isOver),
      Effect.tapError(episode.failed)
    )

  const renewing = (claim: Claim) =>
    Effect.sleep(leaseMillis / 3).pipe(
      Effect.andThen(Effect.ignore(call("renew", slowTimeout, store.renew(claim, leaseMillis)))),
      Effect.repeat({ times: Math.ceil(maxAttemptMillis / leaseMillis * 3) }),
      Effect.forkIn(scope)
    )

  const started = Effect.fnUntraced(function*(claim: Claim) {
    book.confirm(claim)
    const renewal = yield* renewing(claim)
    let isEnded = false
    const once = (end: Effect.Effect<void>) =>
      Effect.uninterruptible(Effect.suspend(() => {
        if (isEnded) return Effect.void
        isEnded = true
        renewal.interruptUnsafe()
        return end
      }))
    const abandon = Effect.andThen(
      Effect.ignore(call("abandon", storeTimeout, store.abandon(claim))),
      Effect.sync(() => book.release(claim))
    )
    // The next request here has the answer at once, and from here as long as it is nowhere else.
    const complete = (answer: string) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        book.complete(claim, answer, now)
        return Effect.match(
          call("complete", episode.isOn() ? storeTimeout : slowTimeout, store.complete(claim, answer, ttlMillis)),
          { onFailure: () => {}, onSuccess: () => book.release(claim) }
        )
      })
    const attempt: IdempotencyBegun = {
      _tag: "Started",
      complete: (answer) => once(answer.length > maxAnswerLength ? abandon : complete(answer)),
      abandon: once(abandon)
    }
    return attempt
  })

  const toBegun = (
    claim: Claim,
    decision: IdempotencyDecision
  ): Effect.Effect<IdempotencyBegun, IdempotencyInFlight | IdempotencyMismatch> => {
    switch (decision._tag) {
      case "InFlight":
      case "Mismatch":
        return refuse(decision)
      case "Start":
        return started(claim)
      case "Stored": {
        const { answer } = decision
        const stored: IdempotencyBegun = {
          _tag: "Stored",
          answer,
          discard: Effect.andThen(
            Effect.sync(() => book.discard(claim, answer)),
            Effect.ignore(call("discard", storeTimeout, store.discard(claim, answer)))
          )
        }
        return Effect.succeed(stored)
      }
    }
  }

  /** What the database says, once this process has nothing to say. */
  const askStore = (claim: Claim) =>
    call("begin", storeTimeout, store.begin(claim, leaseMillis)).pipe(
      Effect.catchTag("StoreUnavailable", () => Effect.succeed<IdempotencyDecision>({ _tag: "Start" })),
      Effect.tap((decision) => Effect.sync(() => decision._tag === "Start" ? undefined : book.release(claim)))
    )

  const begin: Idempotency["Service"]["begin"] = Effect.fn("Idempotency.begin")(function*(request) {
    const claim = yield* claimOf(request)
    const here = book.begin(claim, yield* Clock.currentTimeMillis)
    if (here._tag !== "Start") return yield* toBegun(claim, here)
    // Bounded by the store's timeout; an attempt that has begun must not be lost on the way to its caller.
    return yield* toBegun(claim, yield* askStore(claim))
  }, Effect.uninterruptible)

  const erase = Effect.fn("Idempotency.erase")(function*(namespace: Namespace) {
    let erased = book.erase(namespace)
    for (let rows = batch; rows >= batch;) {
      const piece = yield* call("erase", eraseTimeout, store.erase(namespace))
      rows = piece.rows
      erased += piece.answers
    }
    return erased
  })

  const purge = Effect.gen(function*() {
    for (const namespace of yield* call("namespaces", slowTimeout, store.namespaces)) {
      yield* inBatches(call("purge", eraseTimeout, store.purge(namespace)))
    }
  })
  yield* Effect.forkScoped(Effect.forever(
    Effect.andThen(Effect.sleep(options.purgeEvery ?? "1 minute"), Effect.ignoreCause(purge))
  ))

  return { begin, erase }
})

/** One warning when the database goes, one line when it is back. */
const makeEpisode = () => {
  let isOn = false
  return {
    isOn: () => isOn,
    failed: (error: StoreUnavailable) =>
      Effect.suspend(() => {
        if (isOn) return Effect.void
        isOn = true
        return Effect.logWarning(
          `idempotency keys are known to this instance only, for now: ${error.message}`
        )
      }),
    isOver: Effect.suspend(() => {
      if (!isOn) return Effect.void
      isOn = false
      return Effect.logInfo("idempotency keys are shared again")
    })
  }
}
