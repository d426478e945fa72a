import { assert, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { layerQuiet } from "../../../src/services/jobs/queueLog.ts"

it.effect("what the queues cry again and again is one line a minute, without a stack", () =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const collected = Logger.layer([Logger.map(Logger.formatLogFmt, (line) => void lines.push(line))])
    const cry = Effect.forEach(
      Array.from({ length: 100 }),
      () => Effect.logWarning("SqlError", new Error("connection refused at /some/path")),
      { discard: true }
    )
    yield* Effect.provide(cry, Layer.provide(layerQuiet, collected))
    assert.lengthOf(lines, 1)
    assert.match(lines[0] ?? "", /the queues of jobs wait for the database/)
    assert.notInclude(lines[0], "/some/path")
  }))
