/**
 * Who calls, and may it go on: the same for every endpoint, whatever the errors look like there. The middlewares of
 * `authorization.ts` write them as problem details.
 */
import { Clock, Duration, Effect, Metric, Schema, type Scope } from "effect"
import { type Headers, HttpEffect, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { CallerLimits } from "../../domain/limits/CallerLimits.ts"
import { policyField, standingField } from "../../domain/limits/RateLimitFields.ts"
import type { ApiKeys, Caller } from "../../services/ApiKeys.ts"

/** No key, or none that is configured. */
export class KeyUnknown extends Schema.TaggedError<KeyUnknown>()("KeyUnknown", {}) {
  override get message() {
    return "Send Authorization: Bearer KEY with one of the configured API_KEYS"
  }
}

/** The key asks for more than it may. */
export class KeyLimited extends Schema.TaggedError<KeyLimited>()("KeyLimited", {
  limit: Schema.Literals(["minute", "concurrency"]),
  quota: Schema.Int,
  retryAfter: Schema.Duration
}) {
  override get message() {
    return this.limit === "minute"
      ? `At most ${this.quota} requests a minute are allowed per key`
      : `At most ${this.quota} requests at the same time are allowed per key: wait until one of them is answered`
  }
}

/** Whose key came with the request. */
export const callerOf = (keys: ApiKeys["Service"], headers: Headers.Headers): Caller | undefined =>
  keys.anonymous ?? keys.callerOf(bearerOf(headers["authorization"]))

export const bearerOf = (header: string | undefined): string => /^bearer +(\S+)\s*$/i.exec(header ?? "")?.[1] ?? ""

type Admitted = Effect.Effect<
  Caller,
  KeyUnknown | KeyLimited,
  HttpServerRequest.HttpServerRequest | Scope.Scope
>

/**
 * Lets a caller begin to generate. Its place among those in flight is its own until the request's scope closes, which is
 * after the last byte of the answer, or when the client has gone. Whatever the answer will be, a refusal or a failure
 * too, it tells the caller's limits.
 */
export const admit = (keys: ApiKeys["Service"]): Admitted =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }): Admitted => {
    const caller = callerOf(keys, headers)
    if (caller === undefined) return unknown
    return caller.limits === undefined ? Effect.succeed(caller) : Effect.as(enter(caller.limits), caller)
  })

const unknown = Effect.suspend(() => Effect.fail(new KeyUnknown()))

/** Uninterruptible: nothing may come between taking the place and knowing that it has to be given back. */
const enter = Effect.fnUntraced(function*(limits: CallerLimits) {
  const clock = yield* Clock.Clock
  yield* HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.sync(() =>
      HttpServerResponse.setHeaders(response, {
        "ratelimit-policy": policyField(limits.policy),
        ratelimit: standingField(limits, clock.currentTimeMillisUnsafe())
      })
    )
  )
  const refusal = limits.enter(clock.currentTimeMillisUnsafe())
  if (refusal !== undefined) {
    yield* Metric.update(refusals[refusal.limit], 1)
    const { concurrency = 0, requestsPerMinute = 0 } = limits.policy
    return yield* new KeyLimited({
      limit: refusal.limit,
      quota: refusal.limit === "minute" ? requestsPerMinute : concurrency,
      retryAfter: Duration.millis(refusal.waitMillis)
    })
  }
  yield* Effect.addFinalizer(() => Effect.sync(() => limits.leave()))
}, Effect.uninterruptible)

const refused = Metric.counter("understudy_key_refusals_total", {
  description: "Requests refused because their key asked for more than it may, by limit",
  incremental: true
})
const refusals = {
  minute: Metric.withAttributes(refused, { limit: "minute" }),
  concurrency: Metric.withAttributes(refused, { limit: "concurrency" })
}
