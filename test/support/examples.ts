/** The programs of `examples`, as their readers run them: processes of their own, with nothing of our environment. */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

export interface ExampleRun {
  readonly code: number
  /** Both outputs. */
  readonly output: string
}

/** `node examples/NAME`, to its end. */
export const runExample = (name: string, env: Readonly<Record<string, string>> = {}): Effect.Effect<ExampleRun> =>
  Effect.callback((resume) => {
    const options = { cwd: root, env: { PATH: process.env["PATH"], NO_COLOR: "1", ...env } }
    const child = execFile(process.execPath, [`examples/${name}`], options, (_, stdout, stderr) => {
      resume(Effect.succeed({ code: child.exitCode ?? -1, output: stdout + stderr }))
    })
    return Effect.sync(() => child.kill())
  })
