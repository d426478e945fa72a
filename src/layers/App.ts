/** The whole service, wired from its configuration. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Deferred, Duration, Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import { LongestWait } from "../http/handlers/answers/background.ts"
import { KeepAlive } from "../http/handlers/answers/eventStream.ts"
import { Stopping } from "../http/handlers/answers/stopping.ts"
import { Routes } from "../http/handlers/Routes.ts"
import * as ApiKeysLayer from "./ApiKeysLayer.ts"
import type { AppConfig } from "./AppConfig.ts"
import { exposure } from "./Exposure.ts"
import { workers } from "./JobLayers.ts"
import * as KeyConfig from "./KeyConfig.ts"
import type { KeyConfigs } from "./KeyConfig.ts"
import { ladder, standsOn } from "./Ladder.ts"
import * as NodeBody from "./NodeBody.ts"
import * as ProviderConfig from "./ProviderConfig.ts"
import type { ProviderConfigs } from "./ProviderConfig.ts"
import { telemetry } from "./Telemetry.ts"

/** The whole service: listens once everything behind it is ready. */
export const server = (config: AppConfig) =>
  Layer.unwrap(
    Effect.zipWith(
      ProviderConfig.load(config),
      KeyConfig.load(config),
      (providers, keys) => serve(config, providers, keys)
    )
  ).pipe(
    Layer.provide(NodeServices.layer),
    Layer.provide(telemetry(config))
  )

const serve = (config: AppConfig, providers: ProviderConfigs, keys: KeyConfigs) => {
  const stopping = Deferred.makeUnsafe<void>()
  return Layer.mergeAll(started(config, providers, keys), workers(config), whenStopping(stopping)).pipe(
    Layer.provide(HttpRouter.serve(Routes, {
      disableLogger: true,
      disableListenLog: true,
      // The contract bounds its parameters itself, and says so; longer than this no request's head can be.
      routerConfig: { maxParamLength: 16_384 }
    })),
    Layer.provide(NodeBody.layer),
    Layer.provide(Layer.succeed(KeepAlive, config.keepAlive)),
    // A connection that is silent for longer than the server's own timeout below would be closed.
    Layer.provide(Layer.succeed(LongestWait, config.totalTimeout)),
    Layer.provide(Layer.succeed(Stopping, Deferred.await(stopping))),
    Layer.provide(httpServer(config)),
    Layer.provide(ApiKeysLayer.layer(keys)),
    Layer.provide(ladder(config, providers))
  )
}

/** Built on top of the server, and so undone before the server waits for its last connections. */
const whenStopping = (stopping: Deferred.Deferred<void>) =>
  Layer.effectDiscard(Effect.acquireRelease(Effect.void, () => Deferred.succeed(stopping, undefined)))

/**
 * After SIGTERM every running call may go on to the end of its own total deadline, so that each of them gets its answer
 * or its fallback.
 */
const httpServer = ({ host, port, stallTimeout, totalTimeout }: AppConfig) =>
  NodeHttpServer.layer(() => {
    const server = createServer()
    // A connection that takes nothing for so long keeps what waits for it no longer. While an answer is being made
    // there is nothing to take, so this must be longer than that.
    server.setTimeout(Duration.toMillis(Duration.sum(totalTimeout, stallTimeout)))
    return server
  }, {
    host,
    port,
    gracefulShutdownTimeout: Duration.sum(totalTimeout, Duration.seconds(1))
  })

/** Says where it listens and what it stands on, so that nobody takes a simulation for the real thing. */
const started = (config: AppConfig, providers: ProviderConfigs, keys: KeyConfigs) =>
  Layer.effectDiscard(Effect.gen(function*() {
    yield* HttpServer.addressFormattedWith((address) => Effect.logInfo(`Understudy listens on ${address}`))
    yield* standsOn(config, providers)
    if (keys.users === undefined) {
      const warning = exposure((yield* HttpServer.HttpServer).address)
      if (warning !== undefined) yield* Effect.logWarning(warning)
    }
  }))
