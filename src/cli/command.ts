/** What all commands have in common: how they are loaded, how they report, and what wrong usage looks like. */
import { Cause, Console, Effect, Logger, Option, Runtime, Schema } from "effect"
import { CliOutput } from "effect/cli"

/** Loads a command, and runs it. Its results go to stdout, and what goes wrong, in one message, to stderr. */
export const command = <Commands, A, E extends Error, R>(
  load: () => Promise<Commands>,
  run: (commands: Commands) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.promise(load).pipe(
    Effect.flatMap(run),
    Effect.tapCause(report),
    Effect.provide(Logger.layer([toStderr]))
  )

const report = (cause: Cause.Cause<Error>) =>
  Option.match(Cause.findErrorOption(cause), {
    onNone: () => Cause.hasInterruptsOnly(cause) ? Effect.void : Console.error(Cause.pretty(cause)),
    onSome: (error) => Console.error(`understudy: ${error.message}`)
  })

/** stdout is for results. */
const toStderr = Logger.withConsoleError(
  Logger.make(({ logLevel, message }) =>
    `understudy: ${logLevel.toLowerCase()}: ${Array.isArray(message) ? message.map(String).join(" ") : String(message)}`
  )
)

/** Already said. */
export class WrongUsage extends Schema.TaggedError<WrongUsage>()("WrongUsage", {}) {
  override readonly [Runtime.errorExitCode] = 2
}

/** Help is for those who ask for it; who mistypes reads what is wrong, and where the help is. */
export const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
        `understudy: ${event.errors.map(({ message }) => message).join("\n")}\n`
          + `(${event.commandPath.join(" ")} --help says how it is used)`
      )
      : CliOutput.defaultPresenter.present(event)
}
