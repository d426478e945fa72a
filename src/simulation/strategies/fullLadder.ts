/** The service as it ships. */
import { Effect, Layer } from "effect"
import { parseTemplate } from "../../domain/templates/Template.ts"
import { Generator } from "../../services/Generator.ts"
import { Providers } from "../../services/Providers.ts"
import { RateLimiter } from "../../services/RateLimiter.ts"
import { Templates } from "../../services/Templates.ts"
import type { Policy } from "../policy/Policy.ts"
import { Strategy, type StrategyEntry } from "./Strategy.ts"

export const fullLadder: StrategyEntry = {
  name: "full-ladder",
  about: "Understudy: deadline, retry budget, breaker, limiter, closest earlier answer, template",
  layer: (policy) => {
    const { limits, retry, timeout } = policy
    return Layer.effect(Strategy, Effect.map(Generator, ({ generate }) => ({ generate }))).pipe(
      Layer.provide(Generator.layer({
        attemptTimeout: timeout.attemptMillis,
        totalTimeout: timeout.totalMillis,
        maxAttempts: retry.attempts,
        retryBaseDelay: retry.baseDelayMillis,
        retryBudget: { ratio: retry.share, floor: retry.floor }
      })),
      Layer.provide([
        Providers.layer,
        RateLimiter.layer({
          concurrency: limits.concurrency,
          queue: limits.queue,
          requestsPerMinute: limits.requestsPerMinute || undefined,
          tokensPerMinute: limits.tokensPerMinute || undefined
        }),
        templates(policy)
      ])
    )
  }
}

const templates = ({ fallback }: Policy): Layer.Layer<Templates> =>
  fallback.templates === 0
    ? Templates.layerNone
    : Layer.unwrap(
      Effect.map(Effect.orDie(Effect.fromResult(parseTemplate("simulated.md", template))), (parsed) =>
        Templates.layerList([parsed]))
    )

const template = `---
title: "{{subject}}"
---
# {{title}}

[What readers should know about it]
`
