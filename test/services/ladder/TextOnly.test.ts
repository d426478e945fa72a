/** Providers that take text only, and requests for more: whom they are put to, and what nobody is blamed for. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { AiUnavailable } from "../../../src/domain/errors.ts"
import type { GenerationRequest } from "../../../src/domain/Generation.ts"
import { inOnePiece } from "../../../src/services/ai/inOnePiece.ts"
import { CircuitBreaker } from "../../../src/services/CircuitBreaker.ts"
import { FallbackCache } from "../../../src/services/FallbackCache.ts"
import { Generator } from "../../../src/services/Generator.ts"
import { type Provider, Providers } from "../../../src/services/Providers.ts"
import { RateLimiter } from "../../../src/services/RateLimiter.ts"
import { Templates } from "../../../src/services/Templates.ts"
import { answers, finds, request } from "../../support/scripted.ts"

const withTools: Partial<GenerationRequest> = {
  isExactOnly: true,
  chat: { body: { tools: [{ type: "function" }] }, transcript: "tea", isTextOnly: false }
}

const down = () => Effect.fail(new AiUnavailable({ provider: "full", status: 503, detail: "503" }))

const providerOf = (name: string, takesTextOnly: boolean, generate = answers) => {
  let calls = 0
  const counted: typeof answers = (asked) =>
    Effect.suspend(() => {
      calls++
      return generate(asked)
    })
  const provider: Provider = {
    client: { provider: name, takesTextOnly, generate: counted, stream: inOnePiece(counted) }
  }
  return { provider, calls: () => calls }
}

const ladder = (inOrder: readonly [Provider, ...ReadonlyArray<Provider>], find = finds()) =>
  Generator.layer({ maxAttempts: 1 }).pipe(
    Layer.provideMerge(Layer.mergeAll(
      Providers.layerList(inOrder),
      Layer.mock(FallbackCache, { find, remember: () => Effect.void }),
      Layer.mock(Templates, { render: () => Effect.succeedNone }),
      CircuitBreaker.layerMemory({ failures: 1 }),
      RateLimiter.layer()
    ))
  )

const generate = Generator.use((generator) => generator.generate(request("tea", withTools)))
const circuits = CircuitBreaker.use((breaker) => breaker.statuses)

describe("a request for more than text", () => {
  it.effect("goes past providers that take text only to the one that can", () => {
    const [plain, full] = [providerOf("plain", true), providerOf("full", false)]
    return Effect.gen(function*() {
      assert.deepInclude(yield* generate, { source: "live", provider: "full" })
      assert.deepStrictEqual([plain.calls(), full.calls()], [0, 1])
    }).pipe(Effect.provide(ladder([plain.provider, full.provider])))
  })

  it.effect("falls back when the one that can is down, whatever the others could not do", () => {
    const [full, plain] = [providerOf("full", false, down), providerOf("plain", true)]
    return Effect.gen(function*() {
      assert.deepInclude(yield* generate, { source: "cache", reason: "unavailable" })
      assert.deepStrictEqual([full.calls(), plain.calls()], [1, 0])
    }).pipe(Effect.provide(ladder([full.provider, plain.provider])))
  })

  it.effect("is refused when no provider can, and says nothing of any of them", () => {
    const plain = providerOf("plain", true)
    return Effect.gen(function*() {
      const error = yield* Effect.flip(generate)
      assert.deepInclude(error, { _tag: "AiRejected", status: 400 })
      assert.match(error.message, /text only/)
      assert.deepStrictEqual([plain.calls(), yield* circuits], [0, []])
    }).pipe(Effect.provide(ladder([plain.provider])))
  })
})
