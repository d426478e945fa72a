/** The service as a process of its own: `node src/main.ts`, ended with the scope whatever happens. */
import { Effect, Schema } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Environment } from "./service.ts"

export const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

export interface Exited {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export const spawnService = (env: Environment, nodeArguments: ReadonlyArray<string> = [], program = main) =>
  spawnCommand([], env, nodeArguments, program)

/** A command that goes on until it is ended. Sees nothing of our own environment but the path. */
export const spawnCommand = (
  args: ReadonlyArray<string>,
  env: Environment,
  nodeArguments: ReadonlyArray<string> = [],
  program = main
) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [...nodeArguments, program, ...args], {
        env: { PATH: process.env["PATH"], PORT: "0", ...env },
        stdio: ["ignore", "pipe", "pipe", "ipc"]
      })
      let output = ""
      let exit: Exited | undefined
      const watchers = new Set<() => void>()
      const changed = () => watchers.forEach((watch) => watch())
      const take = (chunk: Buffer) => {
        output += chunk.toString("utf8")
        changed()
      }
      child.stdout?.on("data", take)
      child.stderr?.on("data", take)
      child.on("close", (code, signal) => {
        exit = { code, signal }
        changed()
      })
      const watch = <A>(look: () => A | undefined) =>
        Effect.callback<A>((resume) => {
          const check = () => {
            const seen = look()
            if (seen === undefined) return
            watchers.delete(check)
            resume(Effect.succeed(seen))
          }
          watchers.add(check)
          check()
          return Effect.sync(() => watchers.delete(check))
        })
      return { child, output: () => output, watch, exited: watch(() => exit), hasExited: () => exit !== undefined }
    }),
    ({ child, exited }) => Effect.andThen(Effect.sync(() => child.kill("SIGKILL")), exited)
  )

/** Listens when this returns. */
export const startProcess = Effect.fnUntraced(function*(
  env: Environment,
  nodeArguments: ReadonlyArray<string> = [],
  program = main
) {
  const spawned = yield* spawnService(env, nodeArguments, program)
  const url = yield* spawned.watch(() =>
    /Understudy listens on (http:\/\/[\w.:]+)/.exec(spawned.output())?.[1] ?? (spawned.hasExited() ? "" : undefined)
  )
  if (url === "") return yield* Effect.die(new Error(`the service did not start:\n${spawned.output()}`))
  return { ...spawned, url }
})

/** Arguments of Node for a process that tells what it holds. */
export const measuring = ["--expose-gc", "--import", fileURLToPath(new URL("measure.ts", import.meta.url))]

const Held = Schema.Struct({
  heapUsed: Schema.Finite,
  external: Schema.Finite,
  rss: Schema.Finite,
  sockets: Schema.Int
})

/** What such a process holds now. */
export const heldBy = (child: ChildProcess) =>
  Effect.flatMap(
    Effect.callback<unknown>((resume) => {
      child.once("message", (message) => resume(Effect.succeed(message)))
      child.send("measure")
    }),
    Schema.decodeUnknownEffect(Held)
  )

/** A command of the command line, run to its end. */
export const runCommand = (args: ReadonlyArray<string>, env: Environment) =>
  Effect.callback<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>((resume) => {
    const child = spawn(process.execPath, [main, ...args], {
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let [stdout, stderr] = ["", ""]
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")))
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")))
    child.on("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })
