/** The examples that print something, run as their first line says, and what they print. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { freshDatabase, urlOf, withoutServer } from "../support/databases.ts"
import { runExample, startExample } from "../support/examples.ts"

/** Lines that must come in this order, each with anything before, between and after. */
const printed = Effect.fnUntraced(function*(name: string, lines: ReadonlyArray<string>, env?: Record<string, string>) {
  const { code, output } = yield* runExample(name, env)
  let rest = output
  for (const line of lines) {
    const at = rest.indexOf(line)
    assert.isAtLeast(at, 0, `"${line}" is missing in what is left of\n${output}`)
    rest = rest.slice(at + line.length)
  }
  assert.strictEqual(code, 0, output)
})

const postgres = ["at once: live\n", "in the background: running\n", "in the background: succeeded, live\n"]

describe("examples", { timeout: 90_000 }, () => {
  it.live("embedded.ts answers from the simulated provider", () =>
    printed("embedded.ts", ["live: This is a simulated draft", "You asked for: Write a blog post about sourdough"]))

  it.live("embedding-model.ts puts both texts into one request", () =>
    printed("embedding-model.ts", ["one request for 2 texts", "2 vectors of length 1"]))

  it.live("language-model.ts goes on when its model is down, and says which answers were live", () =>
    printed("language-model.ts", [
      "live: A starter is flour, water and time.\n",
      "looking for rye flour\n",
      "live: 4 bags\n",
      "cache: A starter is flour, water and time.\n",
      "template: # About folding bicycles\n"
    ]))

  it.live("breaker.ts opens after three failures, and is closed again by a probe", () =>
    printed("breaker.ts", [
      "Graz: no weather (status 503)\n",
      "Graz: no weather (status 503)\n",
      "Closed -> Open\n",
      "Graz: yesterday's weather",
      "Open -> HalfOpen",
      "HalfOpen -> Closed",
      "Graz: sunny",
      "Atlantis: no such town",
      "Wien: sunny"
    ]))

  it.live("limiter.ts lets six through, and refuses the others without asking", () =>
    printed("limiter.ts", [
      "one: ONE\n",
      "six: SIX\n",
      "seven: not now (would_miss_deadline)",
      "eight: not now (would_miss_deadline)",
      "6 calls, two at a time"
    ]))

  it.live("cache.ts gives the same and a similar answer, and nothing where it has nothing alike", () =>
    printed("cache.ts", [
      "live: Feed it daily.",
      "cache, exact (1.00), for ModelDown: Feed it daily.",
      "cache, similar",
      "Feed it daily.",
      "nothing: ModelDown"
    ]))

  it.live("templates.ts takes the template of the type that is asked for, else the general one", () =>
    printed("templates.ts", [
      "--- press-release ---",
      "# [Organisation]: our new tram line",
      "--- generic ---",
      "This is a template to fill in",
      "rye bread"
    ]))

  it.live("ladder.ts goes on to the second provider, then to the cache, then says when to come back", () =>
    printed("ladder.ts", [
      "live, from simulated, attempts: 2\n",
      "cache, because of: circuit_open\n",
      "nothing: CircuitOpen, come back in 30s\n"
    ]))

  it.live("postgres.ts works in an embedded database", () => printed("postgres.ts", postgres))

  it.live.skipIf(withoutServer)("postgres.ts works on the server of DATABASE_URL", () =>
    Effect.gen(function*() {
      yield* printed("postgres.ts", postgres, { DATABASE_URL: urlOf(yield* freshDatabase) })
    }).pipe(Effect.scoped))

  it.live("http-routes.ts serves its own route beside the contract's", () =>
    Effect.gen(function*() {
      const { stop, url } = yield* startExample("http-routes.ts", { HOST: "127.0.0.1", DATA_DIR: "memory:" })
      const call = (path: string, init?: RequestInit) =>
        Effect.promise(async () => {
          const response = await fetch(`${url}${path}`, init)
          return { status: response.status, headers: response.headers, text: await response.text() }
        })
      const hello = yield* call("/hello")
      assert.strictEqual(hello.headers.get("understudy-source"), "live")
      assert.include(hello.text, "Say hello to whoever opens this page")
      assert.strictEqual((yield* call("/health/ready")).status, 200)
      const generated = yield* call("/generate", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ prompt: "Write about tea" })
      })
      assert.strictEqual(generated.headers.get("understudy-source"), "live")
      yield* stop
    }).pipe(Effect.scoped))
})
