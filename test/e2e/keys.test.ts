/** Keys over the wire: what opens what, and how much each may ask for. One service with keys, and one without. */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Api } from "../../src/http/api/Api.ts"
import { askChat, chatErrorOf, chatOf, chatStreamOf, completionOf } from "../support/answers.ts"
import { freshDirectory } from "../support/databases.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { gate } from "../support/gates.ts"
import { HeaderValue } from "../support/hostile.ts"
import { ask, eventually, generationOf, problemOf, type Reply, send } from "../support/http.ts"
import { Service } from "../support/service.ts"

const sha256 = (key: string) => createHash("sha256").update(key).digest("hex")
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const as = (key: string) => ({ headers: bearer(key) })

const keys = { alpha: "key-of-alpha-1234", beta: "key-of-beta-5678", admin: "key-of-the-admin-90" }

/** In the file, each with limits of its own; one for each test, for nothing gives a minute back. */
const filed = {
  once: { requests_per_minute: 1 },
  minute: { requests_per_minute: 4 },
  minuteOfChats: { requests_per_minute: 4 },
  places: { concurrency: 2 },
  placesOfChats: { concurrency: 2 },
  placeOfStream: { concurrency: 1 }
} as const
const keyOf = (name: keyof typeof filed) => `key-in-the-file-of-${name}`

const options = { excludeTestServices: true, timeout: "60 seconds" } as const
const common = { TEMPLATES_DIR: "none", MAX_ATTEMPTS: "1", BREAKER_FAILURES: "1000000", HOST: "0.0.0.0" }

const withKeys = Layer.unwrap(Effect.map(freshDirectory, (directory) => {
  const path = join(directory, "keys.json")
  const entries = Object.entries(filed).map(([name, limits]) => ({
    namespace: "filed",
    sha256: sha256(`key-in-the-file-of-${name}`),
    ...limits
  }))
  writeFileSync(path, JSON.stringify(entries))
  return Service.layer("openai", {
    ...common,
    API_KEYS: `alpha:${keys.alpha},beta:sha256:${sha256(keys.beta)}`,
    API_KEYS_FILE: path,
    ADMIN_KEYS: keys.admin
  })
}))

/** With an address that can be called: it listens on all of them. */
const TheService = Effect.map(Service, (service) => ({ ...service, url: service.url.replace("0.0.0.0", "127.0.0.1") }))

/** Every endpoint of the contract, also those that will be added. */
const endpoints = Object.values(Api.groups).flatMap((group) =>
  Object.values(group.endpoints).map(({ method, path }) => ({ method, path: path.replaceAll(/:\w+/g, "some") }))
)
const isOpen = ({ path }: { readonly path: string }) => path.startsWith("/health/")
const isForAdmins = ({ path }: { readonly path: string }) => path.startsWith("/admin/")

const standing = ({ headers }: Reply) => [headers["ratelimit-policy"], headers["ratelimit"]]

/** An endpoint that generates, and its errors. */
interface Side {
  readonly what: string
  readonly ask: (url: string, request: string | object, key: string) => Effect.Effect<Reply, Error>
  readonly wrong: object
  readonly answer: (reply: Reply) => unknown
  readonly failed: (reply: Reply, status: number) => void
  readonly refusal: number
  readonly minute: keyof typeof filed
  readonly places: keyof typeof filed
}

const sides: ReadonlyArray<Side> = [{
  what: "POST /generate",
  ask: (url, request, key) => ask(url, request, as(key)),
  wrong: { prompt: 7 },
  answer: generationOf,
  failed: problemOf,
  refusal: 422,
  minute: "minute",
  places: "places"
}, {
  what: "chats",
  ask: (url, request, key) => askChat(url, request, bearer(key)),
  wrong: { messages: 7 },
  answer: completionOf,
  failed: chatErrorOf,
  refusal: 400,
  minute: "minuteOfChats",
  places: "placesOfChats"
}]

layer(withKeys, options)("with keys", (it) => {
  it.effect("every endpoint but health needs one that opens it, and no other will do", () =>
    Effect.gen(function*() {
      const { logs, url } = yield* TheService
      const call = ({ method, path }: { readonly method: string; readonly path: string }, authorization?: string) =>
        send(url + path, {
          method,
          headers: { "content-type": "application/json", ...authorization === undefined ? {} : { authorization } },
          body: method === "POST" ? "{}" : undefined
        })
      assert.isAtLeast(endpoints.filter((endpoint) => !isOpen(endpoint)).length, 9)
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
          if (endpoint.path.startsWith("/v1/")) assert.strictEqual(chatErrorOf(reply, 401).code, "invalid_api_key")
          else problemOf(reply, 401)
          assert.match(reply.headers["www-authenticate"] ?? "", /^Bearer\b/, what)
          assert.deepStrictEqual(standing(reply), [undefined, undefined])
        }
        assert.notStrictEqual((yield* call(endpoint, `Bearer ${own}`)).status, 401, what)
      }
      assert.strictEqual((yield* ask(url, "Tea", as(keys.beta))).status, 200, "a key whose hash is configured")
      for (const key of Object.values(keys)) assert.notInclude(logs().join("\n"), key)
    }))

  it.effect.prop("nothing else opens anything", [HeaderValue], ([authorization]) =>
    Effect.gen(function*() {
      const { url } = yield* TheService
      problemOf(yield* ask(url, "Tea", { headers: { authorization } }), 401)
      chatErrorOf(yield* askChat(url, "Tea", { authorization }), 401)
    }), { arbitrary: { runs: 40 } })

  it.effect("those of a file of hashes are as good, and each one's limits are its own", () =>
    Effect.gen(function*() {
      const { logs, url } = yield* TheService
      const first = yield* ask(url, "Tea", as(keyOf("once")))
      assert.strictEqual(generationOf(first).source, "live")
      assert.strictEqual(first.headers["ratelimit-policy"], "\"minute\";q=1;w=60")
      problemOf(yield* ask(url, "Tea", as(keyOf("once"))), 429)
      const other = yield* ask(url, "Tea", as(keys.alpha))
      assert.strictEqual(generationOf(other).source, "live")
      assert.isUndefined(other.headers["ratelimit-policy"], "nothing is limited for this one")
      problemOf(yield* ask(url, "Tea"), 401)
      assert.notInclude(logs().join("\n"), "NO KEY IS NEEDED")
    }))

  for (const side of sides) {
    it.effect(`a key's minute is told with every answer of ${side.what}, and 429 says when to come back`, () =>
      Effect.gen(function*() {
        const { url } = yield* TheService
        const provider = yield* FaultServer
        const key = keyOf(side.minute)
        const told = (reply: Reply, left: number) => {
          assert.strictEqual(reply.headers["ratelimit-policy"], "\"minute\";q=4;w=60")
          assert.match(String(reply.headers["ratelimit"]), new RegExp(`^"minute";r=${left};t=(?:60|[45]\\d)$`))
        }
        const answered = yield* side.ask(url, "Tea", key)
        side.answer(answered)
        told(answered, 3)
        const wrong = yield* side.ask(url, side.wrong, key)
        side.failed(wrong, 400)
        told(wrong, 2)
        yield* provider.respondWithEach([Mode.status(400), Mode.status(500)])
        const refused = yield* side.ask(url, "Something else", key)
        side.failed(refused, side.refusal)
        told(refused, 1)
        const unavailable = yield* side.ask(url, `And something else, ${side.what}`, key)
        side.failed(unavailable, 503)
        told(unavailable, 0)

        const calls = provider.counts().received
        for (let n = 0; n < 3; n++) {
          const limited = yield* side.ask(url, "Tea", key)
          side.failed(limited, 429)
          assert.match(limited.text, /At most 4 requests a minute|"rate_limit_exceeded"/)
          assert.isAtLeast(Number(limited.headers["retry-after"]), 40)
          told(limited, 0)
        }
        assert.strictEqual(provider.counts().received, calls, "the provider hears nothing of them")
        // It is the key that is limited, and only where it generates.
        side.answer(yield* side.ask(url, "Tea", keys.alpha))
        const models = yield* send(`${url}/v1/models`, as(key))
        assert.strictEqual(models.status, 200)
        const metrics = yield* send(`${url}/metrics`, as(key))
        assert.match(metrics.text, /^understudy_key_refusals_total\{limit="minute"\} [3-9]/m)
        assert.deepStrictEqual([...standing(metrics), ...standing(models)], Array.from({ length: 4 }, () => undefined))
        problemOf(yield* send(`${url}/generations/none/quarantine`, { method: "POST", ...as(key) }), 404)
      }))

    it.effect(`each request of ${side.what} in flight holds a place, until it is answered or its client goes away`, () =>
      Effect.gen(function*() {
        const { url } = yield* TheService
        const provider = yield* FaultServer
        const key = keyOf(side.places)
        const before = provider.counts().inFlight
        yield* provider.respondWithEach([Mode.hangBeforeHeaders, Mode.hangBeforeHeaders])
        const waiting = yield* Effect.forkChild(side.ask(url, `Tea of ${side.what}`, key))
        const leaving = yield* Effect.forkChild(side.ask(url, `Coffee of ${side.what}`, key))
        yield* provider.until(({ inFlight }) => inFlight === before + 2)
        const third = yield* side.ask(url, "Cocoa", key)
        side.failed(third, 429)
        assert.deepStrictEqual(standing(third), [
          "\"concurrency\";q=2;qu=\"concurrent-requests\"",
          "\"concurrency\";r=0"
        ])
        assert.strictEqual(third.headers["retry-after"], "1")

        yield* Fiber.interrupt(leaving)
        const cocoa = side.ask(url, "Cocoa", key)
        const answered = yield* eventually(
          cocoa,
          ({ status }) => status === 200,
          "the place of the one that left is free"
        )
        assert.strictEqual(answered.headers["ratelimit"], "\"concurrency\";r=0", "its own place is the second")
        yield* Fiber.interrupt(waiting)
        yield* eventually(cocoa, ({ headers }) => headers["ratelimit"] === "\"concurrency\";r=1", "both are free")
      }))
  }

  it.effect("a streamed chat holds its place until its last byte, and gives it back when its client goes away", () =>
    Effect.gen(function*() {
      const { url } = yield* TheService
      const provider = yield* FaultServer
      const key = keyOf("placeOfStream")
      const { mode, open } = gate()
      yield* provider.respondWithEach([mode, mode])
      const streamed = (text: string) => askChat(url, chatOf(text, { stream: true }), bearer(key))
      const begun = (reading: Effect.Effect<Reply, Error>) =>
        Effect.gen(function*() {
          const { received } = provider.counts()
          const fiber = yield* Effect.forkChild(reading)
          yield* provider.until((now) => now.received > received)
          const second = yield* streamed("Another story")
          assert.strictEqual(chatErrorOf(second, 429).code, "rate_limit_exceeded")
          assert.strictEqual(second.headers["ratelimit"], "\"concurrency\";r=0")
          return fiber
        })
      const read = yield* begun(streamed("A story to be read"))
      open()
      assert.strictEqual(chatStreamOf(yield* Fiber.join(read)).text, "Once upon a time")

      const left = yield* begun(streamed("A story to be left"))
      yield* Fiber.interrupt(left)
      const next = yield* eventually(streamed("The next story"), ({ status }) => status === 200, "its place is free")
      assert.strictEqual(chatStreamOf(next).text, "Answer to: The next story")
      assert.strictEqual(next.headers["ratelimit"], "\"concurrency\";r=0")
    }))
})

layer(Service.layer("openai", { ...common, KEY_REQUESTS_PER_MINUTE: "2" }), options)("without keys", (it) => {
  it.effect("a service that others can reach says so at its start, as a warning", () =>
    Effect.gen(function*() {
      const { logs } = yield* TheService
      const warning = logs().find((line) => line.includes("NO KEY IS NEEDED")) ?? ""
      assert.match(warning, /level=WARN.*every network interface of this machine.*API_KEYS/i)
    }))

  it.effect("the limits are those of everybody together", () =>
    Effect.gen(function*() {
      const { url } = yield* TheService
      generationOf(yield* ask(url, "Tea"))
      completionOf(yield* askChat(url, "Tea"))
      problemOf(yield* ask(url, "Tea", as("some-other-key-000")), 429)
      chatErrorOf(yield* askChat(url, "Tea", bearer("and-another-key-00")), 429)
    }))
})
