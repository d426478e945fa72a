import { assert, describe, it, layer, type Vitest } from "@effect/vitest"
import { Clock, Context, Duration, Effect, Layer } from "effect"
import type { SqlClient } from "effect/sql"
import { defaultNamespace } from "../../../src/domain/Generation.ts"
import { type PermitRequest, RateLimiter, type RateLimiterOptions } from "../../../src/services/RateLimiter.ts"
import {
  freshDatabase,
  layerEmbedded,
  layerFreshServer,
  layerServer,
  urlOf,
  withoutServer
} from "../../support/databases.ts"
import { freezableProxy } from "../../support/postgresServers.ts"

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

let keys = 0
const freshKey = () => `provider-${keys++}`

/** An instance of the service, on the database of the test. */
const instance = (options: RateLimiterOptions) =>
  Effect.map(Layer.build(RateLimiter.layerPostgres(options)), (context) => Context.get(context, RateLimiter))

type Limiter = RateLimiter["Service"]

const request = (key: string, patience: number, more: Partial<PermitRequest> = {}) =>
  Effect.map(Clock.currentTimeMillis, (now): PermitRequest => ({
    key,
    namespace: defaultNamespace,
    deadline: now + patience,
    minAttemptMillis: 0,
    tokens: 0,
    ...more
  }))

/** Whether an attempt was let go within this time. */
const tryOnce = Effect.fnUntraced(function*(limiter: Limiter, key: string, patience: number, tokens = 0) {
  const ask = yield* request(key, patience, { tokens })
  return yield* Effect.match(limiter.withPermit(ask, () => Effect.void), {
    onSuccess: () => true,
    onFailure: () => false
  })
})

/** How many of so many attempts, all at once, were let go within this time. */
const letGo = (limiter: Limiter, key: string, count: number, patience: number, tokens = 0) =>
  Effect.map(
    Effect.all(Array.from({ length: count }, () => tryOnce(limiter, key, patience, tokens)), {
      concurrency: "unbounded"
    }),
    (all) => all.filter((isLetGo) => isLetGo).length
  )

const sharedTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  it.effect("34. two instances together never start more per minute than one may, retries included", () =>
    Effect.gen(function*() {
      const key = freshKey()
      const options = { requestsPerMinute: 60, queue: 200 }
      const [one, other] = yield* Effect.all([instance(options), instance(options)])
      const counts = yield* Effect.all([letGo(one, key, 100, 3_000), letGo(other, key, 100, 3_000)], {
        concurrency: 2
      })
      assert.strictEqual(counts[0] + counts[1], 60)
      assert.isFalse(yield* tryOnce(one, key, 500))
    }))

  it.effect("nor take more tokens, and give back what they did not use", () =>
    Effect.gen(function*() {
      const key = freshKey()
      const options = { tokensPerMinute: 1_000 }
      const [one, other] = yield* Effect.all([instance(options), instance(options)])
      assert.strictEqual(yield* letGo(one, key, 20, 1_500, 100), 10)
      assert.strictEqual(yield* letGo(other, key, 1, 300, 100), 0)
      const ask = yield* request(freshKey(), 1_000, { tokens: 900 })
      yield* one.withPermit(ask, (permit) => one.report(ask.key, permit, { congested: false, usedTokens: 100 }))
      // The refund is in the book within a second or two.
      assert.strictEqual(yield* letGo(other, ask.key, 9, 4_000, 100), 9)
    }))

  it.effect("count what an earlier instance has started", () =>
    Effect.gen(function*() {
      const key = freshKey()
      const first = Effect.flatMap(instance({ requestsPerMinute: 5 }), (limiter) => letGo(limiter, key, 3, 1_000))
      assert.strictEqual(yield* Effect.scoped(first), 3)
      const second = yield* instance({ requestsPerMinute: 5 })
      assert.strictEqual(yield* letGo(second, key, 9, 1_500), 2)
    }))

  it.effect("hear of each other's 429", () =>
    Effect.gen(function*() {
      const key = freshKey()
      const [one, other] = yield* Effect.all([instance({ requestsPerMinute: 600 }), instance({})])
      assert.isTrue(yield* tryOnce(other, key, 1_000))
      yield* one.coolDown(key, Duration.seconds(20))
      yield* Effect.sleep("2500 millis")
      assert.isTrue(yield* Effect.map(tryOnce(other, key, 100), (isLetGo) => !isLetGo))
      assert.isAbove((yield* other.load(key)).coolingMillis, 15_000)
    }))
}

layer(layerEmbedded("memory:"), live)("limits shared through PostgreSQL, embedded", sharedTests)

describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
  layer(layerFreshServer, live)("limits shared through PostgreSQL, on a server", sharedTests)

  it.live(
    "an instance goes on with its share while the database does not answer, and shares again",
    () =>
      Effect.gen(function*() {
        const url = new URL(urlOf(yield* freshDatabase))
        const proxy = yield* freezableProxy({ host: url.hostname, port: Number(url.port || 5432) })
        url.host = `127.0.0.1:${proxy.port}`
        yield* Effect.gen(function*() {
          const key = freshKey()
          const options = { requestsPerMinute: 20 }
          const [one, other] = yield* Effect.all([instance(options), instance(options)])
          assert.isTrue(yield* tryOnce(one, key, 1_000))
          assert.isTrue(yield* tryOnce(other, key, 1_000))
          // Both have seen each other by now, and hold no lease any more.
          yield* Effect.sleep("2500 millis")
          yield* proxy.freeze(true)
          const begin = yield* Clock.currentTimeMillis
          const counts = [yield* letGo(one, key, 20, 1_500), yield* letGo(other, key, 20, 1_500)]
          assert.isBelow((yield* Clock.currentTimeMillis) - begin, 4_000)
          assert.isAtLeast(Math.min(...counts), 9)
          assert.isAtMost(counts.reduce((sum, count) => sum + count, 2), 20 + 1)
          yield* proxy.freeze(false)
          yield* Effect.sleep("4 seconds")
          assert.isFalse(yield* tryOnce(one, key, 1_000))
        }).pipe(Effect.scoped, Effect.provide(layerServer(url.href)))
      }),
    60_000
  )
})
