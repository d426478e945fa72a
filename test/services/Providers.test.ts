import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { AiClient } from "../../src/services/AiClient.ts"
import { Providers } from "../../src/services/Providers.ts"

it.effect("clients that are layers become providers in the order in which they are given", () =>
  Effect.gen(function*() {
    const { inOrder } = yield* Providers
    assert.deepStrictEqual(inOrder.map(({ client }) => client.provider), ["first", "simulated"])
  }).pipe(
    Effect.provide(Layer.provide(
      Providers.layerClients(
        AiClient.layerOpenAi({ provider: "first", baseUrl: "http://127.0.0.1:9/v1", model: "m" }),
        AiClient.layerSimulated()
      ),
      FetchHttpClient.layer
    ))
  ))
