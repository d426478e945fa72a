/** The sender of callbacks, as it is configured. */
import * as NodeDns from "@effect/platform-node/NodeDns"
import { Effect, Layer, Redacted } from "effect"
import { Dns } from "effect/net"
import { exceptionsOf, noExceptions } from "../domain/callbacks/CallbackExceptions.ts"
import { Namespace } from "../domain/Generation.ts"
import { CallbackSender } from "../services/CallbackSender.ts"
import type { AppConfig } from "./AppConfig.ts"
import * as CallbackHttpLayer from "./CallbackHttpLayer.ts"

/** Needs nothing, and opens no connection before something is sent. */
export const sender = (
  { webhookAllow, webhookSecrets, webhookTimeout }: Pick<
    AppConfig,
    "webhookAllow" | "webhookSecrets" | "webhookTimeout"
  >
): Layer.Layer<CallbackSender> => {
  const exceptions = (webhookAllow === undefined ? undefined : exceptionsOf(webhookAllow)) ?? noExceptions
  return CallbackSender.layer({ secrets: secretsIn(webhookSecrets), exceptions, timeout: webhookTimeout }).pipe(
    Layer.provide(CallbackHttpLayer.layer(exceptions)),
    // Within the time that a connection has.
    Layer.provide(Layer.effect(Dns.Dns, Effect.orDie(NodeDns.make({ timeout: "1500 millis", tries: 2 }))))
  )
}

/** `namespace:secret,…`; a namespace that stands there several times has several. */
export const secretsIn = (list: Redacted.Redacted | undefined): Map<Namespace, Array<Redacted.Redacted>> => {
  const secrets = new Map<Namespace, Array<Redacted.Redacted>>()
  if (list === undefined) return secrets
  for (const entry of Redacted.value(list).split(",").map((entry) => entry.trim())) {
    const colon = entry.indexOf(":")
    const namespace = Namespace.make(entry.slice(0, colon))
    secrets.set(namespace, [...secrets.get(namespace) ?? [], Redacted.make(entry.slice(colon + 1))])
  }
  return secrets
}
