/** The process: reads the configuration, serves until SIGTERM or SIGINT, and stops gracefully. */
import { NodeRuntime } from "@effect/platform-node"
import { Cause, Console, Effect, Layer, Option } from "effect"
import { server } from "./layers/App.ts"
import { load } from "./layers/AppConfig.ts"

const program = Effect.flatMap(load, (config) => Layer.launch(server(config)))

/** Whoever starts the service reads one clear message, not a stack; a bug shows all that is known of it. */
const report = (cause: Cause.Cause<Error>) =>
  Option.match(Cause.findErrorOption(cause), {
    onNone: () => Cause.hasInterruptsOnly(cause) ? Effect.void : Console.error(Cause.pretty(cause)),
    onSome: (error) => Console.error(`understudy cannot start: ${error.message}`)
  })

NodeRuntime.runMain(Effect.tapCause(program, report), { disableErrorReporting: true })
