/** One provider's waiting room, and the way through its gate. */
import { Clock, Duration, Effect, type Fiber, Metric, type Scope } from "effect"
import { LimitExceeded } from "../../domain/errors.ts"
import type { Charge } from "../../domain/limits/MinuteWindow.ts"
import { WaitingRoom } from "../../domain/limits/WaitingRoom.ts"
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
const waitHistogram = Metric.histogram("understudy_limiter_wait_seconds", {
  description: "Time that attempts waited for our limits, for those that had to",
  boundaries: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
})

/** The longest cooldown, in milliseconds, that a provider gets which never says how long to wait. */
const longestUnasked = 60_000

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
  const queue = options.queue ?? 64
  const defaultCooldown = Duration.fromInputUnsafe(options.cooldown ?? "1 second")
  const refusals = (reason: string) => Metric.withAttributes(refusalCount, { provider: key, reason })
  const waitingNow = Metric.withAttributes(waitingGauge, { provider: key })
  const waited = Metric.withAttributes(waitHistogram, { provider: key })

  const gate = makeGate(key, options, budget)
  const { free, take } = gate
  const room = new WaitingRoom<Waiter>()
  /** Tokens that those in the room ask for. */
  let tokensWaiting = 0
  /** Cooldowns in a row with no answer between them. */
  let strikes = 0
  let alarm: { readonly at: number; readonly fiber: Fiber.Fiber<void> } | undefined

  const refusal = (reason: LimitExceeded["reason"], millis: number): LimitExceeded =>
    new LimitExceeded({ key, reason, retryAfter: Duration.millis(Math.max(1, Math.ceil(millis))) })

  const refuse = (error: LimitExceeded): Effect.Effect<never, LimitExceeded> =>
    Effect.andThen(Metric.update(refusals(error.reason), 1), Effect.fail(error))

  const tooLate = (now: number, at: number): LimitExceeded => {
    const { coolingUntil, typicalMillis } = gate.status()
    return refusal(
      coolingUntil > now && coolingUntil >= at ? "cooling_down" : "would_miss_deadline",
      at > now ? at - now : Math.max(typicalMillis, coolingUntil - now)
    )
  }

  /** Why somebody who comes now is refused at once, if it is. */
  const foresee = ({ deadline, minAttemptMillis, namespace, tokens }: PermitRequest, now: number) => {
    const ahead = room.ahead(namespace)
    const tokensAhead = room.size === 0 ? 0 : tokensWaiting * ahead / room.size
    const at = gate.foresee(now, tokens, ahead, tokensAhead, room.size > 0)
    const needed = at > now ? Math.max(minAttemptMillis, gate.status().typicalMillis) : minAttemptMillis
    if (at + needed > deadline) return tooLate(now, at)
    if (room.size < queue || (room.size === 0 && at <= now)) return undefined
    const crowder = room.crowder(namespace)
    if (crowder === undefined) return refusal("queue_full", at - now)
    leave(crowder)
    dismiss(crowder.value, refusal("queue_full", at - now))
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

  const dismissAll = (outcome: LimitExceeded): void => {
    for (let head = room.peek(); head !== undefined; head = room.peek()) {
      room.shift()
      tokensWaiting -= head.value.request.tokens
      dismiss(head.value, outcome)
    }
  }

  /** With a permit in hand: gives it to whose turn it is. Answers when to try again if it cannot yet. */
  const serve = (now: number): number | undefined => {
    for (let head = room.peek(); head !== undefined; head = room.peek()) {
      const { deadline, minAttemptMillis, tokens } = head.value.request
      const at = gate.earliest(now, tokens)
      // The typical call was asked for on admission. Who has waited longer than foreseen still gets what is left of its
      // time, if that is worth anything; who cannot start in time any more learns it now.
      const known = Number.isFinite(at) ? at : now
      const isTooLate = known + minAttemptMillis > deadline
      if (!isTooLate && at > now) return at
      room.shift()
      tokensWaiting -= tokens
      dismiss(head.value, isTooLate ? tooLate(now, known) : { charge: gate.charge(now, tokens) })
      if (!isTooLate) return undefined
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
    return Number.isNaN(at) ? free : Effect.andThen(free, tryAgainAt(now, at))
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
      return Effect.andThen(giveBack(charged), refuse(tooLate(startedAt, startedAt)))
    }
    const permit = gate.begin(startedAt, waitedMillis, charged)
    return Effect.onExit(restore(Effect.suspend(() => attempt(permit))), (exit) => {
      gate.end(permit, clock.currentTimeMillisUnsafe(), exit)
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
          if (outcome === undefined) return Effect.andThen(pump, refuse(tooLate(at, at)))
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
            return room.size === 0 && gate.earliest(now, request.tokens) <= now
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
        if (strikes > 1) dismissAll(refusal("cooling_down", until - now))
        return Effect.andThen(Effect.suspend(() => gate.coolDown(now, until)), pump)
      }),
    load: Effect.map(Clock.currentTimeMillis, (now) => {
      const { coolingUntil, limit, running } = gate.status()
      return { running, waiting: room.size, limit, coolingMillis: Math.max(0, coolingUntil - now) }
    })
  }
}
