/** Understudy's own routes in an HTTP server of yours, beside other routes. Run: node examples/http-routes.ts, then curl localhost:3000/hello */
import { NodeHttpServer, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import { ApiKeys, defaultNamespace, Generator } from "understudy"
import { Routes } from "understudy/http"
import { AppConfig, jobWorkers, ladder, ProviderConfig } from "understudy/layers"

/** A route of your own may use every service of the ladder. */
const Hello = HttpRouter.add(
  "GET",
  "/hello",
  Effect.gen(function*() {
    const generator = yield* Generator
    const { source, text } = yield* generator.generate({
      namespace: defaultNamespace,
      prompt: "Say hello to whoever opens this page",
      maxTokens: 60,
      remember: true
    })
    return HttpServerResponse.text(text, { headers: { "understudy-source": source } })
  })
)

/** Configured by the environment, as the service itself is. Nobody needs a key, so nobody else may reach it. */
const Server = Effect.gen(function*() {
  const config = yield* AppConfig.load
  const providers = yield* ProviderConfig.load(config)
  return Layer.mergeAll(HttpRouter.serve(Layer.mergeAll(Routes, Hello)), jobWorkers(config)).pipe(
    Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: config.port })),
    Layer.provide(ApiKeys.layerOpen),
    Layer.provide(ladder(config, providers))
  )
})

Layer.unwrap(Server).pipe(Layer.provide(NodeServices.layer), Layer.launch, NodeRuntime.runMain)
