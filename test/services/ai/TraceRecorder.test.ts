import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger, Metric, Scope } from "effect"
import { TestClock } from "effect/testing"
import { StoreUnavailable } from "../../../src/domain/errors.ts"
import type { TraceLine } from "../../../src/domain/Trace.ts"
import { makeTraceRecorder } from "../../../src/services/ai/TraceRecorder.ts"

const lineOf = (at: number): TraceLine => ({ at, provider: "p", latency_ms: 1, outcome: "answer" })

/** A recorder of a scope of its own, whose appends do this. */
const start = Effect.fnUntraced(function*(append: (lines: string) => Effect.Effect<void, StoreUnavailable>) {
  const scope = yield* Scope.make()
  const logs: Array<string> = []
  const logger = Logger.layer([
    Logger.make(({ logLevel, message }) => void logs.push(`${logLevel} ${String(message)}`))
  ])
  const recorder = yield* makeTraceRecorder(append).pipe(Scope.provide(scope), Effect.provide(logger))
  const record = (from: number, to = from) =>
    Effect.forEach(
      Array.from({ length: to - from + 1 }, (_, n) => lineOf(from + n)),
      recorder.record,
      { discard: true }
    ).pipe(Effect.provide(logger))
  const stop = Effect.provide(Scope.close(scope, Exit.void), logger)
  return { record, stop, logs }
})

const kept = () => {
  const appends: Array<string> = []
  const lines = (): ReadonlyArray<number> =>
    appends.flatMap((text) => text.trimEnd().split("\n").map((line) => Number(JSON.parse(line).at)))
  return { appends, lines, append: (text: string) => Effect.sync(() => void appends.push(text)) }
}

const droppedSoFar = Effect.map(
  Metric.snapshot,
  (metrics) => {
    const found = metrics.find(({ id }) => id === "understudy_trace_dropped_total")
    return found?.type === "Counter" ? Number(found.state.count) : 0
  }
)
const up = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n)

describe("the recorder of a trace", () => {
  it.effect("appends whole lines in batches, in their order", () =>
    Effect.gen(function*() {
      const file = kept()
      const { record, stop } = yield* start(file.append)
      yield* record(1)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(file.appends, [`{"at":1,"provider":"p","latency_ms":1,"outcome":"answer"}\n`])
      yield* record(2, 500)
      yield* TestClock.adjust(249)
      assert.lengthOf(file.appends, 1)
      yield* TestClock.adjust(1)
      assert.lengthOf(file.appends, 2)
      assert.deepStrictEqual(file.lines(), up(1, 500))
      yield* stop
    }))

  it.effect("writes what is left when it stops", () =>
    Effect.gen(function*() {
      const file = kept()
      const { record, stop } = yield* start(file.append)
      yield* record(1)
      yield* TestClock.adjust(0)
      yield* record(2, 3_500)
      yield* stop
      assert.deepStrictEqual(file.lines(), up(1, 3_500))
    }))

  it.effect("warns once when its file cannot be written, drops, counts, and says when it can again", () =>
    Effect.gen(function*() {
      const file = kept()
      let isBroken = true
      const { logs, record, stop } = yield* start((text) =>
        isBroken
          ? Effect.fail(new StoreUnavailable({ operation: "append", cause: new Error("disk full") }))
          : file.append(text)
      )
      const before = yield* droppedSoFar
      for (const n of [1, 2, 3]) {
        yield* record(n)
        yield* TestClock.adjust(1_000)
      }
      assert.deepStrictEqual(logs, ["Warn RECORD_TRACE: the trace lacks calls for now: append failed: disk full"])
      assert.strictEqual((yield* droppedSoFar) - before, 3)
      isBroken = false
      yield* record(4)
      yield* TestClock.adjust(1_000)
      assert.deepStrictEqual(file.lines(), [4])
      assert.lengthOf(logs, 2)
      yield* stop
    }))

  it.effect("survives an append that dies", () =>
    Effect.gen(function*() {
      let appends = 0
      const { logs, record, stop } = yield* start(() =>
        Effect.suspend(() => ++appends === 1 ? Effect.die("bug") : Effect.void)
      )
      yield* record(1)
      yield* TestClock.adjust(1_000)
      yield* record(2)
      yield* stop
      assert.strictEqual(appends, 2)
      assert.lengthOf(logs, 2)
    }))

  it.effect("never waits for a file that hangs: it drops, counts, and stops within 5 seconds", () =>
    Effect.gen(function*() {
      const { logs, record, stop } = yield* start(() => Effect.never)
      const before = yield* droppedSoFar
      yield* record(1)
      yield* TestClock.adjust(0)
      yield* record(2, 10_001 + 50)
      assert.strictEqual((yield* droppedSoFar) - before, 50)
      assert.lengthOf(logs, 1)
      const stopping = yield* Effect.forkChild(stop)
      yield* TestClock.adjust(5_000)
      yield* Fiber.join(stopping)
      assert.strictEqual((yield* droppedSoFar) - before, 50 + 10_000)
    }))
})
