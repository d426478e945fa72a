/** `RECORD_TRACE` over real sockets: what the file says of a provider that does everything that one can do. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { TraceLine } from "../../src/domain/Trace.ts"
import { freshDirectory } from "../support/databases.ts"
import { FaultServer, Mode, StreamMode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, noStore } from "../support/http.ts"
import { type Environment, ownDatabase, providerOf, startService } from "../support/service.ts"
import { spawnService, startProcess } from "../support/serviceProcess.ts"
import { askStream, generateForm, openStream } from "../support/streams.ts"

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(TraceLine))

/** Line by line; every one of them has to be whole. */
const linesOf = (path: string): ReadonlyArray<TraceLine> => {
  const text = readFileSync(path, "utf8")
  assert.match(text, /^$|\n$/)
  return text.split("\n").slice(0, -1).map((line) => decode(line))
}

const tracePath = Effect.map(freshDirectory, (directory) => join(directory, "trace.jsonl"))

/** A service that asks once, and its provider. */
const start = Effect.fnUntraced(function*(env: Environment = {}) {
  const provider = yield* FaultServer.make
  const path = yield* tracePath
  const service = yield* startService({
    ...providerOf(provider),
    MAX_ATTEMPTS: "1",
    BREAKER_FAILURES: "100",
    RECORD_TRACE: path,
    ...(yield* ownDatabase),
    ...env
  })
  return { ...service, provider, path }
})

/** So many lines after the first ones, once they are written. */
const written = (path: string, count: number, before = 0) =>
  eventually(
    Effect.sync(() => linesOf(path).slice(before)),
    (lines) => lines.length >= count,
    `${count} lines are written`
  )

class Traced extends Context.Service<Traced, Effect.Success<ReturnType<typeof start>>>()("understudy/test/Traced") {
  static readonly layer = Layer.effect(
    Traced,
    Effect.orDie(start({ ATTEMPT_TIMEOUT: "2 seconds", TOTAL_TIMEOUT: "10 seconds", STALL_TIMEOUT: "1 second" }))
  )
}

layer(Traced.layer, { excludeTestServices: true, timeout: "60 seconds" })("the recorded trace", (it) => {
  it.effect("has streams to their end, those that break off, and those that are left", () =>
    Effect.gen(function*() {
      const { path, provider, url } = yield* Traced
      const before = linesOf(path).length
      const stream = (mode: Mode) =>
        Effect.andThen(provider.respondWith(mode), askStream(url, generateForm, "Write about tea", noStore.headers))
      yield* stream(StreamMode.slow(20))
      yield* stream(StreamMode.closeAfter(2))
      yield* stream(StreamMode.stallAfter(2))
      yield* provider.respondWith(StreamMode.slow(300))
      const reader = yield* openStream(url, generateForm, "Write about coffee", noStore.headers)
      reader.leave()
      const [whole, broken, stalled, left] = yield* written(path, 4, before)
      assert.deepStrictEqual(
        [whole, broken, stalled, left].map((line) => line?.outcome),
        ["answer", "malformed", "timeout", "canceled"]
      )
      for (const line of [whole, broken, stalled]) assert.isAtMost(line?.first_ms ?? Infinity, line?.latency_ms ?? 0)
      assert.isAtLeast(stalled?.latency_ms ?? 0, 999)
    }))

  it.effect("says that somebody went away, and not that the provider hangs", () =>
    Effect.gen(function*() {
      const { path, provider, url } = yield* Traced
      const before = linesOf(path).length
      yield* provider.respondWith(Mode.hangBeforeHeaders)
      const asking = Effect.raceFirst(
        ask(url, "Write about tea", noStore),
        provider.until(({ inFlight }) => inFlight === 1)
      )
      yield* asking
      assert.strictEqual((yield* written(path, 1, before))[0]?.outcome, "canceled")
    }))

  it.effect("has each call with what it came to, and nothing of what was asked or answered", () =>
    Effect.gen(function*() {
      const { path, provider, url } = yield* Traced
      const before = linesOf(path).length
      const modes: ReadonlyArray<readonly [Mode, TraceLine["outcome"]]> = [
        [Mode.wait(150), "answer"],
        [Mode.status(500), "unavailable"],
        [Mode.html, "malformed"],
        [Mode.status(401), "unauthorized"],
        [Mode.status(422), "rejected"],
        [Mode.resetBeforeHeaders, "unavailable"],
        [Mode.hangInBody, "timeout"],
        // The last one: it makes us wait.
        [Mode.rateLimited("1"), "rate_limited"]
      ]
      for (const [mode] of modes) {
        yield* provider.respondWith(mode)
        yield* ask(url, "Write about a secret garden", noStore)
      }
      const lines = yield* written(path, modes.length, before)
      assert.deepStrictEqual(lines.map(({ outcome }) => outcome), modes.map(([, outcome]) => outcome))
      assert.isAtLeast(lines[0]?.latency_ms ?? 0, 149)
      assert.isAtLeast(lines[6]?.latency_ms ?? 0, 1_999)
      assert.strictEqual(lines[7]?.retry_after_ms, 1_000)
      assert.isTrue(lines.every((line, n) => n === 0 || line.at >= (lines[n - 1]?.at ?? 0)))
      assert.deepStrictEqual([...new Set(lines.map((line) => line.provider))], [new URL(provider.url).host])
      assert.notMatch(readFileSync(path, "utf8"), /secret|garden|Answer|provider-key/)
    }))
})

describe("the recorded trace of a service", () => {
  it.live("calls a hang by its name where a request has less time than an attempt", () =>
    Effect.gen(function*() {
      const { path, provider, url } = yield* start({ TOTAL_TIMEOUT: "600 millis" })
      yield* provider.respondWith(Mode.hangBeforeHeaders)
      yield* ask(url, "Write about tea", noStore)
      assert.strictEqual((yield* written(path, 1))[0]?.outcome, "timeout")
    }))

  it.live("goes on answering when its disk is full, with one warning", () =>
    Effect.gen(function*() {
      const { logs, url } = yield* start({ RECORD_TRACE: "/dev/full" })
      for (const n of [1, 2, 3]) assert.strictEqual(generationOf(yield* ask(url, `Write ${n}`)).source, "live")
      yield* eventually(
        Effect.sync(() => logs().filter((line) => line.includes("the trace lacks calls"))),
        (lines) => lines.length > 0,
        "the warning is logged"
      )
      yield* Effect.forEach([4, 5], (n) => ask(url, `Write ${n}`))
      assert.lengthOf(logs().filter((line) => line.includes("the trace lacks calls")), 1)
    }))

  it.live("is whole after SIGTERM, of the simulated provider too", () =>
    Effect.gen(function*() {
      const path = yield* tracePath
      const service = yield* startProcess({ DATA_DIR: "memory:", RECORD_TRACE: path, SIMULATED_FAILURES: "0.5" })
      yield* Effect.forEach(
        Array.from({ length: 20 }, (_, n) => `Write about ${n}`),
        (prompt) => ask(service.url, prompt),
        { concurrency: 20 }
      )
      service.child.kill("SIGTERM")
      assert.deepStrictEqual(yield* service.exited, { code: 0, signal: null })
      const lines = linesOf(path)
      assert.isAtLeast(lines.length, 8)
      for (const { latency_ms, outcome, provider } of lines) {
        assert.strictEqual(provider, "simulated")
        assert.oneOf(outcome, ["answer", "unavailable"])
        assert.isAtLeast(latency_ms, 79)
      }
    }), 60_000)

  it.live("whose folder does not exist stops the start, and says what to do", () =>
    Effect.gen(function*() {
      const path = join(yield* freshDirectory, "missing", "trace.jsonl")
      const spawned = yield* spawnService({ DATA_DIR: "memory:", RECORD_TRACE: path })
      assert.strictEqual((yield* spawned.exited).code, 1)
      assert.include(
        spawned.output(),
        `understudy cannot start: RECORD_TRACE ${path} cannot be written: its folder does not exist; create it, or name another file`
      )
      assert.notMatch(spawned.output(), /\n\s+at |node_modules/)
    }), 60_000)
})
