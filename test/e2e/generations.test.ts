/** What becomes of a remembered answer: taken out, deleted, erased; each in its own namespace. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { freshDatabase, freshDirectory, urlOf, withoutServer, withServer } from "../support/databases.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, problemOf, send } from "../support/http.ts"
import { type Environment, providerOf, Service, startService } from "../support/service.ts"

const keys = { alpha: "alpha-key-0001", beta: "beta-key-0001", admin: "admin-key-0001" }
type Who = keyof typeof keys

const env = {
  API_KEYS: `alpha:${keys.alpha},beta:${keys.beta}`,
  ADMIN_KEYS: keys.admin,
  RETRY_BASE_DELAY: "10 millis",
  BREAKER_FAILURES: "100000"
}

const bearer = (who: Who) => ({ authorization: `Bearer ${keys[who]}` })
const starters = "Write a blog post about sourdough starters"
const paraphrase = "draft an article on sourdough starters, please"

const erasedOf = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      namespace: Schema.String,
      erased: Schema.Struct({ jobs: Schema.Int, answers: Schema.Int, replays: Schema.Int, templates: Schema.Int })
    })
  ),
  { onExcessProperty: "error" }
)

const generate = Effect.fnUntraced(function*(who: Who, mode: Mode, prompt: string) {
  const provider = yield* FaultServer
  const { url } = yield* Service
  yield* provider.respondWith(mode)
  return generationOf(yield* ask(url, prompt, { headers: bearer(who) }))
})
const live = (who: Who, prompt: string) => generate(who, Mode.answer, prompt)
/** The source of what stands in while the provider is broken. */
const standIn = (who: Who, prompt: string) =>
  Effect.map(generate(who, Mode.status(500), prompt), ({ id, source }) => ({ id, source }))

const call = Effect.fnUntraced(function*(method: "POST" | "DELETE", path: string, who?: Who) {
  const { url } = yield* Service
  return yield* send(`${url}${path}`, { method, headers: who === undefined ? {} : bearer(who) })
})
const quarantine = (id: string, who?: Who) => call("POST", `/generations/${id}/quarantine`, who)
const forget = (id: string, who?: Who) => call("DELETE", `/generations/${id}`, who)
const erase = (namespace: string, who?: Who) => call("DELETE", `/admin/namespaces/${namespace}`, who)

layer(Service.layer("openai", env), { excludeTestServices: true, timeout: "60 seconds" })("an answer", (it) => {
  it.effect("that is bad is taken out at once, and the next live one to its prompt takes its place", () =>
    Effect.gen(function*() {
      const { id } = yield* live("alpha", starters)
      // No wait in between: it may still be on its way into the database.
      const reply = yield* quarantine(id, "alpha")
      assert.deepStrictEqual([reply.status, reply.text], [204, ""])
      assert.strictEqual((yield* standIn("alpha", starters)).source, "template")
      assert.strictEqual((yield* standIn("alpha", paraphrase)).source, "template")
      assert.strictEqual((yield* quarantine(id, "alpha")).status, 204)

      const better = yield* live("alpha", starters)
      yield* eventually(standIn("alpha", starters), ({ source }) => source === "cache", "the better one stands in")
      assert.strictEqual((yield* standIn("alpha", starters)).id, better.id)
      problemOf(yield* quarantine(id, "alpha"), 404)
    }))

  it.effect("is deleted, and is not there any more", () =>
    Effect.gen(function*() {
      const { id } = yield* live("alpha", "Write about rain")
      const reply = yield* forget(id, "alpha")
      assert.deepStrictEqual([reply.status, reply.text], [204, ""])
      assert.strictEqual((yield* standIn("alpha", "Write about rain")).source, "template")
      problemOf(yield* forget(id, "alpha"), 404)
      problemOf(yield* quarantine(id, "alpha"), 404)
    }))

  it.effect("of another namespace, or of a template, or of nobody, is one and the same 404, and stays", () =>
    Effect.gen(function*() {
      const { id } = yield* live("alpha", "Write about snow")
      yield* eventually(standIn("alpha", "Write about snow"), ({ source }) => source === "cache", "it is stored")
      const template = yield* standIn("beta", "Write about hail")
      assert.strictEqual(template.source, "template")
      const said = new Set<string>()
      for (const unknown of [id, template.id, "gen_nobodys", "a%20b", "%C3%A4%2F..%2F%F0%9F%98%80"]) {
        for (const act of [quarantine, forget]) said.add(problemOf(yield* act(unknown, "beta"), 404).detail)
      }
      assert.lengthOf([...said], 1)
      assert.match([...said].join(), /template.*no-store/)
      assert.strictEqual((yield* standIn("alpha", "Write about snow")).id, id)
    }))

  it.effect("is reached with a key only, and a namespace with an operator's", () =>
    Effect.gen(function*() {
      for (const act of [quarantine, forget]) {
        for (const who of [undefined, "admin"] as const) problemOf(yield* act("%20", who), 401)
      }
      for (const who of [undefined, "alpha"] as const) problemOf(yield* erase("alpha", who), 401)
    }))

  it.effect("has a name: blank, too long and unprintable ones are refused, each with its path", () =>
    Effect.gen(function*() {
      for (const name of ["%20%09", "x".repeat(201), "%F0%9F%98%80".repeat(600), "a%00b", "a%0ab"]) {
        for (const act of [quarantine, forget]) {
          const { errors } = problemOf(yield* act(name, "beta"), 400)
          assert.isTrue(errors?.every(({ path }) => path === "path.id"))
        }
        const { errors } = problemOf(yield* erase(name, "admin"), 400)
        assert.isTrue(errors?.every(({ path }) => path === "path.namespace"))
      }
      problemOf(yield* forget("x".repeat(200), "beta"), 404)
      problemOf(yield* forget("%zz", "beta"), 404)
    }))

  it.effect("goes with its namespace when an operator erases that, and no other namespace's does", () =>
    Effect.gen(function*() {
      const { logs } = yield* Service
      yield* erase("alpha", "admin")
      for (const prompt of [starters, "Write about fog"]) yield* live("alpha", prompt)
      yield* live("beta", "Write about fog")
      const reply = yield* erase("alpha", "admin")
      assert.strictEqual(reply.status, 200)
      assert.deepStrictEqual(erasedOf(reply.text), {
        namespace: "alpha",
        erased: { jobs: 0, answers: 2, replays: 0, templates: 0 }
      })
      assert.include(
        logs().join("\n"),
        "an operator has erased the namespace alpha: 0 jobs, 2 answers, 0 kept under an Idempotency-Key, 0 templates"
      )
      assert.strictEqual((yield* standIn("alpha", "Write about fog")).source, "template")
      yield* eventually(standIn("beta", "Write about fog"), ({ source }) => source === "cache", "beta's stays")
      assert.deepStrictEqual(erasedOf((yield* erase("nobody", "admin")).text).erased, {
        jobs: 0,
        answers: 0,
        replays: 0,
        templates: 0
      })
    }))
})

/** Outlives the services that are started on it. */
const lasting = withoutServer
  ? Effect.map(freshDirectory, (directory) => ({ DATA_DIR: directory }))
  : Effect.map(freshDatabase, (name) => ({ DATABASE_URL: urlOf(name) }))

describe("a namespace", () => {
  it.live(
    "is erased whole, whatever the provider of the moment: real answers and simulated ones",
    () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer.make
        const database = yield* lasting
        const started = <A, E>(variables: Environment, use: (url: string) => Effect.Effect<A, E>) =>
          Effect.scoped(Effect.flatMap(
            startService({ ADMIN_KEYS: keys.admin, ...database, ...variables }),
            ({ url }) => use(url)
          ))
        const answer = (url: string) =>
          Effect.map(ask(url, starters), (reply) => assert.strictEqual(generationOf(reply).source, "live"))
        const erased = (url: string) =>
          Effect.map(
            send(`${url}/admin/namespaces/default`, { method: "DELETE", headers: bearer("admin") }),
            ({ text }) => erasedOf(text).erased.answers
          )
        yield* started(providerOf(provider), answer)
        const simulated = yield* started(
          {},
          (url) => Effect.andThen(Effect.andThen(answer(url), erased(url)), (count) => Effect.as(answer(url), count))
        )
        assert.strictEqual(simulated, 2)
        assert.strictEqual(
          yield* started(providerOf(provider), (url) => Effect.andThen(answer(url), erased(url))),
          2
        )
      }),
    120_000
  )
})

describe.skipIf(withoutServer)("with TEST_DATABASE_URL, an answer", () => {
  it.live(
    "that cannot be taken out now gets 503 with the time to come back, and nothing of the database",
    () =>
      Effect.gen(function*() {
        const provider = yield* FaultServer.make
        const database = yield* freshDatabase
        const { url } = yield* startService({ ...env, ...providerOf(provider), DATABASE_URL: urlOf(database) })
        const { id } = generationOf(yield* ask(url, starters, { headers: bearer("alpha") }))
        const quarantine = (id: string) =>
          send(`${url}/generations/${id}/quarantine`, { method: "POST", headers: bearer("alpha") })
        // Waits for the answer to be stored.
        problemOf(yield* quarantine("gen_unknown"), 404)
        const refused = Effect.fnUntraced(function*(replied: ReturnType<typeof send>) {
          const reply = yield* replied
          const problem = problemOf(reply, 503)
          assert.match(problem.type, /database-unavailable$/)
          assert.deepStrictEqual([reply.headers["retry-after"], problem.retry_after], ["5", 5])
          assert.notMatch(reply.text, /understudy_answers|sql|LOCK/i)
        })
        const locked = <A, E>(use: Effect.Effect<A, E>) =>
          withServer(
            (sql) =>
              sql.withTransaction(Effect.andThen(sql`LOCK TABLE understudy_answers IN ACCESS EXCLUSIVE MODE`, use)),
            urlOf(database)
          )
        yield* locked(refused(quarantine(id)))
        yield* eventually(quarantine(id), ({ status }) => status === 204, "it can be taken out again")
        yield* locked(Effect.all([
          refused(send(`${url}/generations/${id}`, { method: "DELETE", headers: bearer("alpha") })),
          refused(send(`${url}/admin/namespaces/alpha`, { method: "DELETE", headers: bearer("admin") }))
        ], { concurrency: 2 }))
      }),
    120_000
  )
})
