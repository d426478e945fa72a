import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { freshDatabase, layerServer, urlOf, withoutServer } from "../support/databases.ts"

interface Start {
  readonly at: number
  readonly tokens: number
}

/** The starts of one process that makes as many attempts as it may. */
const runProcess = (url: string, order: object): Effect.Effect<ReadonlyArray<Start>> =>
  Effect.callback((resume) => {
    const script = fileURLToPath(new URL("../support/limiterProcess.ts", import.meta.url))
    const child = execFile(process.execPath, [script, url, JSON.stringify(order)], (error, stdout) => {
      if (error !== null) return resume(Effect.die(error))
      const lines = stdout.split("\n").filter((line) => line !== "")
      resume(Effect.succeed(lines.map((line) => {
        const [at = Number.NaN, tokens = Number.NaN] = line.split(" ").map(Number)
        return { at, tokens }
      })))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const twoProcesses = Effect.fnUntraced(function*(order: object) {
  const url = urlOf(yield* freshDatabase)
  // The tables are there before both come.
  yield* Effect.scoped(Effect.provide(Effect.void, layerServer(url)))
  const both = yield* Effect.all([runProcess(url, order), runProcess(url, order)], { concurrency: 2 })
  return both.map((starts) => [...starts].sort((a, b) => a.at - b.at))
})

describe.skipIf(withoutServer)("with TEST_DATABASE_URL, two processes on one database", () => {
  it.live("34. together never start more than 60 attempts in 60 seconds", () =>
    Effect.gen(function*() {
      const both = yield* twoProcesses({ seconds: 6, callers: 20, tokens: 0, usedTokens: 0, requestsPerMinute: 60 })
      assert.strictEqual(both.flat().length, 60)
    }), 60_000)

  it.live(
    "34. together never use more tokens than allowed, and what they did not use comes back",
    () =>
      Effect.gen(function*() {
        const order = { seconds: 8, callers: 4, tokens: 100, usedTokens: 40, tokensPerMinute: 2_000 }
        const all = (yield* twoProcesses(order)).flat()
        const used = all.reduce((sum, { tokens }) => sum + tokens, 0)
        assert.isAtMost(used, 2_000)
        assert.isAtLeast(used, 1_800)
      }),
    60_000
  )
})
