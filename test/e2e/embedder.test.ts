/** The whole service with an embedder over the network, which hangs, dies and comes back. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Scope } from "effect"
import { dimensions } from "../../src/domain/similarity/TextVector.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, metric, problemOf, remembered, send } from "../support/http.ts"
import { ownDatabase, providerOf, startService } from "../support/service.ts"

const prompt = "Write a blog post about sourdough starters"
const paraphrase = "Could you draft an article on sourdough starters, please?"
const circuit = "embedder:openai:acme/small"

const adminKey = "operator-key-0123456789"
const asAdmin = { authorization: `Bearer ${adminKey}` }

const control = (url: string, key: string, action: string) =>
  send(`${url}/admin/circuits/${encodeURIComponent(key)}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...asAdmin },
    body: JSON.stringify({ action })
  })

/** A service that has learnt one answer, and whose provider is out since. */
const start = Effect.fnUntraced(function*(
  embedder: FaultServer["Service"],
  env: Readonly<Record<string, string>> = {}
) {
  const provider = yield* FaultServer.make
  const service = yield* startService({
    ...providerOf(provider),
    ...(yield* ownDatabase),
    EMBEDDER: "openai",
    EMBEDDING_BASE_URL: embedder.openAiUrl,
    EMBEDDING_MODEL: "acme/small",
    EMBEDDING_DIMENSIONS: String(dimensions),
    EMBEDDING_TIMEOUT: "300 millis",
    ADMIN_KEYS: adminKey,
    MAX_ATTEMPTS: "1",
    ...env
  })
  const before = yield* metric(service.url, "understudy_cache_remembered_total")
  assert.strictEqual(generationOf(yield* ask(service.url, prompt)).source, "live")
  yield* remembered(service.url, before)
  yield* provider.respondWith(Mode.status(500))
  return { ...service, embedder }
})

const fallbackOf = (url: string, text: string) =>
  Effect.map(ask(url, text), (reply) => {
    const { fallback, source } = generationOf(reply)
    return [source, fallback?.match ?? null] as const
  })

const degraded = (url: string) =>
  Effect.map(send(`${url}/health/ready`), ({ text }) => /\{"what":"embedder","why":"([^"]+)"\}/.exec(text)?.[1])

const timed = Effect.fnUntraced(function*<A, E, R>(self: Effect.Effect<A, E, R>) {
  const begin = yield* Clock.currentTimeMillis
  const value = yield* self
  return [value, (yield* Clock.currentTimeMillis) - begin] as const
})

describe("an embedder over the network", () => {
  it.live("that hangs costs a few lookups its deadline, then nobody; exact answers go on, similar ones come back", () =>
    Effect.gen(function*() {
      const { embedder, url } = yield* start(yield* FaultServer.make, { BREAKER_COOLDOWN: "6 seconds" })
      assert.deepStrictEqual(yield* fallbackOf(url, paraphrase), ["cache", "similar"])
      assert.isUndefined(yield* degraded(url))

      yield* embedder.respondWith(Mode.hangBeforeHeaders)
      const asked = embedder.counts().received
      assert.deepStrictEqual(yield* fallbackOf(url, prompt), ["cache", "exact"])
      assert.strictEqual(embedder.counts().received, asked, "an exact match needs no vector")

      // How many and how long exactly is proven on virtual time; here a busy machine may add a failure of its own.
      for (let n = 0; n < 3; n++) assert.deepStrictEqual(yield* fallbackOf(url, paraphrase), ["template", null])
      const sent = embedder.counts().received - asked
      assert.isTrue(sent >= 1 && sent <= 3, `${sent} requests`)
      yield* embedder.until(({ aborted }) => aborted >= sent)
      const [, burst] = yield* timed(
        Effect.forEach(
          Array.from({ length: 32 }, (_, n) => `${paraphrase}${"!".repeat(n)}`),
          (text) => fallbackOf(url, text),
          { concurrency: 32 }
        )
      )
      assert.isBelow(burst, 2_000, "32 lookups behind an open circuit")
      assert.strictEqual(embedder.counts().received, asked + sent)
      assert.deepStrictEqual(yield* fallbackOf(url, prompt), ["cache", "exact"])
      const why = (yield* degraded(url)) ?? ""
      assert.include(why, "openai:acme/small is not asked")
      assert.include(why, "similar answers are not found, only exact ones")
      assert.strictEqual(yield* metric(url, "understudy_circuit_state", { circuit }), 2)
      const timeouts = { embedder: "openai:acme/small", result: "timeout" }
      assert.isAtLeast(yield* metric(url, "understudy_embedder_requests_total", timeouts), 1)

      yield* embedder.respondWith(Mode.answer)
      yield* eventually(fallbackOf(url, paraphrase), ([, match]) => match === "similar", "a similar answer is found")
      assert.isUndefined(yield* degraded(url))
      assert.strictEqual(yield* metric(url, "understudy_circuit_state", { circuit }), 0)
      assert.isAbove(yield* metric(url, "understudy_embedder_request_seconds_count"), sent)
    }))

  it.live("that nobody runs any more fails at once, and the log and readiness say why", () =>
    Effect.gen(function*() {
      const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
      const { logs, url } = yield* start(yield* Scope.provide(FaultServer.make, scope))
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* fallbackOf(url, paraphrase), ["template", null])
      assert.match(
        (yield* degraded(url)) ?? "",
        /acme\/small fails \(no answer \(ECONNREFUSED\)\): similar/
      )
      yield* fallbackOf(url, paraphrase)
      yield* fallbackOf(url, paraphrase)
      assert.include(logs().join("\n"), `circuit of ${circuit} opened for 30s`)
      assert.deepStrictEqual(yield* fallbackOf(url, prompt), ["cache", "exact"])
      assert.notInclude(logs().join("\n"), "sourdough")
    }))

  it.live("is asked by 32 lookups at a time with far fewer requests", () =>
    Effect.gen(function*() {
      const { embedder, url } = yield* start(yield* FaultServer.make, {
        EMBEDDING_TIMEOUT: "2 seconds",
        LIMIT_CONCURRENCY: "64"
      })
      yield* Effect.forEach([1, 2, 3], () => ask(url, prompt))
      yield* embedder.respondWith(Mode.wait(100))
      const asked = embedder.counts().received
      const matches = yield* Effect.forEach(
        Array.from({ length: 32 }, (_, n) => `${paraphrase}${"!".repeat(n % 4)}`),
        (text) => fallbackOf(url, text),
        { concurrency: 32 }
      )
      assert.isTrue(matches.every(([, match]) => match === "similar"))
      assert.isAtMost(embedder.counts().received - asked, 20)
    }))

  it.live("is seen and commanded by the operator", () =>
    Effect.gen(function*() {
      const { embedder, url } = yield* start(yield* FaultServer.make)
      const circuits = Effect.map(send(`${url}/admin/circuits`, { headers: asAdmin }), ({ text }) => text)
      assert.include(yield* circuits, `"key":"${circuit}","state":"closed"`)
      assert.include((yield* control(url, circuit, "force-open")).text, "\"state\":\"forced_open\"")
      const asked = embedder.counts().received
      assert.deepStrictEqual(yield* fallbackOf(url, paraphrase), ["template", null])
      assert.strictEqual(embedder.counts().received, asked)
      assert.isDefined(yield* degraded(url))
      assert.include((yield* control(url, circuit, "reset")).text, "\"state\":\"closed\"")
      assert.deepStrictEqual(yield* fallbackOf(url, paraphrase), ["cache", "similar"])
      assert.include(problemOf(yield* control(url, "embedder", "reset"), 404).detail ?? "", circuit)
    }))
})

describe("the local embedder", () => {
  it.live("has no circuit, and no metric of requests", () =>
    Effect.gen(function*() {
      const { url } = yield* start(yield* FaultServer.make, { EMBEDDER: "local" })
      assert.deepStrictEqual(yield* fallbackOf(url, paraphrase), ["cache", "similar"])
      problemOf(yield* control(url, "embedder:local-2", "force-open"), 404)
      assert.isUndefined(yield* degraded(url))
    }))
})
