/** A process that only works on jobs, beside those that take them in. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Schema } from "effect"
import type { AppConfig } from "./AppConfig.ts"
import { workers } from "./JobLayers.ts"
import { ladder, standsOn } from "./Ladder.ts"
import * as ProviderConfig from "./ProviderConfig.ts"
import { telemetry } from "./Telemetry.ts"

/** There is nothing that it could do. */
export class WorkerIdle extends Schema.TaggedError<WorkerIdle>()("WorkerIdle", { message: Schema.String }) {}

/** Works on jobs and listens nowhere; needs `DATABASE_URL`. */
export const worker = (config: AppConfig) =>
  Layer.unwrap(Effect.gen(function*() {
    if (config.databaseUrl === undefined) {
      return yield* new WorkerIdle({
        message: "set DATABASE_URL to the PostgreSQL server of the service. An embedded database belongs to one "
          + "process: a service that has one works on its jobs itself"
      })
    }
    if (config.jobWorkers === 0) {
      return yield* new WorkerIdle({ message: "JOB_WORKERS is 0, which leaves nothing to do: set it to 1 or more" })
    }
    const providers = yield* ProviderConfig.load(config)
    return started(config, providers).pipe(
      Layer.provideMerge(workers(config)),
      Layer.provide(ladder(config, providers))
    )
  })).pipe(
    Layer.provide(NodeServices.layer),
    Layer.provide(telemetry(config))
  )

const started = (config: AppConfig, providers: ProviderConfig.ProviderConfigs) =>
  Layer.effectDiscard(Effect.andThen(
    Effect.logInfo(`Understudy works on jobs, ${config.jobWorkers} at a time`),
    standsOn(config, providers)
  ))
