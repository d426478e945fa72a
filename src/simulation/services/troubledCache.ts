/** A cache whose database goes away now and then. */
import { Clock, Effect, Layer } from "effect"
import { StoreUnavailable } from "../../domain/errors.ts"
import { FallbackCache } from "../../services/FallbackCache.ts"
import { isWithin } from "../provider/ModelScript.ts"
import type { DatabaseModel } from "../Scenario.ts"

/** As `FallbackCacheOptions.storeTimeout`. */
const storeTimeout = "1 second"

/** What a cache in PostgreSQL does while its server is down: lookups fail at their deadline, and answers are lost. */
export const layerTroubled = (
  { down }: DatabaseModel,
  beginMillis: number
): Layer.Layer<FallbackCache, never, FallbackCache> =>
  Layer.effect(
    FallbackCache,
    Effect.map(FallbackCache, (cache) => {
      const isDown = Effect.map(
        Clock.currentTimeMillis,
        (now) => down.some((window) => isWithin(window, now - beginMillis))
      )
      const lost = new StoreUnavailable({ operation: "FallbackCache.find", cause: "the simulated database is down" })
      return {
        ...cache,
        remember: (answer) => Effect.flatMap(isDown, (isDown) => isDown ? Effect.void : cache.remember(answer)),
        find: (query) =>
          Effect.flatMap(isDown, (isDown) => isDown ? Effect.delay(Effect.fail(lost), storeTimeout) : cache.find(query))
      }
    })
  )
