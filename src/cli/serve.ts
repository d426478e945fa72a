/** `understudy serve`: reads the configuration, and serves until the process is asked to stop. */
import { Cause, Console, Effect, Layer, Option } from "effect"
import { HttpServerError } from "effect/http"
import { server } from "../layers/App.ts"
import { load } from "../layers/AppConfig.ts"

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

export const serve = Effect.flatMap(load, (config) => Layer.launch(server(config))).pipe(Effect.tapCause(report))
