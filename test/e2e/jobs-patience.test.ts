/** Jobs while the provider is down: they wait, go live when they can, and end with the fallback when they must. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { askChat, chatStreamOf, completionOf, generateStreamOf } from "../support/answers.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, remembered } from "../support/http.ts"
import { ended, jobAt, jobUntil, prefer, submit, submitChat } from "../support/jobsOverHttp.ts"
import { type Environment, ownDatabase, providerOf, startService } from "../support/service.ts"

const start = Effect.fnUntraced(function*(env: Environment) {
  const provider = yield* FaultServer.make
  const { url } = yield* startService({
    ...providerOf(provider),
    ...(yield* ownDatabase),
    MAX_ATTEMPTS: "1",
    TEMPLATES_DIR: "none",
    ...env
  })
  return { provider, url }
})

const prompt = "Write a blog post about sourdough starters"

describe("a job while the provider is down", () => {
  it.live("waits for the circuit without asking, and goes live once the provider is back", () =>
    Effect.gen(function*() {
      const { provider, url } = yield* start({ BREAKER_FAILURES: "1", BREAKER_COOLDOWN: "1500 millis" })
      yield* provider.respondWith(Mode.status(500))
      const first = yield* submit(url, prompt)
      yield* jobUntil(url, first.id, ({ status }) => status === "waiting", "waits")
      const second = yield* submit(url, "Write about rye")
      const waiting = yield* jobUntil(url, second.id, ({ status }) => status === "waiting", "waits")
      assert.deepInclude(waiting, { waiting_for: "circuit_open", attempts: 0, result: null, error: null })
      const wait = Date.parse(waiting.next_try_at ?? "") - Date.parse(waiting.created_at)
      assert.isAbove(wait, 0)
      assert.isBelow(wait, 8_000)
      yield* provider.respondWith(Mode.answer)
      for (const { id } of [first, second]) {
        const done = yield* ended(url, id)
        assert.deepInclude(done, { status: "succeeded", waiting_for: null, next_try_at: null })
        assert.nestedPropertyVal(done, "result.source", "live")
      }
    }))

  it.live("ends at its deadline: with an earlier answer, or with why there is none", () =>
    Effect.gen(function*() {
      const { provider, url } = yield* start({ JOB_DEADLINE: "1 second", BREAKER_FAILURES: "100000" })
      const { id } = generationOf(yield* ask(url, prompt))
      yield* remembered(url, 0)
      yield* provider.respondWith(Mode.status(500))
      const cached = yield* submit(url, prompt)
      const none = yield* submit(url, "Enumerate prime numbers")
      const chat = yield* submitChat(url, "Enumerate prime numbers")
      const fallback = yield* ended(url, cached.id)
      assert.deepInclude(fallback, { status: "succeeded", attempts: 1, error: null })
      assert.deepNestedInclude(fallback, {
        "result.source": "cache",
        "result.id": id,
        "result.fallback.reason": "unavailable",
        "result.fallback.match": "exact"
      })
      const failed = yield* ended(url, none.id)
      assert.deepInclude(failed, { status: "failed", attempts: 1, result: null })
      assert.deepInclude(failed.error, { type: "urn:understudy:problem:unavailable", status: 503 })
      const failedChat = yield* ended(url, chat.id)
      assert.deepInclude(failedChat, { status: "failed", result: null })
      assert.deepInclude(failedChat.error, { type: "server_error", code: "unavailable" })
    }))

  it.live("ends with a template where there is one", () =>
    Effect.gen(function*() {
      const { provider, url } = yield* start({ JOB_DEADLINE: "1 second", TEMPLATES_DIR: "templates" })
      yield* provider.respondWith(Mode.status(500))
      const done = yield* ended(url, (yield* submit(url, prompt)).id)
      assert.deepNestedInclude(done, { "result.source": "template", "result.fallback.reason": "unavailable" })
    }))
})

describe("an upgrade", () => {
  it.live("of a fallback fetches the live draft, which is the fallback from then on", () =>
    Effect.gen(function*() {
      const { provider, url } = yield* start({ BREAKER_FAILURES: "100000", JOB_WORKERS: "4" })
      const upgrade = prefer("upgrade")
      const live = yield* ask(url, prompt, { headers: upgrade })
      assert.deepInclude(generationOf(live), { source: "live", upgrade: null })
      assert.isUndefined(live.headers["understudy-upgrade"])
      assert.isNull(completionOf(yield* askChat(url, "Write about rye", upgrade)).understudy.upgrade)
      yield* remembered(url, 0, 2)

      yield* provider.respondWith(Mode.status(500))
      const keyed = { ...upgrade, "idempotency-key": "one" }
      const reply = yield* ask(url, prompt, { headers: keyed })
      const old = generationOf(reply)
      assert.deepStrictEqual([old.source, old.text], ["cache", `Answer to: ${prompt}`])
      const job = yield* jobAt(url, old.upgrade?.job ?? "")
      assert.strictEqual(job.upgrade_of, old.id)
      assert.strictEqual(reply.headers["understudy-upgrade"], old.upgrade?.location)
      const again = yield* ask(url, prompt, { headers: keyed })
      assert.deepEqual(generationOf(again).upgrade, old.upgrade)
      assert.strictEqual(again.headers["idempotent-replayed"], "true")

      const pieces = yield* ask(url, prompt, { headers: { ...upgrade, accept: "text/event-stream" } })
      const streamed = generateStreamOf(pieces)
      assert.include(pieces.text.split("\n\n")[0] ?? "", `"upgrade":${JSON.stringify(streamed.upgrade)}`)
      const chunks = chatStreamOf(
        yield* askChat(url, { messages: [{ role: "user", content: prompt }], stream: true, upgrade: true })
      )
      const others = [streamed.upgrade?.job ?? "", chunks.chunks[0]?.understudy?.upgrade?.job ?? ""]
      for (const id of others) assert.strictEqual((yield* jobAt(url, id)).upgrade_of, old.id)

      yield* provider.respondWith(Mode.say("A new draft"))
      const done = yield* ended(url, job.id)
      assert.deepNestedInclude(done, { "result.source": "live", "result.text": "A new draft" })
      for (const id of others) yield* ended(url, id)
      yield* provider.respondWith(Mode.status(500))
      const now = yield* eventually(
        Effect.map(ask(url, prompt), generationOf),
        ({ text }) => text === "A new draft",
        "the new draft is the fallback",
        Duration.seconds(5)
      )
      assert.strictEqual(now.source, "cache")
    }))
})
