/** The commands that change what the service answers with, as processes, beside the service as a process. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { vectorTable } from "../../src/services/cache/VectorSpace.ts"
import { Embedder } from "../../src/services/Embedder.ts"
import { freshDatabase, freshDirectory, urlOf, withoutServer, withServer } from "../support/databases.ts"
import { ask, eventually, generationOf } from "../support/http.ts"
import type { Environment } from "../support/service.ts"
import { runCommand, startProcess } from "../support/serviceProcess.ts"

const live = { excludeTestServices: true, timeout: "120 seconds" } as const

/** No provider answers, and nobody waits for one. */
const down: Environment = { SIMULATED_FAILURES: "1", MAX_ATTEMPTS: "1" }

const template = (name: string, more = "") =>
  `---\nname: ${name}\ncontent_type: blog_post\nlocale: en\n${more}title: "House style: {{subject}}"\n---\n# {{title}}\n`

const lines = (...values: ReadonlyArray<unknown>) => values.map((value) => JSON.stringify(value)).join("\n")

const prompt = "Write a blog post about sourdough starters"

const withFiles = Effect.map(freshDirectory, (folder) => ({
  folder,
  write: (name: string, text: string) => {
    const file = join(folder, name)
    mkdirSync(join(file, ".."), { recursive: true })
    writeFileSync(file, text)
    return file
  }
}))

/** Runs a command that has to succeed. */
const succeeds = (env: Environment) => (...args: ReadonlyArray<string>) =>
  Effect.map(runCommand(args, env), ({ code, stderr, stdout }) => {
    assert.deepStrictEqual([code, stderr], [0, ""], args.join(" "))
    return stdout
  })

/** Runs a command that has to fail, with a message. */
const fails = (env: Environment) => (...args: ReadonlyArray<string>) =>
  Effect.map(runCommand(args, env), ({ code, stderr, stdout }) => {
    assert.deepStrictEqual([code, stdout], [1, ""], args.join(" "))
    assert.match(stderr, /^understudy: /)
    assert.notMatch(stderr, /\n\s+at |node_modules/, "a message, not a stack")
    return stderr
  })

layer(Layer.empty, live)("commands on an embedded database", (it) => {
  it.effect("prepare what the service falls back to, and take it away again", () =>
    Effect.gen(function*() {
      const { folder, write } = yield* withFiles
      const env = { DATA_DIR: join(folder, "data"), ...down }
      const drafts = write(
        "drafts.jsonl",
        lines(
          { prompt, text: "An old draft", model: "gpt-4o-mini-2024-07-18" },
          { prompt: `${prompt}.`, text: "A draft that the editor approved", id: "draft-7", model: "gpt-4o-mini" }
        )
      )
      const imported = write("templates/house.md", template("house"))

      assert.include(yield* succeeds(env)("templates", "import", join(folder, "templates")), "\"default\": house.\n")
      assert.strictEqual(
        yield* succeeds(env)("cache", "warm", drafts),
        "Stored 1 draft in namespace \"default\", 1 line replaced by a later one with the same prompt.\n"
      )
      yield* Effect.scoped(Effect.gen(function*() {
        const service = yield* startProcess(env)
        const cached = generationOf(yield* ask(service.url, "Please draft an article on sourdough starters"))
        assert.deepStrictEqual(
          [cached.source, cached.id, cached.text, cached.model],
          ["cache", "draft-7", "A draft that the editor approved", "gpt-4o-mini"]
        )
        const filled = generationOf(yield* ask(service.url, "Write a blog post about tax law"))
        assert.deepStrictEqual([filled.source, filled.fallback?.template], ["template", "house"])

        // The service has its database to itself.
        const locked = yield* fails(env)("templates", "import", imported)
        for (const part of [env.DATA_DIR, `process ${service.child.pid} `, "stop the service", "DATABASE_URL"]) {
          assert.include(locked, part)
        }
        service.child.kill("SIGTERM")
        yield* service.exited
      }))

      const listed = yield* succeeds(env)("templates", "list")
      assert.match(listed, /^house {2,}blog_post {2,}en {2,}imported \d{4}-\d\d-\d\dT\d\d:\d\dZ$/m)
      assert.match(listed, /^blog-post {2,}blog_post {2,}en {2,}seed$/m)
      assert.include(yield* fails(env)("cache", "erase", "default"), "say --yes")
      assert.strictEqual(
        yield* succeeds(env)("cache", "erase", "default", "--yes"),
        "Erased of namespace \"default\": 1 answer, 1 simulated answer, 0 answers under an Idempotency-Key, 0 jobs, 1 template.\n"
      )
    }), 180_000)

  it.effect("check every file and line first, and change nothing when one is wrong", () =>
    Effect.gen(function*() {
      const { folder, write } = yield* withFiles
      const env = { DATA_DIR: join(folder, "data") }
      const good = write("good.md", template("good"))
      const bad = write("bad.md", "---\ntitle: T\n---\n{{topic}}\nfine\n{{author}}\n")
      const twin = write("twin.md", template("good"))
      const said = yield* fails(env)("templates", "import", good, bad, twin)
      for (
        const problem of [
          `${bad}:4: unknown placeholder {{topic}}`,
          `${bad}:6: unknown placeholder {{author}}`,
          `${twin}:1: the name "good" is taken by ${good}`
        ]
      ) assert.include(said, problem)

      const drafts = write(
        "drafts.jsonl",
        [
          lines({ prompt: "fine", text: "fine", id: "one" }),
          "no json",
          lines({ prompt: "a secret", text: " " }, { prompt: "b" }, { prompt: "c", text: "c", id: "one" })
        ].join("\n")
      )
      const wrong = yield* fails(env)("cache", "warm", drafts)
      for (
        const problem of [
          `${drafts}:2: not JSON`,
          `${drafts}:3: the field "text" does not fit`,
          `${drafts}:4: the field "text" is missing`,
          `${drafts}:5: the id "one" stands at ${drafts}:1 already`
        ]
      ) assert.include(wrong, problem)
      assert.notInclude(wrong, "secret")

      const some = yield* runCommand(["cache", "warm", drafts, "--skip-invalid"], env)
      assert.deepStrictEqual(
        [some.code, some.stdout],
        [0, "Stored 1 draft in namespace \"default\", 4 lines skipped.\n"]
      )
      assert.include(some.stderr, `skipped ${drafts}:2: not JSON`)
      assert.notInclude(yield* succeeds(env)("templates", "list"), "imported")
      assert.include(yield* fails({ DATA_DIR: "memory:" })("templates", "list"), "DATA_DIR is memory:")
      assert.include(yield* fails(env)("templates", "import", join(folder, "none")), "none does not exist")
    }), 180_000)
})

describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
  layer(Layer.empty, live)("commands beside a running service", (it) => {
    it.effect("are seen by it without a restart, in their namespace and in no other", () =>
      Effect.gen(function*() {
        const { folder, write } = yield* withFiles
        const env = { DATABASE_URL: urlOf(yield* freshDatabase), ...down }
        const service = yield* startProcess({ ...env, API_KEYS: "one:key-of-one,other:key-of-other" })
        const asked = (key: string, prompt: string) =>
          Effect.map(ask(service.url, prompt, { headers: { authorization: `Bearer ${key}` } }), generationOf)

        write("templates/house.md", template("house", "keywords: bread, baking\n"))
        assert.strictEqual(
          (yield* asked("key-of-one", "Write a blog post about bread")).fallback?.template,
          "blog-post"
        )
        yield* succeeds(env)("templates", "import", join(folder, "templates"), "--namespace", "one")
        yield* eventually(
          asked("key-of-one", "Write a blog post about bread"),
          ({ fallback }) => fallback?.template === "house",
          "the import is used"
        )
        assert.strictEqual((yield* asked("key-of-one", "Write a blog post on tax")).fallback?.template, "blog-post")
        assert.strictEqual(
          (yield* asked("key-of-other", "Write a blog post about bread")).fallback?.template,
          "blog-post"
        )

        // More than the queue of `remember` would take at once.
        const count = 1_500
        const drafts = Array.from({ length: count }, (_, index) => ({
          prompt: `Describe our product number ${index + 10_000}`,
          text: `Product ${index + 10_000}`
        }))
        const warmed = yield* succeeds(env)("cache", "warm", write("d.jsonl", lines(...drafts)), "--namespace", "one")
        assert.strictEqual(warmed, `Stored ${count} drafts in namespace "one".\n`)
        for (const index of [10_000, 10_777, 11_499]) {
          const found = yield* asked("key-of-one", `describe our product number ${index}!`)
          assert.deepStrictEqual([found.source, found.text, found.model], ["cache", `Product ${index}`, "draft"])
          assert.match(found.id, /^gen_/)
        }
        assert.strictEqual((yield* asked("key-of-other", "Describe our product number 10000")).source, "template")
        const vectors = vectorTable(yield* Effect.provide(Embedder, Embedder.layerLocal))
        const [withVector] = yield* withServer(
          (sql) => sql<{ n: number }>`SELECT count(*)::int AS n FROM ${sql(vectors)}`,
          env.DATABASE_URL
        )
        // For the real provider, and for the simulated one.
        assert.strictEqual(withVector?.n, 2 * count)

        const remove = ["templates", "remove", "house", "--namespace"] as const
        assert.include(yield* fails(env)(...remove, "other"), "namespace \"other\" has no imported template \"house\"")
        assert.strictEqual(yield* succeeds(env)(...remove, "one"), "Removed \"house\" from namespace \"one\".\n")
        assert.strictEqual(
          yield* succeeds(env)("cache", "erase", "one", "--yes"),
          `Erased of namespace "one": ${count} answers, ${count} simulated answers, 0 answers under an Idempotency-Key, 0 jobs, 0 templates.\n`
        )
        assert.strictEqual((yield* asked("key-of-one", "Describe our product number 10000")).source, "template")
        yield* eventually(
          asked("key-of-one", "Write a blog post about bread"),
          ({ fallback }) => fallback?.template === "blog-post",
          "the removed template is gone"
        )
      }), 180_000)
  })
})
