import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, FileSystem } from "effect"
import { createHash } from "node:crypto"
import * as ApiKeysLayer from "../../src/layers/ApiKeysLayer.ts"
import * as AppConfig from "../../src/layers/AppConfig.ts"
import * as KeyConfig from "../../src/layers/KeyConfig.ts"
import { ApiKeys } from "../../src/services/ApiKeys.ts"

const sha256 = (key: string) => createHash("sha256").update(key).digest("hex")

/** What the service would make of these variables, and of a keys file when there is one. */
const load = Effect.fnUntraced(function*(env: Record<string, string>, file?: unknown) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* fs.makeTempFileScoped({ suffix: ".json" })
  yield* fs.writeFileString(path, typeof file === "string" ? file : JSON.stringify(file) ?? "")
  const variables = ConfigProvider.fromEnvRecord({ ...env, ...file === undefined ? {} : { API_KEYS_FILE: path } })
  return yield* Effect.flatMap(AppConfig.load, KeyConfig.load).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, variables)
  )
}, Effect.scoped)

const keysOf = (env: Record<string, string>, file?: unknown) =>
  Effect.flatMap(load(env, file), (configs) => Effect.provide(ApiKeys, ApiKeysLayer.layer(configs)))

const problemsOf = (env: Record<string, string>, file?: unknown) =>
  Effect.map(Effect.flip(load(env, file)), ({ message }) => message)

const onNode = Effect.provide(NodeServices.layer)
const namespaceOf = (keys: ApiKeys["Service"], key: string): string | undefined => keys.callerOf(key)?.namespace

describe("the configured keys", () => {
  it.effect("may be keys or their hashes, in the variables and in the file, and add up", () =>
    Effect.gen(function*() {
      const keys = yield* keysOf(
        {
          API_KEYS: `alpha:key-of-alpha, beta:sha256:${sha256("key-of-beta")}, alpha:second-of-alpha`,
          ADMIN_KEYS: `admin-key-1,sha256:${sha256("admin-key-2").toUpperCase()}`
        },
        [{ namespace: "gamma", sha256: sha256("key-of-gamma").toUpperCase() }]
      )
      assert.isUndefined(keys.anonymous)
      const asked = ["key-of-alpha", "second-of-alpha", "key-of-beta", "key-of-gamma"]
      assert.deepStrictEqual(asked.map((key) => namespaceOf(keys, key)), ["alpha", "alpha", "beta", "gamma"])
      assert.deepStrictEqual(["admin-key-1", "admin-key-2"].map(keys.isAdmin), [true, true])
      // Whoever has read the configuration has no key.
      for (const key of ["", "nobody", "admin-key-1", sha256("key-of-beta"), `sha256:${sha256("key-of-beta")}`]) {
        assert.isUndefined(keys.callerOf(key), key)
      }
      for (const key of ["", "key-of-alpha", sha256("admin-key-2")]) assert.isFalse(keys.isAdmin(key), key)
    }).pipe(onNode))

  it.effect("are not needed when there are none, and then nobody is an operator", () =>
    Effect.gen(function*() {
      const keys = yield* keysOf({ KEY_CONCURRENCY: "3" })
      assert.strictEqual(keys.anonymous?.namespace, "default")
      assert.deepStrictEqual(keys.anonymous?.limits?.policy, { requestsPerMinute: undefined, concurrency: 3 })
      assert.isFalse(keys.isAdmin(""))
      assert.isUndefined((yield* keysOf({})).anonymous?.limits)
    }).pipe(onNode))

  it.effect("are needed when only the file has some", () =>
    Effect.gen(function*() {
      const keys = yield* keysOf({}, [{ namespace: "gamma", sha256: sha256("key-of-gamma") }])
      assert.isUndefined(keys.anonymous)
      assert.isUndefined(keys.callerOf(""))
    }).pipe(onNode))

  it.effect("have the limits of the variables, but for what the file says of a key", () =>
    Effect.gen(function*() {
      const keys = yield* keysOf({
        API_KEYS: "alpha:key-of-alpha,alpha:second-of-alpha",
        KEY_REQUESTS_PER_MINUTE: "10",
        KEY_CONCURRENCY: "2"
      }, [{ namespace: "gamma", sha256: sha256("key-of-gamma"), requests_per_minute: 500 }])
      const policyOf = (key: string) => keys.callerOf(key)?.limits?.policy
      assert.deepStrictEqual(policyOf("key-of-alpha"), { requestsPerMinute: 10, concurrency: 2 })
      assert.deepStrictEqual(policyOf("key-of-gamma"), { requestsPerMinute: 500, concurrency: 2 })
      const limits = keys.callerOf("key-of-alpha")?.limits
      assert.isDefined(limits)
      assert.strictEqual(keys.callerOf("key-of-alpha")?.limits, limits, "one count for a key")
      assert.notStrictEqual(keys.callerOf("second-of-alpha")?.limits, limits, "and one for each")
    }).pipe(onNode))

  it.effect("are refused when one stands twice, wherever and however it is written", () =>
    Effect.gen(function*() {
      const hash = sha256("same-key-1")
      const twice = yield* problemsOf({ API_KEYS: `a:same-key-1,b:sha256:${hash}` })
      assert.include(twice, "API_KEYS, key 2 is the same as API_KEYS, key 1: a key stands for one namespace")
      const both = yield* problemsOf({ API_KEYS: "a:same-key-1" }, [{ namespace: "a", sha256: hash.toUpperCase() }])
      assert.include(both, "API_KEYS_FILE, entry 0 is the same as API_KEYS, key 1")
      const admins = yield* problemsOf({ ADMIN_KEYS: `same-key-1,sha256:${hash}` })
      assert.include(admins, "ADMIN_KEYS, key 2 is the same as ADMIN_KEYS, key 1")
      const mixed = yield* problemsOf({ API_KEYS: "a:same-key-1", ADMIN_KEYS: `sha256:${hash}` })
      assert.include(mixed, "ADMIN_KEYS, key 1 is the same as API_KEYS, key 1: keep admin keys apart from user keys")
      for (const message of [twice, both, admins, mixed]) assert.notMatch(message, /same-key|[\da-f]{16}/i)
      yield* load({ API_KEYS: "a:first-key-1, a:second-key-1" })
    }).pipe(onNode))

  it.effect("are refused where a hash is cut short, or where one could be taken for a key", () =>
    Effect.gen(function*() {
      const hash = sha256("key-of-alpha")
      for (const list of [`a:sha256:${hash.slice(1)}`, `sha256:${hash}`, "a:sha256:", `a:md5:${hash}`, "a:key-of-a,"]) {
        assert.include(yield* problemsOf({ API_KEYS: list }), "API_KEYS holds a secret that does not fit", list)
      }
      for (const list of [`sha256:${hash.slice(1)}`, "sha256:", "admin-key-1,,admin-key-2"]) {
        assert.include(yield* problemsOf({ ADMIN_KEYS: list }), "ADMIN_KEYS holds a secret that does not fit", list)
      }
    }).pipe(onNode))

  it.effect("say of every wrong value in the file where it stands, and show none that may be a key", () =>
    Effect.gen(function*() {
      const key = "a-key-that-stands-here-by-mistake"
      const message = yield* problemsOf({}, [
        { namespace: "a", sha256: key },
        { namespace: "not a name", sha256: sha256("x"), requests_per_minute: 0, concurrency: 1.5 },
        { namespace: "b", sha256: sha256("y"), key }
      ])
      assert.match(message, /^API_KEYS_FILE \/.* cannot be used:/)
      assert.include(message, "0.sha256: Expected the 64 hex digits of a key's SHA-256, not the key itself")
      for (const place of ["1.namespace", "1.requests_per_minute", "1.concurrency", "2.key"]) {
        assert.include(message, `- ${place}: `)
      }
      assert.notInclude(message, key)
      for (const broken of [`[{"namespace": "a", ${key}`, "", "[]", "{}"]) {
        const said = yield* problemsOf({}, broken)
        assert.include(said, "API_KEYS_FILE")
        assert.notInclude(said, key.slice(0, 5))
      }
      assert.include(yield* problemsOf({ API_KEYS_FILE: "/nowhere/keys.json" }), "/nowhere/keys.json")
    }).pipe(onNode))

  it.effect("are found among thousands as among two", () =>
    Effect.gen(function*() {
      const users = Array.from({ length: 1_000 }, (_, n) => ({ n, key: `key-number-${n}` }))
      const keys = yield* keysOf({ API_KEYS: users.map(({ key, n }) => `site-${n}:${key}`).join(",") })
      for (const { key, n } of users) assert.strictEqual(namespaceOf(keys, key), `site-${n}`)
      assert.isUndefined(keys.callerOf("key-number-1000"))
    }).pipe(onNode))
})
