/** `/generate` goes on while its database is gone, stuck or slow. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { freshDatabase, urlOf, withoutServer, withServer } from "../support/databases.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, metric, noStore, remembered, send } from "../support/http.ts"
import { providerOf, startService } from "../support/service.ts"

const prompt = "Write a blog post about sourdough starters"

const start = Effect.gen(function*() {
  const provider = yield* FaultServer.make
  const database = yield* freshDatabase
  const service = yield* startService({
    ...providerOf(provider),
    DATABASE_URL: urlOf(database),
    ATTEMPT_TIMEOUT: "1 second",
    TOTAL_TIMEOUT: "3 seconds",
    RETRY_BASE_DELAY: "10 millis",
    BREAKER_FAILURES: "100"
  })
  const before = yield* metric(service.url, "understudy_cache_remembered_total")
  assert.strictEqual(generationOf(yield* ask(service.url, prompt)).source, "live")
  yield* remembered(service.url, before)
  const asked = Effect.fnUntraced(function*(mode: Mode, what: string = prompt) {
    yield* provider.respondWith(mode)
    const begin = yield* Clock.currentTimeMillis
    const generation = generationOf(yield* ask(service.url, what, noStore))
    return { ...generation, millis: (yield* Clock.currentTimeMillis) - begin }
  })
  return { ...service, provider, database, asked }
})

const degraded = (url: string) =>
  Effect.map(send(`${url}/health/ready`), ({ status, text }) => {
    assert.strictEqual(status, 200)
    return text.includes("\"what\":\"database\"")
  })

/** Live answers go on and are quick; without the provider too there is a template, in time. */
const goesOn = Effect.fnUntraced(function*({ asked, url }: Effect.Success<typeof start>) {
  const live = yield* asked(Mode.answer)
  assert.strictEqual(live.source, "live")
  assert.isBelow(live.millis, 1_000)
  const answers = yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], () => asked(Mode.status(500)), { concurrency: 8 })
  for (const { fallback, millis, source } of answers) {
    assert.deepStrictEqual([source, fallback?.reason], ["template", "unavailable"])
    assert.isBelow(millis, 3_000)
  }
  yield* eventually(degraded(url), (so) => so, "readiness says that the database is out")
})

describe.skipIf(withoutServer)("with TEST_DATABASE_URL, a database", () => {
  it.live("that is gone costs no live answer, only the cached ones, and they are back when it is", () =>
    Effect.gen(function*() {
      const service = yield* start
      assert.strictEqual((yield* service.asked(Mode.status(500))).source, "cache")
      assert.isFalse(yield* degraded(service.url))

      yield* withServer((sql) => sql`ALTER DATABASE ${sql(service.database)} ALLOW_CONNECTIONS false`)
      yield* withServer((sql) =>
        sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${service.database}`
      )
      yield* goesOn(service)
      // Asked to remember meanwhile: lost, said so, and not in anybody's way.
      yield* service.provider.respondWith(Mode.answer)
      assert.strictEqual(generationOf(yield* ask(service.url, "Write about rain")).source, "live")
      yield* eventually(
        Effect.sync(() => service.logs().join("\n")),
        (logs) => logs.includes("answers are not remembered"),
        "the log says so"
      )

      yield* withServer((sql) => sql`ALTER DATABASE ${sql(service.database)} ALLOW_CONNECTIONS true`)
      yield* eventually(service.asked(Mode.status(500)), ({ source }) => source === "cache", "the cache is back")
      yield* eventually(degraded(service.url), (so) => !so, "readiness says so")
    }))

  it.live("that is dropped costs no live answer", () =>
    Effect.gen(function*() {
      const service = yield* start
      yield* withServer((sql) => sql`DROP DATABASE ${sql(service.database)} WITH (FORCE)`)
      yield* goesOn(service)
      // For whoever cleans up.
      yield* withServer((sql) => sql`CREATE DATABASE ${sql(service.database)} TEMPLATE template0`)
    }))

  it.live("that is stuck behind a lock costs no live answer, and delays a template by a second", () =>
    Effect.gen(function*() {
      const service = yield* start
      yield* withServer((sql) =>
        sql.withTransaction(Effect.gen(function*() {
          yield* sql`LOCK TABLE understudy_answers IN ACCESS EXCLUSIVE MODE`
          assert.strictEqual((yield* service.asked(Mode.answer)).source, "live")
          const answers = yield* Effect.forEach(Array.from({ length: 20 }), () => service.asked(Mode.status(500)), {
            concurrency: 20
          })
          for (const { millis, source } of answers) {
            assert.strictEqual(source, "template")
            assert.isBelow(millis, 3_000)
          }
        })), urlOf(service.database))
      yield* eventually(service.asked(Mode.status(500)), ({ source }) => source === "cache", "the cache is back")
    }))
})
