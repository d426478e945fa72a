/**
 * One instance that makes as many attempts as its shared limits allow: `node limiterProcess.ts <url> <options>`, the
 * options as JSON. Says the moment of every start, in milliseconds since the epoch, and its tokens.
 */
import { Clock, Effect, Layer } from "effect"
import { defaultNamespace } from "../../src/domain/Generation.ts"
import { RateLimiter } from "../../src/services/RateLimiter.ts"
import { layerServer } from "./databases.ts"

interface Order {
  readonly seconds: number
  readonly callers: number
  readonly tokens: number
  /** Reported after each attempt. */
  readonly usedTokens: number
  readonly requestsPerMinute?: number
  readonly tokensPerMinute?: number
}

const [url = "", options = "{}"] = process.argv.slice(2)
const order: Order = JSON.parse(options)

const program = Effect.gen(function*() {
  const limiter = yield* RateLimiter
  const end = (yield* Clock.currentTimeMillis) + order.seconds * 1_000
  const key = "shared"
  const caller = Effect.gen(function*() {
    while ((yield* Clock.currentTimeMillis) < end) {
      const request = { key, namespace: defaultNamespace, deadline: end, minAttemptMillis: 0, tokens: order.tokens }
      yield* limiter.withPermit(request, (permit) =>
        Effect.andThen(
          Effect.sync(() => process.stdout.write(`${permit.startedAt} ${order.usedTokens}\n`)),
          limiter.report(key, permit, { congested: false, usedTokens: order.usedTokens })
        )).pipe(Effect.catch(() => Effect.sleep(20)))
    }
  })
  yield* Effect.all(Array.from({ length: order.callers }, () => caller), { concurrency: "unbounded", discard: true })
})

await Effect.runPromise(Effect.provide(program, Layer.provide(RateLimiter.layerPostgres(order), layerServer(url))))
