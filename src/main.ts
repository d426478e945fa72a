/** The process: reads the configuration, serves until SIGTERM or SIGINT, and stops gracefully. */
import { NodeRuntime } from "@effect/platform-node"
import { Cause, Console, Effect, Exit, Layer, Option, Runtime } from "effect"
import { HttpServerError } from "effect/http"
import { server } from "./layers/App.ts"
import { load } from "./layers/AppConfig.ts"

const program = Effect.flatMap(load, (config) => Layer.launch(server(config)))

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

/** Whoever asks a service to stop, and sees it stopped, has seen no failure. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)

NodeRuntime.runMain(Effect.tapCause(program, report), { disableErrorReporting: true, teardown })
