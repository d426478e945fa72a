/** What a user gets while the provider is dead: the closest earlier answer of their own namespace, a template, or 503. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, metric, problemOf, remembered, send } from "../support/http.ts"
import { ownDatabase, providerOf, startService } from "../support/service.ts"

const prompt = "Write a blog post about sourdough starters"
const paraphrase = "Could you draft an article on sourdough starters, please?"
const otherSubject = "Write a blog post about electric bicycles"

const keys = { alpha: "alpha-key-7f3a91c2", beta: "beta-key-55d0e8b4" }
const as = (name: keyof typeof keys) => ({ headers: { authorization: `Bearer ${keys[name]}` } })

/** A provider that can die for real: nobody listens any more. */
const mortalProvider = Effect.gen(function*() {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const provider = yield* Scope.provide(FaultServer.make, scope)
  return { provider, dies: Scope.close(scope, Exit.void) }
})

const startOverDying = Effect.fnUntraced(function*(env: Readonly<Record<string, string>> = {}) {
  const { dies, provider } = yield* mortalProvider
  const service = yield* startService({
    ...providerOf(provider),
    ...(yield* ownDatabase),
    RETRY_BASE_DELAY: "10 millis",
    BREAKER_COOLDOWN: "1 minute",
    ...env
  })
  return { ...service, provider, dies }
})

describe("with a dead provider", () => {
  it.live("the first request ever gets a template, filled in for its subject and labelled", () =>
    Effect.gen(function*() {
      const { dies, url } = yield* startOverDying()
      yield* dies
      const { fallback, model, source, text } = generationOf(yield* ask(url, prompt))
      assert.deepStrictEqual([source, model, fallback?.reason], ["template", null, "unavailable"])
      assert.isString(fallback?.template)
      assert.deepStrictEqual([fallback?.match, fallback?.similarity, fallback?.age_seconds], [null, null, null])
      assert.include(text.toLowerCase(), "sourdough starters")
    }))

  it.live("without templates the first request gets 503 with the time to come back", () =>
    Effect.gen(function*() {
      const { dies, url } = yield* startOverDying({ TEMPLATES_DIR: "none" })
      yield* dies
      for (const attempt of ["closed", "closed", "closed", "open"]) {
        const reply = yield* ask(url, prompt)
        const problem = problemOf(reply, 503)
        assert.match(reply.headers["retry-after"] ?? "", /^[1-9]\d*$/)
        assert.strictEqual(reply.headers["retry-after"], String(problem.retry_after))
        assert.isUndefined(reply.headers["understudy-source"])
        // An open circuit knows when it will try again.
        if (attempt === "open") assert.isAbove(problem.retry_after ?? 0, 50)
      }
    }))

  it.live("an earlier answer stands in for the same prompt and for a paraphrase, and never for another subject", () =>
    Effect.gen(function*() {
      const { dies, provider, url } = yield* startOverDying()
      yield* provider.respondWith(Mode.say("Feed it daily."))
      const before = yield* metric(url, "understudy_cache_remembered_total")
      const first = generationOf(yield* ask(url, { prompt, content_type: "blog_post", locale: "en" }))
      assert.strictEqual(first.source, "live")
      yield* remembered(url, before)
      yield* dies

      for (const same of [prompt, `  ${prompt.toUpperCase()}!`]) {
        const reply = yield* ask(url, same)
        const again = generationOf(reply)
        assert.deepStrictEqual([again.source, again.text, again.id], ["cache", "Feed it daily.", first.id])
        assert.deepStrictEqual([again.model, again.usage], [first.model, first.usage])
        assert.deepStrictEqual([again.fallback?.match, again.fallback?.similarity], ["exact", 1])
        assert.isBelow(again.fallback?.age_seconds ?? 1_000, 30)
        assert.strictEqual(reply.headers["cache-status"], "understudy; hit; detail=exact")
        assert.match(reply.headers.age ?? "", /^\d+$/)
      }

      const alike = generationOf(yield* ask(url, paraphrase))
      assert.deepStrictEqual([alike.source, alike.text, alike.fallback?.match], ["cache", "Feed it daily.", "similar"])
      assert.isAtLeast(alike.fallback?.similarity ?? 0, 0.88)
      assert.isBelow(alike.fallback?.similarity ?? 1, 1)

      const unlike = generationOf(yield* ask(url, otherSubject))
      assert.strictEqual(unlike.source, "template")
      assert.notInclude(unlike.text, "Feed it daily.")
      // Who names a content type or locale gets no answer of another one.
      assert.strictEqual(generationOf(yield* ask(url, { prompt, locale: "de" })).source, "template")
      assert.strictEqual(generationOf(yield* ask(url, { prompt, content_type: "newsletter" })).source, "template")
      assert.strictEqual(
        generationOf(yield* ask(url, { prompt, content_type: "blog_post", locale: "en" })).source,
        "cache"
      )
    }))

  it.live("a cached answer is only given to who takes one of its age, and no-store leaves none behind", () =>
    Effect.gen(function*() {
      const { dies, url } = yield* startOverDying()
      const before = yield* metric(url, "understudy_cache_remembered_total")
      const secret = yield* ask(url, "Write about our secret", { headers: { "cache-control": "no-store" } })
      assert.strictEqual(generationOf(secret).source, "live")
      assert.notInclude(secret.headers["cache-status"]?.toString() ?? "", "stored")
      const kept = yield* ask(url, prompt)
      assert.include(kept.headers["cache-status"]?.toString() ?? "", "stored")
      yield* remembered(url, before)
      yield* dies

      const within = (seconds: string) =>
        Effect.map(
          ask(url, prompt, { headers: { "cache-control": `max-age=0, stale-if-error=${seconds}` } }),
          (reply) => generationOf(reply).source
        )
      assert.strictEqual(generationOf(yield* ask(url, "Write about our secret")).source, "template")
      assert.strictEqual(yield* within("3600"), "cache")
      assert.strictEqual(yield* within("0"), "template")
      yield* eventually(within("1"), (source) => source === "template", "the answer is older than a second")
      assert.strictEqual(yield* within("3600"), "cache")
      const wrong = problemOf(yield* ask(url, prompt, { headers: { "cache-control": "stale-if-error=soon" } }), 400)
      assert.deepStrictEqual(wrong.errors?.map(({ path }) => path), ["header.cache-control"])
      assert.strictEqual(yield* metric(url, "understudy_cache_remembered_total"), before + 1)
    }))
})

describe("with API_KEYS", () => {
  it.live("nobody sees the answers of another namespace, and a wrong key is told nothing", () =>
    Effect.gen(function*() {
      const { dies, logs, provider, url } = yield* startOverDying({
        API_KEYS: `alpha:${keys.alpha}, beta:${keys.beta}`
      })
      yield* provider.respondWith(Mode.say("Alpha's own words."))
      const seen: Array<string> = []
      const look = Effect.fnUntraced(function*(asked: string, name: keyof typeof keys) {
        const reply = yield* ask(url, asked, as(name))
        seen.push(`${JSON.stringify(reply.headers)} ${reply.text}`)
        return generationOf(reply)
      })
      assert.strictEqual((yield* look(prompt, "alpha")).source, "live")
      yield* eventually(
        send(`${url}/metrics`, as("alpha")),
        ({ text }) => /^understudy_cache_remembered_total [1-9]/m.test(text),
        "the answer is remembered"
      )
      yield* dies

      for (const asked of [prompt, paraphrase]) {
        const own = yield* look(asked, "alpha")
        assert.deepStrictEqual([own.source, own.text], ["cache", "Alpha's own words."])
        const foreign = yield* look(asked, "beta")
        assert.strictEqual(foreign.source, "template")
        assert.notInclude(foreign.text, "Alpha's")
      }

      const wrong = ["Bearer wrong-key-00000000", `Bearer ${keys.alpha}x`, `Bearer alpha:${keys.alpha}`, "Bearer ", ""]
      for (const authorization of [...wrong, `Basic ${btoa(`alpha:${keys.alpha}`)}`, undefined]) {
        const headers = authorization === undefined ? {} : { authorization }
        for (
          const reply of [
            yield* ask(url, prompt, { headers }),
            yield* ask(url, { prompt: 7 }, { headers }),
            yield* send(`${url}/metrics`, { headers })
          ]
        ) {
          problemOf(reply, 401)
          seen.push(`${JSON.stringify(reply.headers)} ${reply.text}`)
        }
      }
      // A probe of an orchestrator has no key.
      assert.strictEqual((yield* send(`${url}/health/live`)).status, 200)
      const ready = yield* send(`${url}/health/ready`)
      assert.strictEqual(ready.status, 200)

      const said = [...seen, ready.text, ...logs()].join("\n")
      for (const key of [keys.alpha, keys.beta, "wrong-key-00000000", "provider-key-0123456789"]) {
        assert.notInclude(said, key)
      }
      assert.isAbove(logs().length, 0)
      assert.isTrue(provider.calls().every(({ headers }) => headers.authorization === "Bearer provider-key-0123456789"))
    }))

  it.live("401 names the scheme that it wants, as RFC 9110 demands", () =>
    Effect.gen(function*() {
      const { url } = yield* startOverDying({ API_KEYS: `alpha:${keys.alpha}` })
      const reply = yield* ask(url, prompt)
      problemOf(reply, 401)
      assert.match(reply.headers["www-authenticate"] ?? "", /^Bearer\b/)
    }))
})
