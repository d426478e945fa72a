/** What the process runs, to an end that is graceful on SIGTERM or SIGINT. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Exit, Runtime } from "effect"

/** Whoever asks a service to stop, and sees it stopped, has seen no failure. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)

const options = { disableErrorReporting: true, teardown }

/** Loads no more than is needed: the service no command line, the command line no service. */
export const run = async (args: ReadonlyArray<string>): Promise<void> => {
  if (args.length === 0) {
    const { serve } = await import("../cli/serve.ts")
    return NodeRuntime.runMain(serve, options)
  }
  const { understudy } = await import("./CommandLine.ts")
  // Flags alone are the service's; a command that was interrupted has not done what it was asked to.
  const isService = args[0] === "serve" || args[0] === "work" || args[0]?.startsWith("-") === true
  NodeRuntime.runMain(understudy(args), isService ? options : { disableErrorReporting: true })
}
