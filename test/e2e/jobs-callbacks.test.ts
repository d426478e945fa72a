/** Callbacks of the real service: told of every end, verified as a receiver would, sent again, and given up. */
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Webhook } from "standardwebhooks"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, problemOf, send } from "../support/http.ts"
import { cancel, type Headers, type JobShown, jobUntil, prefer, submit, submitChat } from "../support/jobsOverHttp.ts"
import { answering, receiver, secret } from "../support/receivers.ts"
import { Service } from "../support/service.ts"

const env = {
  API_KEYS: "alpha:alpha-key-0001,beta:beta-key-0001",
  WEBHOOK_ALLOW: "127.0.0.1",
  WEBHOOK_SECRETS: `alpha:${secret}`,
  MAX_ATTEMPTS: "1",
  TEMPLATES_DIR: "none",
  BREAKER_FAILURES: "100000"
}

const alpha: Headers = { authorization: "Bearer alpha-key-0001" }
const beta: Headers = { authorization: "Bearer beta-key-0001" }

const Told = Schema.Struct({ type: Schema.String, timestamp: Schema.String, data: Schema.Unknown })
const verified = (delivery: { readonly body: string; readonly headers: Record<string, string> }) =>
  Schema.decodeUnknownSync(Told, { onExcessProperty: "error" })(
    new Webhook(secret).verify(delivery.body, delivery.headers)
  )

/** What a job is apart from what changes with each attempt to tell of it. */
const told = (job: JobShown) => {
  const { callback: _, expires_at: __, ...rest } = job
  return rest
}

const callbackUntil = (url: string, id: string, status: string) =>
  jobUntil(url, id, ({ callback }) => callback?.status === status, `has its callback ${status}`, alpha)

layer(Service.layer("openai", env), { excludeTestServices: true, timeout: "60 seconds" })("a callback", (it) => {
  it.effect("tells of success, failure and cancelation, in what a receiver verifies and GET shows", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const { calls, respondWithEach, until } = yield* FaultServer
      const to = yield* receiver(answering(204))
      const callback_url = `http://127.0.0.1:${to.port}/hooks`
      yield* respondWithEach([Mode.answer, Mode.status(400), Mode.hangBeforeHeaders])
      const ids: Array<string> = []
      for (
        const asked of [
          submit(url, { prompt: "Write", callback_url }, alpha),
          submitChat(url, { messages: [{ role: "user", content: "Write" }], callback_url }, alpha),
          submit(url, { prompt: "Write on", callback_url }, alpha)
        ]
      ) {
        const { id } = yield* asked
        ids.push(id)
        yield* until(({ received }) => received === ids.length)
        if (ids.length === 3) yield* cancel(url, id, alpha)
        const job = yield* callbackUntil(url, id, "delivered")
        const delivery = to.deliveries[ids.length - 1]
        assert.isDefined(delivery)
        const { data, timestamp, type } = verified(delivery)
        assert.strictEqual(type, `job.${["succeeded", "failed", "canceled"][ids.length - 1]}`)
        assert.strictEqual(timestamp, job.ended_at)
        assert.deepEqual(data, told(job))
        assert.deepEqual(job.callback, { url: callback_url, status: "delivered", attempts: 1, last_error: null })
        assert.strictEqual(delivery.headers["user-agent"], "Understudy")
      }
      assert.lengthOf(to.deliveries, 3)
      assert.strictEqual(new Set(to.deliveries.map(({ headers }) => headers["webhook-id"])).size, 3)
      assert.notMatch(JSON.stringify(calls().map(({ body }) => body)), /callback_url|hooks/)
      const [delivery] = to.deliveries
      assert.throws(() => new Webhook(secret).verify(`${delivery?.body} `, delivery?.headers ?? {}))
    }))

  it.effect("that fails comes again under its name; one that is given up is listed, and goes out when asked for", () =>
    Effect.gen(function*() {
      const { logs, url } = yield* Service
      let status = 500
      const flaky = yield* receiver((response) => {
        answering(status)(response)
        status = 200
      })
      const { id } = yield* submit(url, { prompt: "Again", callback_url: `http://127.0.0.1:${flaky.port}/` }, alpha)

      let gone = 410
      const full = yield* receiver((response) => answering(gone)(response))
      const dead = yield* submit(url, { prompt: "Gone", callback_url: `http://127.0.0.1:${full.port}/` }, alpha)
      const failed = yield* callbackUntil(url, dead.id, "failed")
      assert.strictEqual(failed.callback?.attempts, 1)
      assert.match(failed.callback?.last_error ?? "", /410/)
      assert.isTrue(logs().some((line) => line.includes(dead.id) && line.includes("given up")))
      const letters = (yield* send(`${url}/jobs?callback=failed`, { headers: alpha })).text
      assert.include(letters, dead.id)
      assert.notInclude(letters, id)

      problemOf(yield* send(`${url}/jobs/${id}/callback`, { method: "POST", headers: alpha }), 404)
      gone = 204
      const again = yield* send(`${url}/jobs/${dead.id}/callback`, { method: "POST", headers: alpha })
      assert.strictEqual(again.status, 202, again.text)
      yield* callbackUntil(url, dead.id, "delivered")
      assert.strictEqual(full.deliveries.length, 2)
      assert.deepEqual(
        (yield* send(`${url}/jobs?callback=failed`, { headers: alpha })).text,
        "{\"jobs\":[],\"next\":null}"
      )

      const done = yield* callbackUntil(url, id, "delivered")
      assert.deepInclude(done.callback, { attempts: 2 })
      const [first, second] = flaky.deliveries
      assert.strictEqual(first?.headers["webhook-id"], second?.headers["webhook-id"])
      assert.notStrictEqual(first?.headers["webhook-timestamp"], second?.headers["webhook-timestamp"])
      for (const delivery of [...flaky.deliveries, ...full.deliveries]) verified(delivery)
    }))

  it.effect("needs a target that is allowed, a secret, and a job", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const { counts } = yield* FaultServer
      const before = counts().received
      const refusal = (request: object, headers: Headers) =>
        Effect.map(ask(url, request, { headers }), (reply) => {
          const { errors } = problemOf(reply, 400)
          assert.deepStrictEqual(errors?.map(({ path }) => path), ["body.callback_url"])
          return errors?.[0]?.message ?? ""
        })
      const allowed = { prompt: "Write", callback_url: "http://127.0.0.1:9/" }
      const others = { prompt: "Write", callback_url: "https://127.0.0.2:9/" }
      for (const wish of ["respond-async", "wait=1", "upgrade"]) {
        assert.match(yield* refusal(others, { ...alpha, ...prefer(wish) }), /public address/)
        assert.match(yield* refusal(allowed, { ...beta, ...prefer(wish) }), /"beta" has no secret/)
      }
      assert.match(yield* refusal(allowed, alpha), /Only a job calls back/)
      assert.strictEqual(counts().received, before)
    }))
})
