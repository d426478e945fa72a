/** `Idempotency-Key` over real sockets: the same request again gets the same answer, and nobody is asked twice. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { freshDatabase, urlOf, withoutServer, withServer } from "../support/databases.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, problemOf, send } from "../support/http.ts"
import { providerOf, Service, startService } from "../support/service.ts"

const keys = { alpha: "alpha-key-0001", beta: "beta-key-0001", admin: "admin-key-0001" }
const env = {
  API_KEYS: `alpha:${keys.alpha},beta:${keys.beta}`,
  ADMIN_KEYS: keys.admin,
  MAX_ATTEMPTS: "1",
  BREAKER_FAILURES: "100000",
  TEMPLATES_DIR: "none"
}

let count = 0
const freshKey = (): string => `key-${count++}`
const prompt = "Write about sourdough"

const keyed = Effect.fnUntraced(function*(
  key: string,
  request: string | object = prompt,
  { who = "alpha", ...more }: { readonly who?: keyof typeof keys; readonly [header: string]: string } = {}
) {
  const { url } = yield* Service
  const headers = { authorization: `Bearer ${keys[who]}`, "idempotency-key": key, "cache-control": "no-store", ...more }
  return yield* ask(url, request, { headers })
})

/** How often the provider is asked while this runs. */
const calls = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const provider = yield* FaultServer
    const before = provider.counts().received
    yield* effect
    return provider.counts().received - before
  })

layer(Service.layer("openai", env), { excludeTestServices: true, timeout: "60 seconds" })(
  "a request with an Idempotency-Key",
  (it) => {
    it.effect("gets the same answer however often it is sent, from one call of the provider, and says so", () =>
      Effect.gen(function*() {
        const key = freshKey()
        const asked = yield* calls(Effect.gen(function*() {
          const first = yield* keyed(key)
          assert.strictEqual(generationOf(first).source, "live")
          assert.isUndefined(first.headers["idempotent-replayed"])
          for (const sent of [key, `"${key}"`]) {
            const again = yield* keyed(sent)
            assert.strictEqual(again.text, first.text)
            assert.strictEqual(again.headers["idempotent-replayed"], "true")
            assert.strictEqual(generationOf(again).id, generationOf(first).id)
            assert.strictEqual(again.headers["cache-status"], first.headers["cache-status"])
          }
        }))
        assert.strictEqual(asked, 1)
      }))

    it.effect("is another one with another key, and every time without one", () =>
      Effect.gen(function*() {
        const { url } = yield* Service
        const headers = { authorization: `Bearer ${keys.alpha}`, "cache-control": "no-store" }
        const plain = () => ask(url, prompt, { headers })
        const asked = yield* calls(Effect.all([keyed(freshKey()), keyed(freshKey()), plain(), plain()]))
        assert.strictEqual(asked, 4)
      }))

    it.effect("is 422 when the key came with another body, or with headers that ask for another answer", () =>
      Effect.gen(function*() {
        const key = freshKey()
        const first = generationOf(yield* keyed(key))
        const asked = yield* calls(Effect.gen(function*() {
          const others = [
            yield* keyed(key, "Write about rye"),
            yield* keyed(key, { prompt, max_tokens: 7 }),
            yield* keyed(key, prompt, { accept: "text/event-stream" }),
            yield* keyed(key, prompt, { "cache-control": "stale-if-error=0" })
          ]
          for (const reply of others) {
            const { detail, type } = problemOf(reply, 422)
            assert.match(type, /idempotency-mismatch$/)
            assert.notInclude(detail, key)
          }
        }))
        assert.strictEqual(asked, 0)
        assert.strictEqual(generationOf(yield* keyed(key)).id, first.id)
      }))

    it.effect("is 409 with the time to come back while the first is under way, and 422 with another body", () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer
        const key = freshKey()
        let release = () => {}
        yield* provider.respondWithEach([(call) => {
          release = () => Mode.answer(call)
        }])
        const before = provider.counts().received
        const first = yield* Effect.forkChild(keyed(key))
        yield* provider.until(({ received }) => received > before)
        const reply = yield* keyed(key)
        const problem = problemOf(reply, 409)
        assert.match(problem.type, /idempotency-conflict$/)
        assert.deepStrictEqual([reply.headers["retry-after"], problem.retry_after], ["1", 1])
        problemOf(yield* keyed(key, "Write about rye"), 422)
        release()
        const { id } = generationOf(yield* Fiber.join(first))
        assert.strictEqual(generationOf(yield* keyed(key)).id, id)
        assert.strictEqual(provider.counts().received, before + 1)
      }))

    it.effect("of another namespace is another one, whatever its key", () =>
      Effect.gen(function*() {
        const key = freshKey()
        const one = generationOf(yield* keyed(key))
        const other = generationOf(yield* keyed(key, "Write about rye", { who: "beta" }))
        assert.notStrictEqual(other.id, one.id)
        assert.strictEqual(generationOf(yield* keyed(key)).id, one.id)
      }))

    it.effect("may be sent again after any failure: refused, unavailable, or given up by its client", () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer
        const key = freshKey()
        yield* provider.respondWithEach([Mode.status(400), Mode.status(500), Mode.hangBeforeHeaders])
        problemOf(yield* keyed(key), 422)
        problemOf(yield* keyed(key), 503)
        const before = provider.counts()
        const gone = yield* Effect.forkChild(keyed(key))
        yield* provider.until(({ received }) => received > before.received)
        yield* Fiber.interrupt(gone)
        yield* provider.until(({ aborted }) => aborted > before.aborted)
        const reply = yield* eventually(
          keyed(key, "Write about rye"),
          ({ status }) => status !== 422,
          "the key is free"
        )
        assert.strictEqual(generationOf(reply).source, "live")
        assert.isUndefined(reply.headers["idempotent-replayed"])
      }))

    it.effect("needs a key that is one: 400 with its place", () =>
      Effect.gen(function*() {
        for (const key of ["", "two words", "\"open", "x".repeat(256)]) {
          const { errors } = problemOf(yield* keyed(key), 400)
          assert.deepStrictEqual(errors?.map(({ path }) => path), ["header.idempotency-key"])
        }
        // What is wrong otherwise takes no key.
        const key = freshKey()
        problemOf(yield* keyed(key, { prompt: " " }), 400)
        assert.strictEqual(generationOf(yield* keyed(key)).source, "live")
      }))

    it.effect("is forgotten when its namespace is erased", () =>
      Effect.gen(function*() {
        const { url } = yield* Service
        const key = freshKey()
        const { id } = generationOf(yield* keyed(key, prompt, { who: "beta" }))
        const reply = yield* send(`${url}/admin/namespaces/beta`, {
          method: "DELETE",
          headers: { authorization: `Bearer ${keys.admin}` }
        })
        assert.match(reply.text, /"replays":[1-9]/)
        assert.notStrictEqual(generationOf(yield* keyed(key, prompt, { who: "beta" })).id, id)
      }))
  }
)

describe.skipIf(withoutServer)("with TEST_DATABASE_URL, a request with an Idempotency-Key", () => {
  it.live(
    "gets its answer from whichever instance is asked, and in time when the database hangs",
    () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer.make
        const database = urlOf(yield* freshDatabase)
        const start = startService({ ...env, ...providerOf(provider), DATABASE_URL: database })
        const [one, other] = [yield* start, yield* start]
        const sent = (url: string, key: string) =>
          ask(url, prompt, { headers: { authorization: `Bearer ${keys.alpha}`, "idempotency-key": key } })
        const first = generationOf(yield* sent(one.url, "shared"))
        assert.strictEqual(generationOf(yield* sent(other.url, "shared")).id, first.id)
        assert.strictEqual(provider.counts().received, 1)

        yield* withServer(
          (sql) =>
            sql.withTransaction(Effect.gen(function*() {
              yield* sql`LOCK TABLE understudy_idempotency IN ACCESS EXCLUSIVE MODE`
              const [took, reply] = yield* Effect.timed(sent(one.url, "alone"))
              assert.strictEqual(generationOf(reply).source, "live")
              assert.isBelow(Duration.toMillis(took), 4_000)
              assert.strictEqual(generationOf(yield* sent(one.url, "alone")).id, generationOf(reply).id)
            })),
          database
        )
        assert.strictEqual(provider.counts().received, 2)
      }),
    120_000
  )
})
