#!/usr/bin/env node
/** The process: the service when nothing else is asked for. What it needs to run must be there before it is loaded. */
import { driversFor, missingDrivers } from "./cli/drivers.ts"

const args = process.argv.slice(2)
const problem = missingDrivers(driversFor(args, process.env["DATABASE_URL"]), import.meta.resolve)

if (problem === undefined) {
  const { run } = await import("./layers/Process.ts")
  await run(args)
} else {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}
