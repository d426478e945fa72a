/** The programs that docs/openai.md shows, run as they stand but for the address. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { FaultServer } from "../support/FaultServer.ts"
import { Service } from "../support/service.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const shown = [...readFileSync(`${root}/docs/openai.md`, "utf8").matchAll(/^```ts\n(.*?)^```$/gms)].map((
  [, text = ""]
) => text)
const address = "http://127.0.0.1:3000"

/** What it prints. Sees nothing of our own environment but the path. */
const run = (program: string) =>
  Effect.callback<string, Error>((resume) => {
    const options = { cwd: root, env: { PATH: process.env["PATH"] } }
    const child = execFile(process.execPath, ["--input-type=module", "--eval", program], options, (error, output) => {
      resume(error === null ? Effect.succeed(output) : Effect.fail(error))
    })
    return Effect.sync(() => child.kill())
  })

layer(Service.layer("openai"), { excludeTestServices: true, timeout: "60 seconds" })("docs/openai.md", (it) => {
  it.effect("shows programs that print the provider's answer", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const provider = yield* FaultServer
      assert.strictEqual(shown.length, 2)
      for (const program of shown) {
        assert.include(program, address)
        const output = yield* run(program.replaceAll(address, url))
        assert.strictEqual(output.trim(), `Answer to: ${provider.calls().at(-1)?.prompt}`)
      }
      assert.strictEqual(provider.counts().received, shown.length)
    }))
})
