/** One provider's permits, waiting room and limits. */
import { Clock, Duration, Effect, Exit, type Fiber, Metric, type Scope, Semaphore } from "effect"
import * as Allowance from "../domain/Allowance.ts"
import * as ConcurrencyLimit from "../domain/ConcurrencyLimit.ts"
import * as Cooldown from "../domain/Cooldown.ts"
import { LimitExceeded } from "../domain/errors.ts"
import type { Charge } from "../domain/MinuteWindow.ts"
import { WaitingRoom } from "../domain/WaitingRoom.ts"
import type { RateBudget } from "./RateBudget.ts"
import type {
  AttemptFeedback,
  LimiterLoad,
  Permit,
  PermitRequest,
  RateLimiterOptions,
  RateLimiterService
} from "./RateLimiterApi.ts"

export interface Lane {
  readonly withPermit: RateLimiterService["withPermit"]
  readonly report: (permit: Permit, feedback: AttemptFeedback) => Effect.Effect<void>
  readonly coolDown: (retryAfter: Duration.Duration | undefined) => Effect.Effect<void>
  readonly load: Effect.Effect<LimiterLoad>
  /** Lets those start who can. */
  readonly pump: Effect.Effect<void>
}

const refusalCount = Metric.counter("understudy_limiter_refusals_total", {
  description: "Attempts that our own limiter refused",
  incremental: true
})
const waitingGauge = Metric.gauge("understudy_limiter_waiting", { description: "Callers waiting for a permit" })
const limitGauge = Metric.gauge("understudy_limiter_concurrency", { description: "Attempts that may run at once" })
const waitHistogram = Metric.histogram("understudy_limiter_wait_seconds", {
  description: "Time that attempts waited for our limits, for those that had to",
  boundaries: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
})

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * Somebody in the room. Who is let go owns a permit and a charge from that moment on, whether it has noticed yet or
 * not: so nothing is lost when it is interrupted, or its patience ends, at that same time.
 */
interface Waiter {
  readonly request: PermitRequest
  outcome: { readonly charge: Charge | undefined } | LimitExceeded | undefined
  resume: ((effect: Effect.Effect<void>) => void) | undefined
}

export const makeLane = (key: string, options: RateLimiterOptions, budget: RateBudget, scope: Scope.Scope): Lane => {
  const maximum = Math.max(1, options.concurrency ?? 8)
  const queue = options.queue ?? 64
  const staggerMillis = Duration.toMillis(options.stagger ?? "50 millis")
  const defaultCooldown = Duration.fromInputUnsafe(options.cooldown ?? "1 second")
  const refusals = (reason: string) => Metric.withAttributes(refusalCount, { provider: key, reason })
  const waitingNow = Metric.withAttributes(waitingGauge, { provider: key })
  const limitNow = Metric.withAttributes(limitGauge, { provider: key })
  const waited = Metric.withAttributes(waitHistogram, { provider: key })

  const permits = Semaphore.makeUnsafe(maximum)
  const take = permits.takeIfAvailable(1)
  const free = permits.release(1)
  const room = new WaitingRoom<Waiter>()
  let limit = ConcurrencyLimit.initial(maximum)
  let cooldown = Cooldown.none
  let allowance = Allowance.unknown
  let running = 0
  let starts = 0
  /** Tokens that those in the room ask for. */
  let tokensWaiting = 0
  /** Moving average of how long an attempt holds its permit, in milliseconds; 0 before the first. */
  let typicalMillis = 0
  let alarm: { readonly at: number; readonly fiber: Fiber.Fiber<void> } | undefined

  /** When the limits let an attempt start that nobody precedes. */
  const earliest = (now: number, tokens: number): number => {
    const cooled = budget.coolingUntil()
    if (cooled > cooldown.until) pause(now, cooled)
    return Math.max(
      Cooldown.earliest(cooldown, now),
      Allowance.earliest(allowance, now, tokens),
      budget.earliest(now, tokens)
    )
  }

  const pause = (now: number, until: number): void => {
    const count = ConcurrencyLimit.current(limit)
    cooldown = Cooldown.begin(cooldown, now, until, { count, millis: staggerMillis })
  }

  /** Books an attempt that starts now. */
  const charge = (now: number, tokens: number): Charge | undefined => {
    cooldown = Cooldown.started(cooldown, now)
    allowance = Allowance.started(allowance, now, tokens)
    return budget.charge(now, tokens)
  }

  const refusal = (reason: LimitExceeded["reason"], millis: number): LimitExceeded =>
    new LimitExceeded({ key, reason, retryAfter: Duration.millis(Math.max(1, Math.ceil(millis))) })

  const refuse = (error: LimitExceeded): Effect.Effect<never, LimitExceeded> =>
    Effect.andThen(Metric.update(refusals(error.reason), 1), Effect.fail(error))

  const tooLate = (now: number): LimitExceeded =>
    refusal(
      cooldown.until > now ? "cooling_down" : "would_miss_deadline",
      Math.max(typicalMillis, cooldown.until - now)
    )

  /** Why somebody who comes now is refused at once, if it is; as far as can be known. */
  const foresee = ({ deadline, minAttemptMillis, namespace, tokens }: PermitRequest, now: number) => {
    const ahead = room.ahead(namespace)
    const most = ConcurrencyLimit.current(limit)
    const isFree = running < most && room.size === 0
    const permit = isFree ? now : now + typicalMillis * (ahead + 1) / most
    const tokensAhead = room.size === 0 ? 0 : tokensWaiting * ahead / room.size
    const start = Math.max(
      permit,
      Cooldown.earliest(cooldown, now, ahead),
      Allowance.earliest(allowance, now, tokens),
      budget.estimate(now, tokens, ahead, tokensAhead)
    )
    const needed = start > now ? Math.max(minAttemptMillis, typicalMillis) : minAttemptMillis
    if (start + needed > deadline) {
      const isCooling = cooldown.until > now && cooldown.until >= permit
      return refusal(isCooling ? "cooling_down" : "would_miss_deadline", start - now)
    }
    if ((isFree && start <= now) || room.size < queue) return undefined
    const crowder = room.crowder(namespace)
    if (crowder === undefined) return refusal("queue_full", start - now)
    leave(crowder)
    dismiss(crowder.value, refusal("queue_full", start - now))
    return undefined
  }

  const enter = (waiter: Waiter) => {
    tokensWaiting += waiter.request.tokens
    return room.enter(waiter.request.namespace, waiter)
  }

  const leave = (place: ReturnType<typeof enter>): boolean => {
    const wasThere = room.leave(place)
    if (wasThere) tokensWaiting -= place.value.request.tokens
    return wasThere
  }

  const dismiss = (waiter: Waiter, outcome: NonNullable<Waiter["outcome"]>): void => {
    waiter.outcome = outcome
    waiter.resume?.(Effect.void)
  }

  /** With a permit in hand: gives it to whose turn it is. Answers when to try again if it cannot yet. */
  const serve = (now: number): number | undefined => {
    for (let head = room.peek(); head !== undefined; head = room.peek()) {
      const { deadline, minAttemptMillis, tokens } = head.value.request
      const at = earliest(now, tokens)
      // The typical call was asked for on admission. Who has waited longer than foreseen still gets what is left of its
      // time, if that is worth anything.
      if (now + minAttemptMillis > deadline) {
        room.shift()
        tokensWaiting -= tokens
        dismiss(head.value, tooLate(now))
      } else if (at > now) {
        return at
      } else {
        room.shift()
        tokensWaiting -= tokens
        dismiss(head.value, { charge: charge(now, tokens) })
        return undefined
      }
    }
    return Number.NaN
  }

  const pump: Effect.Effect<void> = Effect.suspend(() =>
    room.size === 0 ? Effect.void : Effect.flatMap(take, (taken) => taken ? served : Effect.void)
  )

  const served = Clock.clockWith((clock) => {
    const now = clock.currentTimeMillisUnsafe()
    const at = serve(now)
    if (at === undefined) return pump
    const back = free
    return Number.isNaN(at) ? back : Effect.andThen(back, tryAgainAt(now, at))
  })

  const replenish = Effect.suspend(() => {
    const head = room.peek()
    return head === undefined ? Effect.void : budget.replenish(room.size, head.value.request.tokens, pump)
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

  const giveBack = (charged: Charge | undefined): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (charged !== undefined) budget.cancel(charged)
      return Effect.andThen(free, pump)
    })

  /** Makes the attempt with a permit in hand, and learns from it how long one takes. */
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
      return Effect.andThen(giveBack(charged), refuse(tooLate(startedAt)))
    }
    running += 1
    const permit: Permit = {
      waitedMillis,
      startedAt,
      place: starts++,
      charge: charged
    }
    return Effect.onExit(restore(Effect.suspend(() => attempt(permit))), (exit) => {
      running -= 1
      const took = clock.currentTimeMillisUnsafe() - startedAt
      // One that failed early or was interrupted says nothing of how long one takes.
      if (Exit.isSuccess(exit) || (took > typicalMillis && !Exit.hasInterrupts(exit))) {
        typicalMillis = typicalMillis === 0 ? took : typicalMillis * 0.8 + took * 0.2
      }
      return room.size === 0 ? free : Effect.andThen(free, pump)
    })
  }

  const wait = (waiter: Waiter, now: number) =>
    Effect.timeoutOption(
      Effect.callback<void>((resume) => {
        if (waiter.outcome === undefined) waiter.resume = resume
        else resume(Effect.void)
      }),
      Math.max(0, waiter.request.deadline - waiter.request.minAttemptMillis - now)
    )

  const queued = <A, E, R>(
    request: PermitRequest,
    clock: Clock.Clock,
    attempt: (permit: Permit) => Effect.Effect<A, E, R>,
    restore: Restore
  ): Effect.Effect<A, E | LimitExceeded, R> =>
    Effect.suspend(() => {
      const now = clock.currentTimeMillisUnsafe()
      const refused = foresee(request, now)
      if (refused !== undefined) return refuse(refused)
      const waiter: Waiter = { request, outcome: undefined, resume: undefined }
      const place = enter(waiter)
      const count = Effect.suspend(() => Metric.update(waitingNow, room.size))
      const left = Effect.suspend(() => {
        leave(place)
        return count
      })
      const gone = Effect.suspend(() =>
        waiter.outcome === undefined || waiter.outcome instanceof LimitExceeded
          ? pump
          : giveBack(waiter.outcome.charge)
      )
      return Effect.andThen(count, pump).pipe(
        Effect.andThen(Effect.onInterrupt(Effect.ensuring(restore(wait(waiter, now)), left), () => gone)),
        Effect.flatMap(() => {
          const { outcome } = waiter
          if (outcome instanceof LimitExceeded) return refuse(outcome)
          const at = clock.currentTimeMillisUnsafe()
          // Its patience has ended; whose turn it is now may ask for less.
          if (outcome === undefined) return Effect.andThen(pump, refuse(tooLate(at)))
          return Effect.andThen(
            Metric.update(waited, (at - now) / 1_000),
            start(request, clock, at, outcome.charge, at - now, attempt, restore)
          )
        })
      )
    })

  return {
    withPermit: (request, attempt) =>
      Effect.uninterruptibleMask((restore) =>
        Clock.clockWith((clock) => {
          if (room.size > 0) return queued(request, clock, attempt, restore)
          return Effect.flatMap(take, (taken) => {
            if (!taken) return queued(request, clock, attempt, restore)
            const now = clock.currentTimeMillisUnsafe()
            return room.size === 0 && earliest(now, request.tokens) <= now
              ? start(request, clock, now, charge(now, request.tokens), 0, attempt, restore)
              : Effect.andThen(free, queued(request, clock, attempt, restore))
          })
        })
      ),
    report: (permit, { congested, limits, sent, usedTokens }) =>
      Clock.clockWith((clock) => {
        const now = clock.currentTimeMillisUnsafe()
        if (sent === false) {
          if (permit.charge !== undefined) budget.cancel(permit.charge)
          return pump
        }
        if (permit.charge !== undefined && usedTokens !== undefined) budget.settle(permit.charge, usedTokens)
        if (limits !== undefined) allowance = Allowance.learn(allowance, limits, permit.place, now)
        if (!congested) cooldown = Cooldown.calmed(cooldown, permit.startedAt)
        const before = ConcurrencyLimit.current(limit)
        limit = ConcurrencyLimit.learn(limit, maximum, { congested, now, startedAt: permit.startedAt, typicalMillis })
        const after = ConcurrencyLimit.current(limit)
        if (after === before) return pump
        return Effect.andThen(Effect.andThen(permits.resize(after), Metric.update(limitNow, after)), pump)
      }),
    coolDown: (retryAfter) =>
      Clock.clockWith((clock) => {
        const now = clock.currentTimeMillisUnsafe()
        const until = now + Duration.toMillis(retryAfter ?? defaultCooldown)
        pause(now, until)
        return budget.coolDown(until)
      }),
    load: Effect.map(Clock.currentTimeMillis, (now) => ({
      running,
      waiting: room.size,
      limit: ConcurrencyLimit.current(limit),
      coolingMillis: Math.max(0, cooldown.until - now)
    })),
    pump
  }
}
