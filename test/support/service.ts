/** The whole service in this process, through its real wiring, on a port of its own, with a fault server as provider. */
import { ConfigProvider, Context, Effect, Layer, Logger, type Scope } from "effect"
import { server } from "../../src/layers/App.ts"
import { load } from "../../src/layers/AppConfig.ts"
import { freshDatabase, urlOf, withoutServer } from "./databases.ts"
import { FaultServer } from "./FaultServer.ts"

export type Environment = Readonly<Record<string, string>>

export interface Running {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** Everything logged so far, a line each, levels and causes included. */
  readonly logs: () => ReadonlyArray<string>
}

/** Sees these variables and no others. */
const withVariables = (env: Environment) =>
  Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord({ ...env }))

/** A database of its own: on the server of `TEST_DATABASE_URL` where there is one, else embedded and in memory. */
export const ownDatabase: Effect.Effect<Environment, never, Scope.Scope> = withoutServer
  ? Effect.succeed({ DATA_DIR: "memory:" })
  : Effect.map(Effect.orDie(freshDatabase), (name) => ({ DATABASE_URL: urlOf(name) }))

/** Listens when this returns, and stops with the scope. */
export const startService = Effect.fnUntraced(function*(env: Environment) {
  const lines: Array<string> = []
  const collect = Logger.map(Logger.formatLogFmt, (line) => void lines.push(line))
  yield* Effect.flatMap(load, (config) => Layer.build(Layer.provide(server(config), Logger.layer([collect])))).pipe(
    withVariables({ PORT: "0", ...env })
  )
  const url = lines.map((line) => /Understudy listens on (http:\/\/[\w.:]+)/.exec(line)?.[1]).find(Boolean)
  if (url === undefined) return yield* Effect.die(new Error(`no address among: ${lines.join("\n")}`))
  const running: Running = { url, logs: () => lines }
  return running
})

export class Service extends Context.Service<Service, Running>()("understudy/test/Service") {
  /** A service with a database and a provider of its own. */
  static readonly layer = (
    protocol: "openai" | "plain",
    env: Environment = {}
  ): Layer.Layer<Service | FaultServer> => {
    const service = Effect.gen(function*() {
      const provider = yield* FaultServer
      return yield* startService({ ...providerOf(provider, protocol), ...(yield* ownDatabase), ...env })
    })
    return Layer.provideMerge(Layer.effect(Service, Effect.orDie(service)), FaultServer.layer)
  }
}

/** The variables that make a fault server the provider. */
export const providerOf = (provider: FaultServer["Service"], protocol: "openai" | "plain" = "openai"): Environment => ({
  AI_PROTOCOL: protocol,
  AI_BASE_URL: protocol === "openai" ? provider.openAiUrl : provider.plainUrl,
  AI_MODEL: "fault-model",
  AI_API_KEY: "provider-key-0123456789"
})
