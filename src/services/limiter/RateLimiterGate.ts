/** What one provider's limits let go, and what they learn: the permits, the cooldown, the minute and the headers. */
import { Duration, Effect, Exit, Metric, Semaphore } from "effect"
import * as Allowance from "../../domain/limits/Allowance.ts"
import * as ConcurrencyLimit from "../../domain/limits/ConcurrencyLimit.ts"
import * as Cooldown from "../../domain/limits/Cooldown.ts"
import type { Charge } from "../../domain/limits/MinuteWindow.ts"
import type { RateBudget } from "./RateBudget.ts"
import type { AttemptFeedback, Permit, RateLimiterOptions } from "./RateLimiterApi.ts"

const limitGauge = Metric.gauge("understudy_limiter_concurrency", { description: "Attempts that may run at once" })

export interface Gate {
  /** Takes a permit if one is free. */
  readonly take: Effect.Effect<boolean>
  readonly free: Effect.Effect<unknown>
  /** When the limits let an attempt start that nobody precedes; `Infinity`: the budget's store must be asked. */
  readonly earliest: (now: number, tokens: number) => number
  /** When one could start, as far as can be known, that `ahead` others precede, which together take `tokensAhead`. */
  readonly foresee: (now: number, tokens: number, ahead: number, tokensAhead: number) => number
  /** When the minute lets one start that leaves so many requests and tokens of it to others. */
  readonly sparing: RateBudget["sparing"]
  /** When the background has given back a permit that `ahead` others of it, which wait, do not take. */
  readonly backgroundFreeAt: (now: number, ahead: number) => number
  /** Books an attempt that starts now. */
  readonly charge: (now: number, tokens: number) => Charge | undefined
  readonly begin: (
    startedAt: number,
    waitedMillis: number,
    charged: Charge | undefined,
    isBackground: boolean
  ) => Permit
  readonly end: (permit: Permit, now: number, exit: Exit.Exit<unknown, unknown>) => void
  readonly learn: (permit: Permit, feedback: AttemptFeedback, now: number) => Effect.Effect<void>
  readonly coolDown: (now: number, until: number) => Effect.Effect<void>
  readonly status: () => Status
}

interface Status {
  readonly running: number
  readonly limit: number
  readonly coolingUntil: number
  /** How long an attempt usually takes to its answer, or its first piece, in milliseconds; 0 before the first. */
  readonly typicalMillis: number
}

export const makeGate = (key: string, options: RateLimiterOptions, budget: RateBudget): Gate => {
  const maximum = Math.max(1, options.concurrency ?? 8)
  const staggerMillis = Duration.toMillis(options.stagger ?? "50 millis")
  const limitNow = Metric.withAttributes(limitGauge, { provider: key })
  const permits = Semaphore.makeUnsafe(maximum)
  let limit = ConcurrencyLimit.initial(maximum)
  let cooldown = Cooldown.none
  let allowance = Allowance.unknown
  /** In the order of their start. */
  const running = new Set<Permit>()
  const background = new Set<Permit>()
  let starts = 0
  /** To the answer, and to the permit's return: a stream holds it for much longer. */
  let typicalMillis = 0
  let heldMillis = 0
  /** Of streams, what their attempts have reported. */
  const answered = new WeakMap<Permit, number>()

  const pause = (now: number, until: number): void => {
    const count = ConcurrencyLimit.current(limit)
    cooldown = Cooldown.begin(cooldown, now, until, { count, millis: staggerMillis })
  }

  /** When one of these gives back a permit that `ahead` others do not take: in the order in which they were given. */
  const freeAt = (holders: ReadonlySet<Permit>, now: number, ahead: number, most: number): number => {
    const useful = Math.min(holders.size, most)
    if (useful === 0) return now
    let skip = holders.size - useful + ahead % useful
    for (const { startedAt } of holders) {
      if (skip-- === 0) return Math.max(now, startedAt + heldMillis) + heldMillis * Math.floor(ahead / useful)
    }
    return now
  }

  return {
    take: permits.takeIfAvailable(1),
    free: permits.release(1),
    earliest: (now, tokens) => {
      const cooled = budget.coolingUntil()
      if (cooled > cooldown.until) pause(now, cooled)
      return Math.max(
        Cooldown.earliest(cooldown, now),
        Allowance.earliest(allowance, now, tokens),
        budget.earliest(now, tokens)
      )
    },
    foresee: (now, tokens, ahead, tokensAhead) => {
      const most = ConcurrencyLimit.current(limit)
      return Math.max(
        running.size < most && ahead === 0 ? now : freeAt(running, now, ahead, most),
        Cooldown.earliest(cooldown, now, ahead),
        Allowance.earliest(allowance, now, tokens),
        budget.estimate(now, tokens, ahead, tokensAhead)
      )
    },
    sparing: budget.sparing,
    backgroundFreeAt: (now, ahead) => freeAt(background, now, ahead, background.size),
    charge: (now, tokens) => {
      cooldown = Cooldown.started(cooldown, now)
      allowance = Allowance.started(allowance, now, tokens)
      return budget.charge(now, tokens)
    },
    begin: (startedAt, waitedMillis, charge, isBackground) => {
      const permit = { waitedMillis, startedAt, place: starts++, charge }
      running.add(permit)
      if (isBackground) background.add(permit)
      return permit
    },
    end: (permit, now, exit) => {
      running.delete(permit)
      if (background.size > 0) background.delete(permit)
      const held = now - permit.startedAt
      // One that failed early or was interrupted says nothing of how long one takes.
      if (!Exit.isSuccess(exit) && (held <= heldMillis || Exit.hasInterrupts(exit))) return
      heldMillis = smoothed(heldMillis, held)
      typicalMillis = smoothed(typicalMillis, answered.get(permit) ?? held)
    },
    learn: (permit, { answeredMillis, congested, limits, sent, usedTokens }, now) => {
      const { charge, place, startedAt } = permit
      if (answeredMillis !== undefined) answered.set(permit, answeredMillis)
      if (sent === false) {
        if (charge !== undefined) budget.cancel(charge)
        return Effect.void
      }
      if (charge !== undefined && usedTokens !== undefined) budget.settle(charge, usedTokens)
      if (limits !== undefined) allowance = Allowance.learn(allowance, limits, place, now)
      if (!congested) cooldown = Cooldown.calmed(cooldown, startedAt)
      const before = ConcurrencyLimit.current(limit)
      limit = ConcurrencyLimit.learn(limit, maximum, { congested, now, startedAt, typicalMillis })
      const after = ConcurrencyLimit.current(limit)
      return after === before ? Effect.void : Effect.andThen(permits.resize(after), Metric.update(limitNow, after))
    },
    coolDown: (now, until) => {
      pause(now, until)
      return budget.coolDown(until)
    },
    status: () => ({
      running: running.size,
      limit: ConcurrencyLimit.current(limit),
      coolingUntil: cooldown.until,
      typicalMillis
    })
  }
}

const smoothed = (before: number, now: number): number => before === 0 ? now : before * 0.8 + now * 0.2
