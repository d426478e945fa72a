/** A program of somebody who runs the whole service inside their own process. */
import { Effect, Layer, Option } from "effect"
import { AppConfig, Database, ladder, ProviderConfig, server, worker } from "understudy/layers"

export const serve = Effect.flatMap(AppConfig.load, (config) => Layer.launch(server(config)))
export const work = (config: AppConfig.AppConfig) => worker(config)

export const rungs = Effect.gen(function*() {
  const config = yield* AppConfig.load
  return ladder(config, yield* ProviderConfig.load(config))
})

export const database = Database.layer({ url: Option.none(), dataDir: "memory:" })

export const opened = Effect.runPromise(
  Effect.scoped(Layer.build(database)).pipe(
    Effect.as("opened"),
    Effect.catch((error) => Effect.succeed(`${error._tag}: ${error.message}`))
  )
)
