import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, FileSystem, Redacted } from "effect"
import * as AppConfig from "../../src/layers/AppConfig.ts"
import * as ProviderConfig from "../../src/layers/ProviderConfig.ts"

/** What the service would make of a providers file with this content. */
const loadFile = Effect.fnUntraced(function*(content: unknown, env: Record<string, string> = {}) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* fs.makeTempFileScoped({ suffix: ".json" })
  yield* fs.writeFileString(path, typeof content === "string" ? content : JSON.stringify(content))
  const variables = ConfigProvider.fromEnvRecord({ AI_PROVIDERS_FILE: path, ...env })
  return yield* Effect.flatMap(AppConfig.load, ProviderConfig.load).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, variables)
  )
})

const problemsOf = (content: unknown, env: Record<string, string> = {}) =>
  Effect.map(Effect.flip(loadFile(content, env)), ({ message }) => message)

const first = { name: "first", base_url: "https://api.first.example/v1", model: "big", api_key_env: "FIRST_KEY" }
const second = { name: "second", protocol: "plain", base_url: "http://second.example/complete", model: "small" }
const env = { FIRST_KEY: "secret-of-the-first" }

describe("the providers file", () => {
  it.effect("names several providers in order, each with its own circuit, limits and timeout", () =>
    Effect.gen(function*() {
      const providers = yield* loadFile({
        providers: [
          { ...first, attempt_timeout: "5 seconds", circuit: { failures: 7 }, limits: { requests_per_minute: 60 } },
          second
        ]
      }, { ...env, BREAKER_FAILURES: "4" })
      assert.deepStrictEqual(providers.map(({ name, speech }) => [name, speech.protocol]), [
        ["first", "openai"],
        ["second", "plain"]
      ])
      const [one, two] = providers
      assert.strictEqual(Duration.toSeconds(one.attemptTimeout), 5)
      assert.deepInclude(one.circuit, { failures: 7 })
      assert.deepInclude(one.limits, { requestsPerMinute: 60, concurrency: 8 })
      assert.deepInclude(two?.circuit, { failures: 4 })
      assert.strictEqual(one.apiKey === undefined ? "" : Redacted.value(one.apiKey), "secret-of-the-first")
      assert.isUndefined(two?.apiKey)
      assert.notInclude(JSON.stringify(providers), "secret-of-the-first")
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("says of every wrong value where it stands and what is expected", () =>
    Effect.gen(function*() {
      const message = yield* problemsOf({
        providers: [{ ...first, base_url: "api.first.example", limits: { concurrency: 0 }, attempt_timeout: "soon" }]
      }, env)
      for (const place of ["base_url", "limits.concurrency", "attempt_timeout"]) {
        assert.include(message, `providers.0.${place}: `)
      }
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("takes keys by the name of their variable only, and never repeats one", () =>
    Effect.gen(function*() {
      const inline = yield* problemsOf({ providers: [{ ...first, api_key: "sk-inline-1234567890" }] }, env)
      assert.include(inline, "providers.0.api_key")
      assert.notInclude(inline, "sk-inline-1234567890")
      const asName = yield* problemsOf({ providers: [{ ...first, api_key_env: "sk-inline-1234567890" }] }, env)
      assert.include(asName, "not a key")
      assert.notInclude(asName, "sk-inline-1234567890")
      assert.include(yield* problemsOf({ providers: [first] }), "FIRST_KEY is not set")
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("must exist, be JSON, and name each provider once", () =>
    Effect.gen(function*() {
      assert.include(yield* problemsOf("{ providers: }", env), "AI_PROVIDERS_FILE")
      assert.include(yield* problemsOf({ providers: [] }, env), "providers")
      assert.include(yield* problemsOf({ providers: [first, { ...second, name: "first" }] }, env), "same name")
      assert.include(yield* problemsOf({}, { AI_PROVIDERS_FILE: "/nowhere/providers.json" }), "/nowhere/providers.json")
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("stands instead of the variables for one provider, not beside them", () =>
    Effect.gen(function*() {
      const message = yield* problemsOf({ providers: [first] }, { ...env, AI_BASE_URL: "http://127.0.0.1/v1" })
      assert.include(message, "one or the other")
    }).pipe(Effect.provide(NodeServices.layer)))
})
