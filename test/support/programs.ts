/** The programs that docs/openai.md shows, to be run as they stand but for the address. */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
const docs = readFileSync(`${root}/docs/openai.md`, "utf8")

export const shown = [...docs.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = ""]) => text)
export const address = "http://127.0.0.1:3000"

/** What it prints. Sees nothing of our own environment but the path. */
export const run = (program: string) =>
  Effect.callback<string, Error>((resume) => {
    const options = { cwd: root, env: { PATH: process.env["PATH"] } }
    const child = execFile(process.execPath, ["--input-type=module", "--eval", program], options, (error, output) => {
      resume(error === null ? Effect.succeed(output) : Effect.fail(error))
    })
    return Effect.sync(() => child.kill())
  })
