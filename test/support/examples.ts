/** The programs of `examples`, as their readers run them: processes of their own, with nothing of our environment. */
import { Effect, type Scope } from "effect"
import { execFile, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
const envOf = (env: Readonly<Record<string, string>>) => ({ PATH: process.env["PATH"], NO_COLOR: "1", ...env })

export interface ExampleRun {
  readonly code: number
  /** Both outputs. */
  readonly output: string
}

/** `node examples/NAME`, to its end. */
export const runExample = (name: string, env: Readonly<Record<string, string>> = {}): Effect.Effect<ExampleRun> =>
  Effect.callback((resume) => {
    const options = { cwd: root, env: envOf(env) }
    const child = execFile(process.execPath, [`examples/${name}`], options, (_, stdout, stderr) => {
      resume(Effect.succeed({ code: child.exitCode ?? -1, output: stdout + stderr }))
    })
    return Effect.sync(() => child.kill())
  })

export interface RunningExample {
  readonly url: string
  /** Sends SIGTERM, and answers the exit code. */
  readonly stop: Effect.Effect<number | null>
  /** Both outputs so far. */
  readonly output: () => string
}

/** `node examples/NAME` on a port of its own; listens when this returns, and is gone with the scope. */
export const startExample = (
  name: string,
  env: Readonly<Record<string, string>> = {}
): Effect.Effect<RunningExample, never, Scope.Scope> =>
  Effect.gen(function*() {
    let output = ""
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [`examples/${name}`], { cwd: root, env: envOf({ PORT: "0", ...env }) })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve))
    const port = yield* Effect.callback<string>((resume) => {
      const look = (data: Buffer) => {
        output += data.toString()
        const port = /listen\w* on \D*[\d.]*?:?(\d+)\s/i.exec(output)?.[1]
        if (port !== undefined) resume(Effect.succeed(port))
      }
      child.stdout.on("data", look)
      child.stderr.on("data", look)
      child.once("exit", (code) => resume(Effect.die(new Error(`it ended with ${code}: ${output}`))))
    })
    return {
      url: `http://127.0.0.1:${port}`,
      stop: Effect.promise(() => (child.kill("SIGTERM"), ended)),
      output: () => output
    }
  })
