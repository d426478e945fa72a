/** A folder in which the documents' commands run as they do in the repository, and what they write stays outside of it. */
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "./documents.ts"
import type { Environment } from "./service.ts"

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const links = ["package.json", "src", "node_modules", "templates", "examples", "scripts", "tsconfig.json"]

const template =
  "---\ncontent_type: press_release\nlocale: en\ntitle: \"News: {{subject}}\"\n---\n# {{title}}\n\n> {{prompt}}\n"

/** With the files that the commands name. */
export const documentFolder = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "understudy-docs-"))
    const write = (name: string, text: string) => {
      mkdirSync(join(folder, name, ".."), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    for (const name of links) symlinkSync(join(root, name), join(folder, name))
    copyFileSync(join(root, "test/fixtures/held-out-pairs.jsonl"), join(folder, "pairs.jsonl"))
    write(
      "drafts.jsonl",
      "{\"prompt\":\"Write about our bread\",\"text\":\"Our bread is baked every morning at four.\"}\n"
    )
    write("press-release.md", template)
    write("house-style/recipe.md", template.replace("press_release", "recipe"))
    write("my-templates/newsletter.md", template.replace("press_release", "newsletter"))
    write("bin/understudy", `#!/bin/sh\nexec node "${root}src/main.ts" "$@"\n`)
    chmodSync(join(folder, "bin/understudy"), 0o755)
    return { folder, write, read: (name: string) => readFileSync(join(folder, name), "utf8") }
  }),
  ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
)

/** Sees nothing of our own environment but the path, and the newer Node first. */
const spawnBash = (folder: string, script: string, env: Environment): ChildProcess =>
  spawn("bash", ["-euo", "pipefail", "-c", script], {
    cwd: folder,
    env: {
      HOME: folder,
      npm_config_update_notifier: "false",
      ...env,
      PATH: `${join(folder, "bin")}:${join(root, "node_modules/.bin")}:${process.env["PATH"]}`
    },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: npm has children that outlive it.
    detached: true
  })

const endGroup = (child: ChildProcess, signal: NodeJS.Signals) =>
  Effect.sync(() => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // It has ended already.
    }
  })

/** Runs a script to its end. */
export const runBash = (folder: string, script: string, env: Environment = {}) =>
  Effect.callback<Ran>((resume) => {
    const child = spawnBash(folder, script, env)
    let stdout = ""
    let stderr = ""
    child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")))
    child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")))
    child.on("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
    return endGroup(child, "SIGKILL")
  })

/** Starts a service, and gives its address once it listens; it is stopped with the scope, and waited for. */
export const startBash = (folder: string, command: string, env: Environment = {}) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const child = spawnBash(folder, command, { PORT: "0", ...env })
        const closed = new Promise<void>((resolve) => child.on("close", () => resolve()))
        return { child, closed }
      }),
      ({ child, closed }) =>
        endGroup(child, "SIGTERM").pipe(
          Effect.andThen(Effect.timeoutOption(Effect.promise(() => closed), "10 seconds")),
          Effect.andThen(endGroup(child, "SIGKILL"))
        )
    ),
    ({ child }) => child
  ).pipe(Effect.flatMap((child) =>
    Effect.callback<string>((resume) => {
      let output = ""
      const take = (chunk: Buffer) => {
        output += chunk.toString("utf8")
        const address = /Understudy listens on http:\/\/([\w.:]+)/.exec(output)?.[1]
        if (address !== undefined) resume(Effect.succeed(address))
      }
      child.stdout?.on("data", take)
      child.stderr?.on("data", take)
      child.on("close", () => resume(Effect.die(new Error(`${command} did not start:\n${output}`))))
    })
  ))
