import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { Webhook } from "standardwebhooks"
import { Namespace } from "../../src/domain/Generation.ts"
import * as AppConfig from "../../src/layers/AppConfig.ts"
import * as CallbackLayers from "../../src/layers/CallbackLayers.ts"
import { CallbackSender } from "../../src/services/CallbackSender.ts"
import { answering, receiver, secret } from "../support/receivers.ts"

const alpha = Namespace.make("alpha")
const older = `whsec_${Buffer.alloc(24, 1).toString("base64")}`

const senderOf = (env: Record<string, string>) =>
  AppConfig.load.pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(env)),
    Effect.flatMap((config) => Effect.provide(CallbackSender, CallbackLayers.sender(config)))
  )

describe("the configured sender of callbacks", () => {
  it.effect("has the secrets of each namespace, and allows nothing by itself", () =>
    Effect.gen(function*() {
      const sender = yield* senderOf({ WEBHOOK_SECRETS: `alpha:${secret}` })
      assert.isUndefined(sender.refusalOf(alpha, "https://hooks.example.com/"))
      assert.include(sender.refusalOf(Namespace.make("beta"), "https://hooks.example.com/"), "\"beta\" has no secret")
      assert.include(sender.refusalOf(alpha, "https://127.0.0.1/"), "public address")
      assert.include((yield* senderOf({})).refusalOf(alpha, "https://hooks.example.com/"), "\"alpha\" has no secret")
    }))

  it.live("sends to what is allowed, looked up as the system does, with every secret's signature", () =>
    Effect.gen(function*() {
      const config = yield* AppConfig.load.pipe(Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnvRecord({
          WEBHOOK_SECRETS: `alpha:${secret}, alpha:${older}`,
          WEBHOOK_ALLOW: "localhost"
        })
      ))
      const to = yield* receiver(answering(200))
      yield* Effect.flatMap(
        CallbackSender,
        (sender) => sender.send({ namespace: alpha, url: `http://localhost:${to.port}/`, id: "msg_1", body: "{}" })
      ).pipe(
        Effect.provide(CallbackLayers.sender(config))
      )
      const [delivery] = to.deliveries
      assert.isDefined(delivery)
      for (const known of [secret, older]) new Webhook(known).verify(delivery.body, delivery.headers)
    }).pipe(Effect.scoped, Effect.timeout("10 seconds")))
})
