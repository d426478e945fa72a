/** Keeps our own calls within what a provider allows, and refuses early what could not be served in time. */
import { Clock, Context, Duration, Effect, Exit, Layer, Metric, Scope, Semaphore } from "effect"
import { LimitExceeded } from "../domain/errors.ts"
import type { Namespace } from "../domain/Generation.ts"
import * as Limits from "../domain/Limits.ts"

export interface RateLimiterOptions {
  /** Attempts at one provider at the same time. Default 8. */
  readonly concurrency?: number | undefined
  /** Callers that may wait for a permit; the next one is refused. Default 64. */
  readonly queue?: number | undefined
  readonly requestsPerMinute?: number | undefined
  /** Counted as estimated before the attempt: the prompt's tokens and the whole of `maxTokens`. */
  readonly tokensPerMinute?: number | undefined
  /** The cooldown after a 429 that names no time. Default 1 second. */
  readonly cooldown?: Duration.Input | undefined
  /** The distance between the first attempts after a cooldown. Default 50 millis. */
  readonly stagger?: Duration.Input | undefined
}

export interface PermitRequest {
  /** Which provider's limits. */
  readonly key: string
  readonly namespace: Namespace
  /** When the caller must have its answer, in milliseconds since the epoch. */
  readonly deadline: number
  /** The least time an attempt needs to be worth starting, in milliseconds. */
  readonly minAttemptMillis: number
  /** What the attempt may cost, in tokens. */
  readonly tokens: number
}

/** The right to make one attempt now. */
export interface Permit {
  /** How long our own limits made the attempt wait, in milliseconds. */
  readonly waitedMillis: number
}

export class RateLimiter extends Context.Service<RateLimiter, {
  /**
   * Runs one attempt when the limits allow it. Refuses at once when the room is full or the wait would miss the
   * deadline. The permit comes back on every exit.
   */
  readonly withPermit: <A, E, R>(
    request: PermitRequest,
    attempt: (permit: Permit) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | LimitExceeded, R>
  /** After a 429: nobody starts an attempt before this time is over, and then one by one. */
  readonly coolDown: (key: string, retryAfter: Duration.Duration | undefined) => Effect.Effect<void>
  /** What is under way and what waits, for readiness and tests. */
  readonly load: (key: string) => Effect.Effect<{ readonly running: number; readonly waiting: number }>
}>()("understudy/services/RateLimiter") {
  static readonly layer = (options: RateLimiterOptions = {}): Layer.Layer<RateLimiter> =>
    Layer.sync(RateLimiter, () => make(options))

  static readonly layerUnlimited: Layer.Layer<RateLimiter> = Layer.succeed(RateLimiter, {
    withPermit: (_request, attempt) => attempt({ waitedMillis: 0 }),
    coolDown: () => Effect.void,
    load: () => Effect.succeed({ running: 0, waiting: 0 })
  })
}

const refusalCount = Metric.counter("understudy_limiter_refusals_total", {
  description: "Attempts that our own limiter refused",
  incremental: true
})
const waitingGauge = Metric.gauge("understudy_limiter_waiting", { description: "Callers waiting for a permit" })
const waitHistogram = Metric.histogram("understudy_limiter_wait_seconds", {
  description: "Time that attempts waited for our limits, for those that had to",
  boundaries: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
})

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** What the limiter knows of one provider. */
interface Lane {
  readonly permits: Semaphore.Semaphore
  limits: Limits.LimitState
  waiting: number
  running: number
  /** Moving average of how long an attempt holds its permit, in milliseconds; 0 before the first. */
  typicalMillis: number
}

const make = (options: RateLimiterOptions) => {
  const concurrency = options.concurrency ?? 8
  const queue = options.queue ?? 64
  const policy: Limits.LimitPolicy = {
    requestsPerMinute: options.requestsPerMinute,
    tokensPerMinute: options.tokensPerMinute,
    staggered: concurrency,
    staggerMillis: Duration.toMillis(options.stagger ?? "50 millis")
  }
  const defaultCooldown = Duration.fromInputUnsafe(options.cooldown ?? "1 second")
  const lanes = new Map<string, Lane>()

  const laneOf = (key: string): Lane => {
    let lane = lanes.get(key)
    if (lane === undefined) {
      const permits = Semaphore.makeUnsafe(concurrency)
      lane = { permits, limits: Limits.initial, waiting: 0, running: 0, typicalMillis: 0 }
      lanes.set(key, lane)
    }
    return lane
  }

  const refuse = (key: string, reason: LimitExceeded["reason"], millis: number): Effect.Effect<never, LimitExceeded> =>
    Effect.andThen(
      Metric.update(Metric.withAttributes(refusalCount, { provider: key, reason }), 1),
      Effect.fail(new LimitExceeded({ key, reason, retryAfter: Duration.millis(Math.max(1, Math.ceil(millis))) }))
    )

  /** Why a caller that comes now is refused at once, if it is. */
  const refusal = (
    lane: Lane,
    request: PermitRequest,
    now: number
  ): Effect.Effect<never, LimitExceeded> | undefined => {
    const { deadline, key, minAttemptMillis, tokens } = request
    const isFree = lane.running < concurrency && lane.waiting === 0
    // When it could start, as far as can be known.
    const permit = isFree ? now : now + lane.typicalMillis * (lane.waiting + 1) / concurrency
    const start = Math.max(permit, Limits.earliest(policy, lane.limits, now, tokens, lane.waiting))
    const needed = start > now ? Math.max(minAttemptMillis, lane.typicalMillis) : minAttemptMillis
    if (start + needed > deadline) {
      const cooling = lane.limits.cooldownUntil > now && lane.limits.cooldownUntil >= permit
      return refuse(key, cooling ? "cooling_down" : "would_miss_deadline", start - now)
    }
    return !isFree && lane.waiting >= queue ? refuse(key, "queue_full", start - now) : undefined
  }

  /**
   * Waits for a permit in the room, at most until the deadline. The permit belongs to the scope from the moment it is
   * taken, so it cannot get lost between a take and a timeout that win at the same time.
   */
  const waitForPermit = (
    lane: Lane,
    request: PermitRequest,
    now: number,
    scope: Scope.Scope,
    restore: Restore
  ): Effect.Effect<void, LimitExceeded> => {
    const count = (by: number) =>
      Effect.suspend(() => {
        lane.waiting += by
        return Metric.update(Metric.withAttributes(waitingGauge, { provider: request.key }), lane.waiting)
      })
    const take = Effect.timeoutOrElse(Scope.provide(lane.permits.takeScoped(1), scope), {
      duration: request.deadline - request.minAttemptMillis - now,
      orElse: () => refuse(request.key, "would_miss_deadline", lane.typicalMillis)
    })
    return Effect.andThen(count(1), Effect.ensuring(restore(take), count(-1)))
  }

  /** With a permit in hand, waits until the minute's limits and the cooldown let the attempt go. */
  const waitForWindow = Effect.fnUntraced(function*(lane: Lane, request: PermitRequest, restore: Restore) {
    while (true) {
      const now = yield* Clock.currentTimeMillis
      const [reservation, booked] = Limits.reserve(policy, lane.limits, now, request.tokens)
      lane.limits = booked
      const giveBack = Effect.sync(() => {
        lane.limits = Limits.refund(lane.limits, reservation)
      })
      if (reservation.at + request.minAttemptMillis > request.deadline) {
        yield* giveBack
        const cooling = lane.limits.cooldownUntil > now
        return yield* refuse(request.key, cooling ? "cooling_down" : "would_miss_deadline", reservation.at - now)
      }
      if (reservation.at <= now) return
      yield* Effect.onInterrupt(restore(Effect.sleep(reservation.at - now)), () => giveBack)
      // A 429 may have come meanwhile.
      if (lane.limits.cooldownUntil <= reservation.at) return
      yield* giveBack
    }
  })

  /** Makes the attempt, and learns from it how long one takes. `queuedAt` is when it began to wait, if it had to. */
  const hold = <A, E, R>(
    lane: Lane,
    request: PermitRequest,
    queuedAt: number | undefined,
    attempt: (permit: Permit) => Effect.Effect<A, E, R>,
    restore: Restore
  ): Effect.Effect<A, E | LimitExceeded, R> =>
    Clock.clockWith((clock) => {
      const startedAt = clock.currentTimeMillisUnsafe()
      const waitedMillis = queuedAt === undefined ? 0 : startedAt - queuedAt
      const run = Effect.onExit(restore(attempt({ waitedMillis })), (exit) => {
        // An interrupted attempt says nothing of how long one takes.
        if (Exit.isSuccess(exit) || !Exit.hasInterrupts(exit)) {
          const took = clock.currentTimeMillisUnsafe() - startedAt
          lane.typicalMillis = lane.typicalMillis === 0 ? took : lane.typicalMillis * 0.8 + took * 0.2
        }
        return Effect.void
      })
      if (queuedAt === undefined) return run
      const waited = Metric.withAttributes(waitHistogram, { provider: request.key })
      return Effect.andThen(Metric.update(waited, waitedMillis / 1_000), run)
    })

  return RateLimiter.of({
    withPermit: (request, attempt) =>
      Effect.uninterruptibleMask((restore) =>
        Clock.clockWith((clock) => {
          const now = clock.currentTimeMillisUnsafe()
          const lane = laneOf(request.key)
          const refused = refusal(lane, request, now)
          if (refused !== undefined) return refused
          const granted = (queued: boolean) => {
            lane.running += 1
            const isOpen = Limits.isOpen(policy, lane.limits, now)
            const held = hold(lane, request, queued || !isOpen ? now : undefined, attempt, restore)
            return Effect.ensuring(
              isOpen ? held : Effect.andThen(waitForWindow(lane, request, restore), held),
              Effect.sync(() => {
                lane.running -= 1
              })
            )
          }
          const queued = Effect.scopedWith((scope) =>
            Effect.flatMap(waitForPermit(lane, request, now, scope, restore), () => granted(true))
          )
          if (lane.waiting > 0) return queued
          return Effect.flatMap(
            lane.permits.takeIfAvailable(1),
            (taken) => taken ? Effect.ensuring(granted(false), lane.permits.release(1)) : queued
          )
        })
      ),
    coolDown: (key, retryAfter) =>
      Clock.clockWith((clock) =>
        Effect.sync(() => {
          const lane = laneOf(key)
          const until = clock.currentTimeMillisUnsafe() + Duration.toMillis(retryAfter ?? defaultCooldown)
          lane.limits = Limits.coolDown(policy, lane.limits, until)
        })
      ),
    load: (key) => Effect.sync(() => ({ running: laneOf(key).running, waiting: laneOf(key).waiting }))
  })
}
