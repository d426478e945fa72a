/** Keys over the wire: what opens what, and how much each may ask for. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Api } from "../../src/http/api/Api.ts"
import { freshDirectory } from "../support/databases.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, problemOf, type Reply, send } from "../support/http.ts"
import { type Environment, ownDatabase, providerOf, startService } from "../support/service.ts"

const timeout = 120_000
const keys = { alpha: "key-of-alpha-1234", beta: "key-of-beta-5678", admin: "key-of-the-admin-90" }
const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } })
const sha256 = (key: string) => createHash("sha256").update(key).digest("hex")

const start = Effect.fnUntraced(function*(env: Environment) {
  const provider = yield* FaultServer.make
  const service = yield* startService({ ...providerOf(provider), ...(yield* ownDatabase), ...env })
  return { ...service, provider }
})

/** Every endpoint of the contract, also those that will be added. */
const endpoints = Object.values(Api.groups).flatMap((group) =>
  Object.values(group.endpoints).map(({ method, path }) => ({ method, path: path.replaceAll(/:\w+/g, "some") }))
)
const isOpen = ({ path }: { readonly path: string }) => path.startsWith("/health/")
const isForAdmins = ({ path }: { readonly path: string }) => path.startsWith("/admin/")

describe("with keys", () => {
  it.live("every endpoint but health needs one that opens it, and no other will do", () =>
    Effect.gen(function*() {
      const { logs, url } = yield* start({
        API_KEYS: `alpha:${keys.alpha},beta:sha256:${sha256(keys.beta)}`,
        ADMIN_KEYS: keys.admin
      })
      const call = ({ method, path }: { readonly method: string; readonly path: string }, authorization?: string) =>
        send(url + path, {
          method,
          headers: { "content-type": "application/json", ...authorization === undefined ? {} : { authorization } },
          body: method === "POST" ? "{}" : undefined
        })
      assert.isAtLeast(endpoints.filter((endpoint) => !isOpen(endpoint)).length, 7)
      for (const endpoint of endpoints) {
        const what = `${endpoint.method} ${endpoint.path}`
        if (isOpen(endpoint)) {
          assert.strictEqual((yield* call(endpoint)).status, 200, what)
          continue
        }
        const [own, others] = isForAdmins(endpoint) ? [keys.admin, keys.alpha] : [keys.alpha, keys.admin]
        for (
          const wrong of [
            undefined,
            "",
            "Bearer",
            "Bearer wrong-key-000000",
            `Bearer ${others}`,
            `Bearer ${sha256(keys.beta)}`,
            `Bearer sha256:${sha256(keys.beta)}`,
            `Basic ${btoa(`alpha:${own}`)}`,
            `Digest ${own}`,
            own
          ]
        ) {
          const reply = yield* call(endpoint, wrong)
          problemOf(reply, 401)
          assert.match(reply.headers["www-authenticate"] ?? "", /^Bearer\b/, what)
        }
        assert.notStrictEqual((yield* call(endpoint, `Bearer ${own}`)).status, 401, what)
      }
      assert.strictEqual((yield* ask(url, "Tea", as(keys.beta))).status, 200, "a key whose hash is configured")
      for (const key of Object.values(keys)) assert.notInclude(logs().join("\n"), key)
    }), timeout)

  it.live("a file of hashes is enough, and its limits are each key's own", () =>
    Effect.gen(function*() {
      const path = join(yield* freshDirectory, "keys.json")
      writeFileSync(
        path,
        JSON.stringify([
          { namespace: "alpha", sha256: sha256(keys.alpha), requests_per_minute: 1 },
          { namespace: "beta", sha256: sha256(keys.beta) }
        ])
      )
      const { logs, url } = yield* start({ API_KEYS_FILE: path, HOST: "0.0.0.0" })
      const local = url.replace("0.0.0.0", "127.0.0.1")
      const first = yield* ask(local, "Tea", as(keys.alpha))
      assert.strictEqual(generationOf(first).source, "live")
      assert.strictEqual(first.headers["ratelimit-policy"], "\"minute\";q=1;w=60")
      problemOf(yield* ask(local, "Tea", as(keys.alpha)), 429)
      const other = yield* ask(local, "Tea", as(keys.beta))
      assert.strictEqual(generationOf(other).source, "live")
      assert.isUndefined(other.headers["ratelimit-policy"], "nothing is limited for this one")
      problemOf(yield* ask(local, "Tea"), 401)
      assert.notInclude(logs().join("\n"), "NO KEY IS NEEDED")
    }), timeout)
})

describe("a key's limits", () => {
  const standing = ({ headers }: Reply) => [headers["ratelimit-policy"], headers["ratelimit"]]

  it.live("are told with every answer, and 429 says when to come back", () =>
    Effect.gen(function*() {
      const { provider, url } = yield* start({
        API_KEYS: `alpha:${keys.alpha},beta:${keys.beta}`,
        KEY_REQUESTS_PER_MINUTE: "4",
        TEMPLATES_DIR: "none",
        MAX_ATTEMPTS: "1"
      })
      const policy = "\"minute\";q=4;w=60"
      const told = (reply: Reply, left: number) => {
        assert.strictEqual(reply.headers["ratelimit-policy"], policy)
        assert.match(String(reply.headers["ratelimit"]), new RegExp(`^"minute";r=${left};t=(?:60|5\\d)$`))
      }
      told(yield* ask(url, "Tea", as(keys.alpha)), 3)
      const wrong = yield* ask(url, { prompt: 7 }, as(keys.alpha))
      problemOf(wrong, 400)
      told(wrong, 2)
      yield* provider.respondWithEach([Mode.status(400), Mode.status(500)])
      const refused = yield* ask(url, "Something else", as(keys.alpha))
      problemOf(refused, 422)
      told(refused, 1)
      const unavailable = yield* ask(url, "And something else", as(keys.alpha))
      problemOf(unavailable, 503)
      told(unavailable, 0)

      const calls = provider.counts().received
      for (let n = 0; n < 3; n++) {
        const limited = yield* ask(url, "Tea", as(keys.alpha))
        const problem = problemOf(limited, 429)
        assert.strictEqual(problem.type, "urn:understudy:problem:rate-limited")
        assert.isAtLeast(problem.retry_after ?? 0, 50)
        assert.strictEqual(limited.headers["retry-after"], String(problem.retry_after))
        told(limited, 0)
      }
      assert.strictEqual(provider.counts().received, calls, "the provider hears nothing of them")
      // It is the key that is limited, and only where it generates.
      told(yield* ask(url, "Tea", as(keys.beta)), 3)
      const metrics = yield* send(`${url}/metrics`, as(keys.alpha))
      assert.match(metrics.text, /^understudy_key_refusals_total\{limit="minute"\} [3-9]/m)
      assert.deepStrictEqual(standing(metrics), [undefined, undefined])
      problemOf(yield* send(`${url}/generations/none/quarantine`, { method: "POST", ...as(keys.alpha) }), 404)
    }), timeout)

  it.live(
    "hold a place for each request in flight, and free it when it is answered or its client goes away",
    () =>
      Effect.gen(function*() {
        const { provider, url } = yield* start({ API_KEYS: `alpha:${keys.alpha}`, KEY_CONCURRENCY: "2" })
        yield* provider.respondWith(Mode.hangBeforeHeaders)
        const waiting = yield* Effect.forkChild(ask(url, "Tea", as(keys.alpha)))
        const leaving = yield* Effect.forkChild(ask(url, "Coffee", as(keys.alpha)))
        yield* provider.until(({ inFlight }) => inFlight === 2)
        const third = yield* ask(url, "Cocoa", as(keys.alpha))
        problemOf(third, 429)
        assert.deepStrictEqual(standing(third), [
          "\"concurrency\";q=2;qu=\"concurrent-requests\"",
          "\"concurrency\";r=0"
        ])
        assert.strictEqual(third.headers["retry-after"], "1")

        yield* provider.respondWith(Mode.answer)
        yield* Fiber.interrupt(leaving)
        const answered = yield* eventually(
          ask(url, "Cocoa", as(keys.alpha)),
          ({ status }) => status === 200,
          "the place of the one that left is free"
        )
        assert.strictEqual(answered.headers["ratelimit"], "\"concurrency\";r=0", "its own place is the second")
        yield* Fiber.interrupt(waiting)
        yield* eventually(
          ask(url, "Cocoa", as(keys.alpha)),
          ({ headers }) => headers["ratelimit"] === "\"concurrency\";r=1",
          "both are free"
        )
      }),
    timeout
  )

  it.live("are those of everybody together when no key is needed", () =>
    Effect.gen(function*() {
      const { logs, url } = yield* start({ KEY_REQUESTS_PER_MINUTE: "1", HOST: "127.0.0.2" })
      assert.strictEqual((yield* ask(url, "Tea")).status, 200)
      problemOf(yield* ask(url, "Tea", as("some-other-key-000")), 429)
      assert.notInclude(logs().join("\n"), "NO KEY IS NEEDED", "all of 127.0.0.0/8 is the loopback")
    }), timeout)
})

describe("without keys", () => {
  it.live("a service that others can reach says so at its start, as a warning", () =>
    Effect.gen(function*() {
      const { logs } = yield* start({ HOST: "0.0.0.0" })
      const warning = logs().find((line) => line.includes("NO KEY IS NEEDED")) ?? ""
      assert.match(warning, /level=WARN.*every network interface of this machine.*API_KEYS/i)
    }), timeout)
})
