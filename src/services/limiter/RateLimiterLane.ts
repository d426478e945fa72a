/** The way through one provider's waiting room and its gate. */
import { Clock, Duration, Effect, type Fiber, Metric, type Scope } from "effect"
import { LimitExceeded } from "../../domain/errors.ts"
import type { Charge } from "../../domain/limits/MinuteWindow.ts"
import type { RateBudget } from "./RateBudget.ts"
import type {
  AttemptFeedback,
  LimiterLoad,
  Permit,
  PermitRequest,
  RateLimiterOptions,
  RateLimiterService
} from "./RateLimiterApi.ts"
import { makeGate } from "./RateLimiterGate.ts"
import { isBackground, RateLimiterRoom, type Waiter } from "./RateLimiterRoom.ts"

export interface Lane {
  readonly withPermit: RateLimiterService["withPermit"]
  readonly report: (permit: Permit, feedback: AttemptFeedback) => Effect.Effect<void>
  readonly coolDown: (retryAfter: Duration.Duration | undefined) => Effect.Effect<void>
  readonly load: Effect.Effect<LimiterLoad>
}

const refusalCount = Metric.counter("understudy_limiter_refusals_total", {
  description: "Attempts that our own limiter refused",
  incremental: true
})
const waitingGauge = Metric.gauge("understudy_limiter_waiting", { description: "Callers waiting for a permit" })
const backgroundGauge = Metric.gauge("understudy_limiter_background_waiting", {
  description: "Those of the callers waiting for a permit that are of the background"
})
const waitHistogram = Metric.histogram("understudy_limiter_wait_seconds", {
  description: "Time that attempts waited for our limits, for those that had to",
  boundaries: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
})

/** The longest cooldown, in milliseconds, that a provider gets which never says how long to wait. */
const longestUnasked = 60_000

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

export const makeLane = (key: string, options: RateLimiterOptions, budget: RateBudget, scope: Scope.Scope): Lane => {
  const defaultCooldown = Duration.fromInputUnsafe(options.cooldown ?? "1 second")
  const waitingNow = Metric.withAttributes(waitingGauge, { provider: key })
  const backgroundNow = Metric.withAttributes(backgroundGauge, { provider: key })
  const waited = Metric.withAttributes(waitHistogram, { provider: key })

  const gate = makeGate(key, options, budget)
  const { free, take } = gate
  const room = new RateLimiterRoom(key, options, gate)
  /** Cooldowns in a row with no answer between them. */
  let strikes = 0
  let alarm: { readonly at: number; readonly fiber: Fiber.Fiber<void> } | undefined

  const refuse = (request: PermitRequest, error: LimitExceeded, now: number): Effect.Effect<never, LimitExceeded> => {
    if (isBackground(request)) room.comesAgain(request, now, Duration.toMillis(error.retryAfter))
    const attributes = { provider: key, reason: error.reason, priority: request.priority ?? "interactive" }
    return Effect.andThen(Metric.update(Metric.withAttributes(refusalCount, attributes), 1), Effect.fail(error))
  }

  const pump: Effect.Effect<void> = Effect.suspend(() =>
    room.size === 0 ? Effect.void : Effect.flatMap(take, (taken) => taken ? served : Effect.void)
  )

  const served = Clock.clockWith((clock) => {
    const now = clock.currentTimeMillisUnsafe()
    const at = room.serve(now)
    if (at === undefined) return pump
    return Number.isNaN(at) ? free : Effect.andThen(free, tryAgainAt(now, at))
  })

  const replenish = Effect.suspend(() => {
    const head = room.head()
    return head === undefined ? Effect.void : budget.replenish(room.pressing, head.request.tokens, pump)
  })

  /** One alarm at a time, for the first moment at which somebody could start. */
  const tryAgainAt = (now: number, at: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (!Number.isFinite(at)) return replenish
      if (alarm !== undefined && alarm.at <= at && alarm.at > now) return Effect.void
      alarm?.fiber.interruptUnsafe()
      alarm = undefined
      const ring = Effect.suspend(() => {
        alarm = undefined
        return pump
      })
      return Effect.map(Effect.forkIn(Effect.andThen(Effect.sleep(at - now), ring), scope), (fiber) => {
        alarm = { at, fiber }
      })
    })

  const giveBack = (request: PermitRequest, charged: Charge | undefined): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (isBackground(request)) room.returned()
      if (charged !== undefined) budget.cancel(charged)
      return Effect.andThen(free, pump)
    })

  /** Makes the attempt with a permit in hand. */
  const start = <A, E, R>(
    request: PermitRequest,
    clock: Clock.Clock,
    startedAt: number,
    charged: Charge | undefined,
    waitedMillis: number,
    attempt: (permit: Permit) => Effect.Effect<A, E, R>,
    restore: Restore
  ): Effect.Effect<A, E | LimitExceeded, R> => {
    if (startedAt + request.minAttemptMillis > request.deadline) {
      const refused = refuse(request, room.tooLate(startedAt, startedAt), startedAt)
      return Effect.andThen(giveBack(request, charged), refused)
    }
    const background = isBackground(request)
    const permit = gate.begin(startedAt, waitedMillis, charged, background)
    return Effect.onExit(restore(Effect.suspend(() => attempt(permit))), (exit) => {
      gate.end(permit, clock.currentTimeMillisUnsafe(), exit)
      if (background) room.returned()
      return room.size === 0 ? free : Effect.andThen(free, pump)
    })
  }

  const wait = (waiter: Waiter, now: number) =>
    Effect.timeoutOption(
      Effect.callback<void>((resume) => {
        if (waiter.outcome === undefined) waiter.resume = () => resume(Effect.void)
        else resume(Effect.void)
      }),
      Math.max(0, waiter.latest - now)
    )

  const queued = <A, E, R>(
    request: PermitRequest,
    clock: Clock.Clock,
    attempt: (permit: Permit) => Effect.Effect<A, E, R>,
    restore: Restore
  ): Effect.Effect<A, E | LimitExceeded, R> =>
    Effect.suspend(() => {
      const now = clock.currentTimeMillisUnsafe()
      const waiter = room.admit(request, now)
      if (waiter instanceof LimitExceeded) return refuse(request, waiter, now)
      const place = room.enter(waiter)
      const count = Effect.suspend(() =>
        isBackground(request)
          ? Effect.andThen(Metric.update(waitingNow, room.size), Metric.update(backgroundNow, room.backgroundSize))
          : Metric.update(waitingNow, room.size)
      )
      const left = Effect.suspend(() => {
        room.leave(place)
        return count
      })
      const gone = Effect.suspend(() =>
        waiter.outcome === undefined || waiter.outcome instanceof LimitExceeded
          ? pump
          : giveBack(request, waiter.outcome.charge)
      )
      return Effect.andThen(count, pump).pipe(
        Effect.andThen(Effect.onInterrupt(Effect.ensuring(restore(wait(waiter, now)), left), () => gone)),
        Effect.flatMap(() => {
          const { outcome } = waiter
          const at = clock.currentTimeMillisUnsafe()
          if (outcome instanceof LimitExceeded) return refuse(request, outcome, at)
          // Its patience has ended; whose turn it is now may ask for less.
          if (outcome === undefined) {
            return Effect.andThen(pump, refuse(request, room.tooLate(at, room.foresee(request, at)), at))
          }
          const started = start(request, clock, at, outcome.charge, at - now, attempt, restore)
          return at === now ? started : Effect.andThen(Metric.update(waited, (at - now) / 1_000), started)
        })
      )
    })

  return {
    withPermit: (request, attempt) =>
      Effect.uninterruptibleMask((restore) =>
        Clock.clockWith((clock) => {
          if (room.size > 0 || isBackground(request)) return queued(request, clock, attempt, restore)
          return Effect.flatMap(take, (taken) => {
            if (!taken) return queued(request, clock, attempt, restore)
            const now = clock.currentTimeMillisUnsafe()
            return room.isFree(now) && gate.earliest(now, request.tokens) <= now
              ? start(request, clock, now, gate.charge(now, request.tokens), 0, attempt, restore)
              : Effect.andThen(free, queued(request, clock, attempt, restore))
          })
        })
      ),
    report: (permit, feedback) =>
      Clock.clockWith((clock) => {
        if (!feedback.congested && feedback.sent !== false) strikes = 0
        return Effect.andThen(Effect.suspend(() => gate.learn(permit, feedback, clock.currentTimeMillisUnsafe())), pump)
      }),
    coolDown: (retryAfter) =>
      Clock.clockWith((clock) => {
        const now = clock.currentTimeMillisUnsafe()
        // Of the attempts that were under way together only the first one begins a cooldown.
        if (now >= gate.status().coolingUntil) strikes += 1
        const unasked = Math.min(Duration.toMillis(defaultCooldown) * 2 ** Math.max(0, strikes - 1), longestUnasked)
        const until = now + (retryAfter === undefined ? unasked : Duration.toMillis(retryAfter))
        // Who has waited for a cooldown to end, only to see the next one begin, has waited enough.
        if (strikes > 1) room.dismissAll(room.refusal("cooling_down", until - now))
        return Effect.andThen(Effect.suspend(() => gate.coolDown(now, until)), pump)
      }),
    load: Effect.map(Clock.currentTimeMillis, (now) => {
      const { coolingUntil, limit, running } = gate.status()
      const coolingMillis = Math.max(0, coolingUntil - now)
      return { running, waiting: room.size, backgroundWaiting: room.backgroundSize, limit, coolingMillis }
    })
  }
}
