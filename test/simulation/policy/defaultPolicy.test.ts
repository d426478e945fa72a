import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect } from "effect"
import { load } from "../../../src/layers/AppConfig.ts"
import { defaultPolicy } from "../../../src/simulation/policy/defaultPolicy.ts"

describe("the default policy", () => {
  it.effect("is what the service is configured with when nothing is set", () =>
    Effect.gen(function*() {
      const config = yield* Effect.provideService(
        load,
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnvRecord({})
      )
      assert.deepStrictEqual(defaultPolicy, {
        breaker: {
          failures: config.breakerFailures,
          windowMillis: Duration.toMillis(config.breakerWindow),
          cooldownMillis: Duration.toMillis(config.breakerCooldown),
          // The defaults of CircuitBreakerOptions, which nothing configures.
          probes: 1,
          successes: 1
        },
        retry: {
          attempts: config.maxAttempts,
          baseDelayMillis: Duration.toMillis(config.retryBaseDelay),
          share: config.retryShare,
          floor: config.retryFloor
        },
        timeout: {
          attemptMillis: Duration.toMillis(config.attemptTimeout),
          totalMillis: Duration.toMillis(config.totalTimeout)
        },
        limits: {
          concurrency: config.limitConcurrency,
          queue: config.limitQueue,
          requestsPerMinute: config.limitRequestsPerMinute ?? 0,
          tokensPerMinute: config.limitTokensPerMinute ?? 0
        },
        fallback: {
          minSimilarity: config.fallbackMinSimilarity,
          maxAgeMillis: Duration.toMillis(config.fallbackMaxAge),
          maxEntries: config.fallbackMaxEntries,
          templates: config.templatesDir === "none" ? 0 : 1
        }
      })
    }))
})
