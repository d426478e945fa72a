import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { load } from "../../src/layers/AppConfig.ts"

const loadFrom = (env: Record<string, string>) =>
  Effect.provideService(load, ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(env))
const messageOf = (env: Record<string, string>) => Effect.map(Effect.flip(loadFrom(env)), ({ message }) => message)

describe("the configuration", () => {
  it.effect("needs nothing: then the provider is simulated", () =>
    Effect.gen(function*() {
      const { ai, databaseUrl, port } = yield* loadFrom({})
      assert.deepStrictEqual([ai.protocol, databaseUrl, port], ["simulated", undefined, 3000])
    }))

  it.effect("leaves no job in an embedded database to nobody", () =>
    Effect.gen(function*() {
      const { message } = yield* Effect.flip(loadFrom({ JOB_WORKERS: "0" }))
      assert.match(message, /JOB_WORKERS holds 0, .*DATABASE_URL/)
      yield* loadFrom({ JOB_WORKERS: "0", DATABASE_URL: "postgres://localhost/x" })
    }))

  it.effect("names every wrong variable at once, what it holds and what is expected", () =>
    Effect.gen(function*() {
      const message = yield* messageOf({ PORT: "http", ATTEMPT_TIMEOUT: "soon", LIMIT_QUEUE: "-1" })
      assert.match(message, /PORT holds "http"; expected a port/)
      assert.match(message, /ATTEMPT_TIMEOUT holds "soon"; expected a duration such as "1500 millis"/)
      assert.match(message, /LIMIT_QUEUE holds "-1"; expected a whole number/)
    }))

  it.effect("never shows what may hold a secret", () =>
    Effect.gen(function*() {
      const message = yield* messageOf({
        DATABASE_URL: "mysql://user:hunter2@host/db",
        AI_BASE_URL: "https://user:hunter2@host/v1",
        API_KEYS: "hunter2",
        ADMIN_KEYS: "hunter2"
      })
      for (const name of ["DATABASE_URL", "AI_BASE_URL", "API_KEYS", "ADMIN_KEYS"]) assert.include(message, name)
      assert.notInclude(message, "hunter2")
      assert.include(message, "AI_BASE_URL holds \"https://…@host/v1\"")
    }))

  it.effect("takes only URLs that can be called", () =>
    Effect.gen(function*() {
      for (
        const url of [
          "http://exa mple/v1",
          "http://host:99999/v1",
          "http://[::1/v1",
          "ftp://host/v1",
          "https://host/v1?key=1"
        ]
      ) assert.include(yield* messageOf({ AI_BASE_URL: url, AI_MODEL: "m" }), "AI_BASE_URL")
      const { ai } = yield* loadFrom({ AI_BASE_URL: "http://[::1]:8000/v1", AI_MODEL: "m" })
      assert.deepInclude(ai, { protocol: "openai", baseUrl: "http://[::1]:8000/v1" })
    }))

  it.effect("takes only secrets and exceptions of callbacks that are some, and shows no secret", () =>
    Effect.gen(function*() {
      const good = `whsec_${"A".repeat(32)}`
      for (const wrong of [good, `a:${good.slice(0, -4)}`, `a:${good},`, `a:${"A".repeat(32)}`, `a b:${good}`]) {
        const message = yield* messageOf({ WEBHOOK_SECRETS: wrong })
        assert.include(message, "WEBHOOK_SECRETS holds a secret that does not fit")
        assert.notInclude(message, "AAAA")
      }
      assert.include(
        yield* messageOf({ WEBHOOK_ALLOW: "10.0.0.1/8" }),
        "WEBHOOK_ALLOW holds \"10.0.0.1/8\"; expected networks"
      )
      yield* loadFrom({
        WEBHOOK_SECRETS: `a:${good}, a:${good},b-1:${good}`,
        WEBHOOK_ALLOW: "10.0.0.0/8, hooks.internal"
      })
    }))

  it.effect("says what a protocol needs", () =>
    Effect.gen(function*() {
      assert.include(yield* messageOf({ AI_PROTOCOL: "plain" }), "AI_BASE_URL is not set")
      assert.include(yield* messageOf({ AI_BASE_URL: "http://host/v1" }), "AI_MODEL is not set")
    }))
})
