/** The service as a process: what a crash, a stop and a wrong configuration do to it. */
import { assert, layer } from "@effect/vitest"
import { Clock, Context, Effect, Layer } from "effect"
import { Agent } from "node:http"
import { freshDirectory } from "../support/databases.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, remembered, send } from "../support/http.ts"
import { serverWithoutPgvector } from "../support/postgresServers.ts"
import { type Environment, providerOf } from "../support/service.ts"
import { spawnService, startProcess } from "../support/serviceProcess.ts"

/** A process that has to give up by itself. */
const failedStart = Effect.fnUntraced(function*(env: Environment) {
  const begin = yield* Clock.currentTimeMillis
  const spawned = yield* spawnService({ DATA_DIR: "memory:", ...env })
  const { code } = yield* spawned.exited
  const output = spawned.output()
  assert.notMatch(output, /\n\s+at |node_modules/, "a message, not a stack")
  assert.notInclude(output, "listens on")
  return { code, output, millis: (yield* Clock.currentTimeMillis) - begin }
})

const prompt = "Write a blog post about sourdough starters"

/** Made once, because a new one costs seconds; one process at a time may use it. */
class Directory extends Context.Service<Directory, { readonly DATA_DIR: string }>()("understudy/test/Directory") {
  static readonly layer = Layer.effect(Directory, Effect.map(freshDirectory, (DATA_DIR) => ({ DATA_DIR })))
}

layer(Directory.layer, { excludeTestServices: true })("the process", (it) => {
  it.effect(
    "keeps its data directory to itself, and what it remembered when it is killed with -9",
    () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer.make
        const { DATA_DIR } = yield* Directory
        const env = { ...providerOf(provider), DATA_DIR, RETRY_BASE_DELAY: "10 millis" }
        const first = yield* startProcess(env)
        yield* first.watch(() => first.output().includes(`embedded, in ${DATA_DIR}`) || undefined)
        const { id } = generationOf(yield* ask(first.url, prompt))
        yield* remembered(first.url, 0)

        const second = yield* failedStart({ DATA_DIR })
        assert.strictEqual(second.code, 1)
        for (const part of ["in use by", DATA_DIR, `process ${first.child.pid} `, "DATABASE_URL"]) {
          assert.include(second.output, part)
        }

        first.child.kill("SIGKILL")
        assert.strictEqual((yield* first.exited).signal, "SIGKILL")
        yield* provider.respondWith(Mode.status(500))
        const again = yield* startProcess(env)
        const answer = generationOf(yield* ask(again.url, prompt))
        assert.deepStrictEqual([answer.source, answer.id, answer.text], ["cache", id, `Answer to: ${prompt}`])
      }),
    60_000
  )

  it.effect(
    "on SIGTERM answers what runs, takes nothing new, and stores what it has",
    () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer.make
        const { DATA_DIR } = yield* Directory
        const env = { ...providerOf(provider), DATA_DIR, RETRY_BASE_DELAY: "10 millis" }
        const service = yield* startProcess(env)
        // Asked before, so that the lost connection below cannot be a service that never was.
        assert.strictEqual((yield* send(`${service.url}/health/live`)).status, 200)
        yield* provider.respondWith(Mode.wait(1_500))
        const [reply, begin] = yield* Effect.all([
          ask(service.url, prompt),
          Effect.gen(function*() {
            yield* provider.until(({ inFlight }) => inFlight === 1)
            service.child.kill("SIGTERM")
            const begin = yield* Clock.currentTimeMillis
            yield* eventually(
              Effect.exit(send(`${service.url}/health/live`)),
              (exit) => exit._tag === "Failure",
              "new connections are refused"
            )
            assert.strictEqual(provider.counts().inFlight, 1, "the call still runs")
            return begin
          })
        ], { concurrency: 2 })
        const live = generationOf(reply)
        assert.strictEqual(live.source, "live")
        yield* service.exited
        assert.isBelow((yield* Clock.currentTimeMillis) - begin, 10_000)
        assert.strictEqual(provider.counts().aborted, 0)

        yield* provider.respondWith(Mode.status(500))
        const again = yield* startProcess(env)
        const cached = generationOf(yield* ask(again.url, prompt))
        assert.deepStrictEqual([cached.source, cached.id], ["cache", live.id])
      }),
    60_000
  )

  it.effect("says loudly that it simulates, and where it stands, without any configuration", () =>
    Effect.gen(function*() {
      const { DATA_DIR } = yield* Directory
      const service = yield* startProcess({ DATA_DIR })
      yield* service.watch(() => service.output().includes("SIMULATED") || undefined)
      assert.match(service.output(), /WARN.*SIMULATED.*AI_BASE_URL/)
      const { source, text } = generationOf(yield* ask(service.url, prompt))
      assert.deepStrictEqual([source, /simulated/i.test(text)], ["live", true])
    }))

  it.effect("on SIGTERM is gone at once although clients keep their connections open", () =>
    Effect.gen(function*() {
      const { DATA_DIR } = yield* Directory
      const service = yield* startProcess({ DATA_DIR })
      const agent = yield* Effect.acquireRelease(
        Effect.sync(() => new Agent({ keepAlive: true })),
        (agent) => Effect.sync(() => agent.destroy())
      )
      assert.strictEqual((yield* send(`${service.url}/health/live`, { agent })).status, 200)
      yield* eventually(
        Effect.sync(() => Object.keys(agent.freeSockets).length),
        (idle) => idle === 1,
        "the connection is open and idle"
      )
      const begin = yield* Clock.currentTimeMillis
      service.child.kill("SIGTERM")
      yield* service.exited
      assert.isBelow((yield* Clock.currentTimeMillis) - begin, 3_000)
    }))

  it.effect("that was asked to stop, and did, has exit code 0", () =>
    Effect.gen(function*() {
      const { DATA_DIR } = yield* Directory
      const service = yield* startProcess({ DATA_DIR })
      service.child.kill("SIGTERM")
      // A supervisor takes 130 for a failure, and starts it again.
      assert.deepStrictEqual(yield* service.exited, { code: 0, signal: null })
    }))

  // A start that cannot succeed

  it.effect("names each wrong variable, what it holds and what is expected, and shows no secret", () =>
    Effect.gen(function*() {
      const { code, output } = yield* failedStart({
        PORT: "eighty",
        ATTEMPT_TIMEOUT: "soon",
        BREAKER_FAILURES: "0",
        FALLBACK_MIN_SIMILARITY: "1.5",
        AI_PROTOCOL: "smoke",
        AI_BASE_URL: "example.org/v1",
        API_KEYS: "s3cret",
        DATABASE_URL: "mysql://app:s3cret@localhost/app"
      })
      assert.strictEqual(code, 1)
      assert.include(output, "understudy cannot start")
      for (
        const [name, held, expected] of [
          ["PORT", "\"eighty\"", "a port from 0"],
          ["ATTEMPT_TIMEOUT", "\"soon\"", "a duration such as \"1500 millis\""],
          ["BREAKER_FAILURES", "\"0\"", "a whole number from 1"],
          ["FALLBACK_MIN_SIMILARITY", "\"1.5\"", "a number from 0 to 1"],
          ["AI_PROTOCOL", "\"smoke\"", "openai, plain or simulated"],
          ["AI_BASE_URL", "\"example.org/v1\"", "a URL such as https://host/path"],
          ["API_KEYS", "a secret", "namespace:key pairs"],
          ["DATABASE_URL", "a secret", "a URL such as postgres://user:password@host"]
        ]
      ) {
        const line = output.split("\n").find((line) => line.includes(`${name} holds`)) ?? ""
        assert.include(line, `holds ${held}`)
        assert.include(line, `expected ${expected}`)
      }
      assert.notInclude(output, "s3cret")
    }))

  it.effect("asks for the model that an OpenAI provider needs", () =>
    Effect.gen(function*() {
      const { code, output } = yield* failedStart({ AI_BASE_URL: "http://127.0.0.1:1/v1" })
      assert.strictEqual(code, 1)
      assert.include(output, "AI_MODEL is not set; expected the name of a model")
    }))

  it.effect("says what to install on a server without pgvector", () =>
    Effect.gen(function*() {
      const port = yield* serverWithoutPgvector
      const { code, output } = yield* failedStart({
        DATABASE_URL: `postgres://postgres:s3cret@127.0.0.1:${port}/postgres`
      })
      assert.strictEqual(code, 1)
      for (const part of ["lacks the extension \"vector\"", "postgresql-17-pgvector", "pgvector/pgvector:pg17"]) {
        assert.include(output, part)
      }
      assert.notInclude(output, "s3cret")
    }))

  it.effect("names the database that nobody answers for", () =>
    Effect.gen(function*() {
      const { code, output } = yield* failedStart({ DATABASE_URL: "postgres://app:s3cret@127.0.0.1:1/app" })
      assert.strictEqual(code, 1)
      assert.include(output, "cannot reach PostgreSQL at 127.0.0.1:1")
      assert.notInclude(output, "s3cret")
    }))

  it.effect("names the port that is taken", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer.make
      const port = new URL(provider.url).port
      const { code, output } = yield* failedStart({ ...(yield* Directory), PORT: port })
      assert.strictEqual(code, 1)
      assert.include(output, port)
      assert.match(output, /EADDRINUSE|in use/)
    }))

  it.effect("names the folder of templates that is not there", () =>
    Effect.gen(function*() {
      const { code, output } = yield* failedStart({ ...(yield* Directory), TEMPLATES_DIR: "/no/such/folder" })
      assert.strictEqual(code, 1)
      assert.include(output, "/no/such/folder")
      assert.include(output, "TEMPLATES_DIR")
    }))
})
