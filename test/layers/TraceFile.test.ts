import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type FileSystem, Layer, Logger, Schema, type Scope } from "effect"
import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { TraceLine } from "../../src/domain/Trace.ts"
import { traceFile } from "../../src/layers/TraceFile.ts"
import { freshDirectory } from "../support/databases.ts"

const lineOf = (at: number, provider = "p"): TraceLine => ({ at, provider, latency_ms: 1, outcome: "answer" })

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(TraceLine))
const linesOf = (path: string) => readFileSync(path, "utf8").split("\n").filter((line) => line !== "")

/** Opens the file, records, and closes it. */
const recordTo = (path: string, lines: ReadonlyArray<TraceLine>) =>
  Effect.scoped(Effect.flatMap(traceFile(path), ({ record }) => Effect.forEach(lines, record, { discard: true })))

const problemWith = (path: string) => Effect.map(Effect.flip(recordTo(path, [])), ({ message }) => message)

const withFiles = <A, E>(test: Effect.Effect<A, E, FileSystem.FileSystem | Scope.Scope>) =>
  Effect.provide(test, Layer.merge(NodeFileSystem.layer, Logger.layer([])))

describe("the file of a trace", () => {
  it.live("goes on where it ended", () =>
    withFiles(Effect.gen(function*() {
      const path = join(yield* freshDirectory, "trace.jsonl")
      yield* recordTo(path, [lineOf(1)])
      yield* recordTo(path, [lineOf(2), lineOf(3)])
      assert.deepStrictEqual(linesOf(path).map((line) => decode(line)), [lineOf(1), lineOf(2), lineOf(3)])
      assert.notInclude(readFileSync(path, "utf8"), "\n\n")
    })))

  it.live("keeps what was cut off apart from what follows", () =>
    withFiles(Effect.gen(function*() {
      const path = join(yield* freshDirectory, "trace.jsonl")
      writeFileSync(path, `{"at":1,"prov`)
      yield* recordTo(path, [lineOf(2)])
      assert.deepStrictEqual(linesOf(path), [`{"at":1,"prov`, JSON.stringify(lineOf(2))])
    })))

  it.live("has no torn lines when several write to it", () =>
    withFiles(Effect.gen(function*() {
      const path = join(yield* freshDirectory, "trace.jsonl")
      const writer = (name: string) =>
        Effect.scoped(Effect.gen(function*() {
          const { record } = yield* traceFile(path)
          for (let at = 0; at < 2_000; at++) {
            yield* record(lineOf(at, name.repeat(30)))
            if (at % 50 === 0) yield* Effect.yieldNow
          }
        }))
      yield* Effect.forEach(["a", "b", "c"], writer, { concurrency: "unbounded" })
      const lines = linesOf(path).map((line) => decode(line))
      assert.lengthOf(lines, 6_000)
      for (const name of ["a", "b", "c"]) {
        const own = lines.filter(({ provider }) => provider.startsWith(name))
        assert.deepStrictEqual(own.map(({ at }) => at), Array.from({ length: 2_000 }, (_, at) => at))
      }
    })))

  it.live("says what is wrong with it, and what to do", () =>
    withFiles(Effect.gen(function*() {
      const folder = yield* freshDirectory
      const inside = join(folder, "missing", "trace.jsonl")
      assert.strictEqual(
        yield* problemWith(inside),
        `RECORD_TRACE ${inside} cannot be written: its folder does not exist; create it, or name another file`
      )
      assert.match(yield* problemWith(folder), /^RECORD_TRACE .* cannot be written: .*name another file$/)
      const locked = join(folder, "locked.jsonl")
      writeFileSync(locked, "")
      chmodSync(locked, 0o400)
      // Root may write everywhere.
      if (process.getuid?.() === 0) return
      assert.match(yield* problemWith(locked), /this user may not; change the permissions/)
    })))
})
