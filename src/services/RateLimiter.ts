/** Keeps our own calls within what a provider allows, and refuses early what could not be served in time. */
import { Clock, Context, Duration, Effect, Layer, type Scope } from "effect"
import type { SqlClient } from "effect/sql"
import type { LimitExceeded } from "../domain/errors.ts"
import { defaultNamespace, type Namespace } from "../domain/Generation.ts"
import { memoryBudget, type RateBudget } from "./limiter/RateBudget.ts"
import { makeSharedBudgets, type SharedBudgetOptions } from "./limiter/RateBudgetPostgres.ts"
import type { Priority, RateLimiterConfig, RateLimiterOptions, RateLimiterService } from "./limiter/RateLimiterApi.ts"
import { type Lane, makeLane } from "./limiter/RateLimiterLane.ts"

export type { SharedBudgetOptions } from "./limiter/RateBudgetPostgres.ts"
export type {
  AttemptFeedback,
  LimiterLoad,
  Permit,
  PermitRequest,
  RateLimiterConfig,
  RateLimiterOptions,
  RateLimiterService
} from "./limiter/RateLimiterApi.ts"

/** How one effect waits for its turn. */
export interface LimitOptions {
  /** Refused at once when its turn would come later than this. Default 30 seconds. */
  readonly maxWait?: Duration.Input | undefined
  /** Whoever shares a key takes turns by this. Default: all are one. */
  readonly namespace?: Namespace | undefined
  /** What it takes of `tokensPerMinute`. Default none. */
  readonly tokens?: number | undefined
  /** Default `interactive`. */
  readonly priority?: Priority | undefined
}

/**
 * A turn for each attempt: concurrency, a bounded room, requests and tokens per minute, a pause after a 429. Works
 * around any effect.
 */
export class RateLimiter extends Context.Service<RateLimiter, RateLimiterService>()("understudy/services/RateLimiter") {
  /** The limits of one process. */
  static readonly layer = (config: RateLimiterConfig = {}): Layer.Layer<RateLimiter> =>
    Layer.effect(RateLimiter, Effect.map(Effect.scope, (scope) => make(config, scope, (_, own) => memoryBudget(own))))

  /** The limits per minute are shared by all processes on one database; how many run and wait stays each one's own. */
  static readonly layerPostgres = (
    config: RateLimiterConfig = {},
    shared: SharedBudgetOptions = {}
  ): Layer.Layer<RateLimiter, never, SqlClient.SqlClient> =>
    Layer.effect(
      RateLimiter,
      Effect.gen(function*() {
        const scope = yield* Effect.scope
        return make(config, scope, yield* makeSharedBudgets(shared))
      })
    )

  /**
   * Runs any effect within the limits of `key`: at once, or when its turn has come, or not at all. The permit comes back
   * on every exit. After a refusal of the other side say so with `coolDown`, and nobody runs into it again.
   */
  static readonly limit =
    (key: string, options: LimitOptions = {}) =>
    <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | LimitExceeded, R | RateLimiter> => {
      const { maxWait = "30 seconds", namespace = defaultNamespace, priority, tokens = 0 } = options
      const maxMillis = Duration.toMillis(maxWait)
      return RateLimiter.use((limiter) =>
        Clock.clockWith((clock) => {
          const deadline = clock.currentTimeMillisUnsafe() + maxMillis
          return limiter.withPermit({ key, namespace, deadline, minAttemptMillis: 0, tokens, priority }, () => self)
        })
      )
    }

  static readonly layerUnlimited: Layer.Layer<RateLimiter> = Layer.succeed(RateLimiter, {
    withPermit: (_request, attempt) =>
      Clock.clockWith((clock) => attempt({ waitedMillis: 0, startedAt: clock.currentTimeMillisUnsafe(), place: 0 })),
    report: () => Effect.void,
    coolDown: () => Effect.void,
    load: () =>
      Effect.succeed({
        running: 0,
        waiting: 0,
        backgroundWaiting: 0,
        limit: Number.POSITIVE_INFINITY,
        coolingMillis: 0
      })
  })
}

const make = (
  config: RateLimiterConfig,
  scope: Scope.Scope,
  budgetOf: (key: string, options: RateLimiterOptions) => RateBudget
): RateLimiterService => {
  const lanes = new Map<string, Lane>()
  const laneOf = (key: string): Lane => {
    let lane = lanes.get(key)
    if (lane === undefined) {
      const options = typeof config === "function" ? config(key) : config
      lane = makeLane(key, options, budgetOf(key, options), scope)
      lanes.set(key, lane)
    }
    return lane
  }
  return {
    withPermit: (request, attempt) => laneOf(request.key).withPermit(request, attempt),
    report: (key, permit, feedback) => Effect.suspend(() => laneOf(key).report(permit, feedback)),
    coolDown: (key, retryAfter) => Effect.suspend(() => laneOf(key).coolDown(retryAfter)),
    load: (key) => Effect.suspend(() => laneOf(key).load)
  }
}
