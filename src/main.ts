#!/usr/bin/env node
/** The process: the service when nothing else is asked for, and ends gracefully on SIGTERM or SIGINT. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Exit, Runtime } from "effect"

const args = process.argv.slice(2)

/** Whoever asks a service to stop, and sees it stopped, has seen no failure. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)

const options = { disableErrorReporting: true, teardown }

// Each loads no more than it needs: the service no command line, the command line no service.
if (args.length === 0) {
  const { serve } = await import("./cli/serve.ts")
  NodeRuntime.runMain(serve, options)
} else {
  const { understudy } = await import("./layers/CommandLine.ts")
  // Flags alone are the service's; a command that was interrupted has not done what it was asked to.
  const isService = args[0] === "serve" || args[0] === "work" || args[0]?.startsWith("-") === true
  NodeRuntime.runMain(understudy(args), isService ? options : { disableErrorReporting: true })
}
