/**
 * The same job on Effect, without the ladder: `router` or `api` for the server, then `lean` (ours) or `undici` (Effect's
 * own) for the client, as in `node bench/servers/effect.ts api lean`.
 */
import { NodeHttpClient, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, References } from "effect"
import { HttpBody, HttpClient, HttpClientRequest, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { createServer } from "node:http"
import * as UndiciHttpClient from "../../src/layers/UndiciHttpClient.ts"
import { providerUrl, report } from "../support/child.ts"
import { Answer, answerOf, completionRequest, Wish } from "../support/job.ts"

const [, , serverKind = "router", clientKind = "lean"] = process.argv

const request = HttpClientRequest.post(providerUrl)

const complete = (http: HttpClient.HttpClient, wish: typeof Wish.Type) =>
  http.execute(
    HttpClientRequest.setBody(request, HttpBody.jsonUnsafe(completionRequest(wish.prompt, wish.max_tokens)))
  ).pipe(
    Effect.flatMap((response) => response.text),
    Effect.map(answerOf)
  )

const Router = HttpRouter.use((router) =>
  Effect.gen(function*() {
    const http = yield* HttpClient.HttpClient
    const decode = HttpServerRequest.schemaBodyJson(Wish)
    yield* router.add(
      "POST",
      "/generate",
      decode.pipe(
        Effect.flatMap((wish) => complete(http, wish)),
        Effect.map((answer) => HttpServerResponse.jsonUnsafe(answer))
      )
    )
  })
)

class Api extends HttpApi.make("bench").add(
  HttpApiGroup.make("bench").add(HttpApiEndpoint.post("generate", "/generate", { payload: Wish, success: Answer }))
) {}

const Handlers = HttpApiBuilder.group(
  Api,
  "bench",
  Effect.fnUntraced(function*(handlers) {
    const http = yield* HttpClient.HttpClient
    return handlers.handleAll({ generate: ({ payload }) => Effect.orDie(complete(http, payload)) })
  })
)

const quiet = { disableLogger: true, disableListenLog: true }
const Server = serverKind === "api"
  ? HttpRouter.serve(HttpApiBuilder.layer(Api).pipe(Layer.provide(Handlers)), quiet)
  : HttpRouter.serve(Router, quiet)
const Client = clientKind === "lean" ? UndiciHttpClient.layer({ connections: 64 }) : NodeHttpClient.layerUndici

const node = createServer()
node.on("listening", () => report(node.address()))

Server.pipe(
  Layer.provide(Client),
  Layer.provide(NodeHttpServer.layer(() => node, { port: 0, host: "127.0.0.1" })),
  Layer.provide(Layer.succeed(References.TracerEnabled, false)),
  Layer.launch,
  NodeRuntime.runMain
)
