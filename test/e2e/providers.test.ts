/** Several providers over real sockets, and the operator's hand on their circuits. */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, noStore, problemOf, send } from "../support/http.ts"
import { ownDatabase, startService } from "../support/service.ts"

const adminKey = "operator-key-0123456789"
const asAdmin = { authorization: `Bearer ${adminKey}` }

/** Two fault servers behind one service. */
const start = Effect.gen(function*() {
  const first = yield* FaultServer.make
  const second = yield* FaultServer.make
  const fs = yield* FileSystem.FileSystem
  const path = yield* fs.makeTempFileScoped({ suffix: ".json" })
  const provider = (name: string, base_url: string) => ({ name, base_url, model: `${name}-model`, api_key_env: "KEY" })
  yield* fs.writeFileString(
    path,
    JSON.stringify({ providers: [provider("first", first.openAiUrl), provider("second", second.openAiUrl)] })
  )
  const service = yield* startService({
    AI_PROVIDERS_FILE: path,
    KEY: "provider-key-0123456789",
    ADMIN_KEYS: adminKey,
    // With another provider to ask nobody waits longer than this for a permit: less than a busy machine may pause.
    RETRY_BASE_DELAY: "200 millis",
    ATTEMPT_TIMEOUT: "500 millis",
    TOTAL_TIMEOUT: "3 seconds",
    ...(yield* ownDatabase)
  })
  return { ...service, first, second }
})

const control = (url: string, key: string, action: string, headers: Record<string, string> = asAdmin) =>
  send(`${url}/admin/circuits/${encodeURIComponent(key)}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ action })
  })

const circuits = (url: string) => Effect.map(send(`${url}/admin/circuits`, { headers: asAdmin }), ({ text }) => text)

describe("two providers", () => {
  it.live("the second answers live while the first one is out, in every way of being out", () =>
    Effect.gen(function*() {
      const { first, second, url } = yield* start
      for (
        const mode of [Mode.status(500), Mode.hangBeforeHeaders, Mode.status(401), Mode.rateLimited("60"), Mode.html]
      ) {
        yield* first.respondWith(mode)
        const generation = generationOf(yield* ask(url, "Write about tea", noStore))
        assert.deepInclude(generation, { source: "live", provider: "second" })
      }
      assert.isAbove(second.counts().received, 4)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("a refusal of the first one is the user's to hear, and the second is not asked", () =>
    Effect.gen(function*() {
      const { first, second, url } = yield* start
      yield* first.respondWith(Mode.status(422))
      problemOf(yield* ask(url, "Write about tea", noStore), 422)
      assert.strictEqual(second.counts().received, 0)
    }).pipe(Effect.provide(NodeServices.layer)))
})

describe("the operator", () => {
  it.live("needs an admin key", () =>
    Effect.gen(function*() {
      const { url } = yield* start
      for (const headers of [{}, { authorization: "Bearer wrong-key-0123456789" }]) {
        const reply = yield* send(`${url}/admin/circuits`, { headers })
        problemOf(reply, 401)
        assert.strictEqual(reply.headers["www-authenticate"], "Bearer")
        problemOf(yield* control(url, "first", "force-open", headers), 401)
      }
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("sees the circuits, with the failures that opened one", () =>
    Effect.gen(function*() {
      const { first, url } = yield* start
      yield* first.respondWith(Mode.status(500))
      yield* Effect.forEach([1, 2, 3], (n) => ask(url, `Write ${n}`, noStore))
      // A shared circuit goes on from memory while its store is slow, and catches up.
      const text = yield* eventually(
        circuits(url),
        (text) => /"key":"first","state":"open","since":"20[^"]+Z"/.test(text),
        "the circuit of the first is open"
      )
      assert.include(text, "status 500")
      assert.match(text, /"remaining_seconds":[1-9]/)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("forces a circuit open, closed, and lets it go again", () =>
    Effect.gen(function*() {
      const { first, url } = yield* start
      const provider = Effect.map(ask(url, "Write about tea", noStore), (reply) => generationOf(reply).provider)
      assert.strictEqual(yield* provider, "first")
      assert.include((yield* control(url, "first", "force-open")).text, "\"state\":\"forced_open\"")
      assert.strictEqual(yield* provider, "second")
      assert.include((yield* control(url, "first", "force-close")).text, "\"state\":\"forced_closed\"")
      yield* first.respondWith(Mode.status(500))
      yield* Effect.forEach([1, 2, 3, 4], () => provider)
      assert.include(yield* circuits(url), "\"key\":\"first\",\"state\":\"forced_closed\"")
      yield* control(url, "first", "reset")
      yield* first.respondWith(Mode.answer)
      assert.strictEqual(yield* provider, "first")
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("hears what is wrong with a command", () =>
    Effect.gen(function*() {
      const { url } = yield* start
      assert.match(problemOf(yield* control(url, "third", "reset"), 404).detail ?? "", /first, second/)
      assert.match(problemOf(yield* control(url, "first", "explode"), 400).detail ?? "", /action/)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("finds attempts, retries, transitions and answers in the metrics", () =>
    Effect.gen(function*() {
      const { first, url } = yield* start
      yield* first.respondWith(Mode.status(500))
      yield* Effect.forEach([1, 2, 3, 4], (n) => ask(url, `Write ${n}`, noStore))
      const { text } = yield* send(`${url}/metrics`)
      for (
        const sample of [
          "understudy_attempts_total{provider=\"first\",result=\"AiUnavailable\"}",
          "understudy_retries_total{provider=\"first\",verdict=\"made\"}",
          "understudy_circuit_transitions_total{circuit=\"first\",from=\"Closed\",to=\"Open\"}",
          "understudy_circuit_rejections_total{circuit=\"first\"}",
          "understudy_circuit_state{circuit=\"first\"}",
          "understudy_answers_total{source=\"live\",reason=\"none\"}"
        ]
      ) assert.include(text, sample)
    }).pipe(Effect.provide(NodeServices.layer)))
})
