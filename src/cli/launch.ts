/** Runs what goes on until it is asked to stop. */
import { Cause, Console, Effect, Layer, Option } from "effect"
import { HttpServerError } from "effect/http"
import { type AppConfig, load } from "../layers/AppConfig.ts"

/** Whoever starts the service reads one clear message, not a stack; a bug shows all that is known of it. */
const report = (cause: Cause.Cause<Error>) =>
  Option.match(Cause.findErrorOption(cause), {
    onNone: () => Cause.hasInterruptsOnly(cause) ? Effect.void : Console.error(Cause.pretty(cause)),
    onSome: (error) => Console.error(`understudy cannot start: ${explain(error)}`)
  })

const explain = (error: Error): string =>
  error instanceof HttpServerError.ServeError
    ? `it cannot listen (${String(error.cause)}); end what is listening there, or set HOST and PORT`
    : error.message

/** From the configuration in the environment. */
export const launch = <E extends Error>(process: (config: AppConfig) => Layer.Layer<never, E>) =>
  Effect.flatMap(load, (config) => Layer.launch(process(config))).pipe(Effect.tapCause(report))
