/** The package as its users get it: packed, installed in a project of their own, compiled against and run. */
import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { join } from "node:path"
import { drivers } from "../../src/cli/drivers.ts"
import { version } from "../../src/version.ts"
import { ask, generationOf } from "../support/http.ts"
import { startProcess } from "../support/serviceProcess.ts"
import { compile, installed, printed, projectWith, type Resolution, run } from "./consumer.ts"

const embedded = ["@electric-sql/pglite", "@electric-sql/pglite-pgvector"]
const network = ["@effect/platform-node", "@effect/sql-pg", "undici"]

/** The projects, by what is installed beside the package. */
class Projects extends Context.Service<Projects, {
  readonly effectOnly: string
  readonly withoutEmbedded: string
  readonly whole: string
}>()("understudy/test/Projects") {
  static readonly layer = Layer.effect(
    Projects,
    Effect.gen(function*() {
      const bare = yield* installed
      return {
        effectOnly: yield* projectWith(bare, ["effect"]),
        withoutEmbedded: yield* projectWith(bare, ["effect", "@types/node", ...network]),
        whole: yield* projectWith(bare, ["effect", "@types/node", ...network, ...embedded])
      }
    })
  )
}

const bin = (project: string) => join(project, "node_modules/.bin/understudy")
const versioned = (...names: ReadonlyArray<string>) =>
  Object.entries(drivers).filter(([name]) => names.includes(name)).map(([name, version]) => `${name}@${version}`)

const live = { excludeTestServices: true, timeout: "2 minutes" } as const

layer(Projects.layer, live)("the packed package, installed in an empty project", (it) => {
  describe("with effect alone", () => {
    it.effect(
      "compiles for a place that is not Node, and runs: the ladder, the contract and the simulation",
      () =>
        Effect.gen(function*() {
          const { effectOnly } = yield* Projects
          assert.deepStrictEqual(yield* compile(effectOnly, "Bundler", ["core"], []), {
            code: 0,
            stdout: "",
            stderr: ""
          })
          const { stderr, stdout } = yield* printed(effectOnly, "core", "said")
          assert.strictEqual(stderr, "")
          assert.deepStrictEqual(JSON.parse(stdout), { source: "live", api: "understudy", scenarios: true })
        }),
      60_000
    )

    it.effect("the command says which packages it needs, and no more than it needs", () =>
      Effect.gen(function*() {
        const { effectOnly } = yield* Projects
        const serve = yield* run(effectOnly, bin(effectOnly), [])
        assert.strictEqual(serve.code, 1)
        assert.match(serve.stderr, /^understudy cannot start: .* are not installed; npm install [^\n]*\n$/u)
        for (const wanted of versioned(...network, ...embedded)) assert.include(serve.stderr, wanted)

        const simulate = yield* run(effectOnly, bin(effectOnly), ["simulate", "story"])
        assert.strictEqual(
          simulate.stderr,
          "understudy cannot start: @effect/platform-node is not installed; "
            + `npm install ${versioned("@effect/platform-node").join()}\n`
        )
      }))
  })

  describe("without the embedded database", () => {
    it.effect("the service asks for it, or for a server", () =>
      Effect.gen(function*() {
        const { withoutEmbedded } = yield* Projects
        const { code, stderr } = yield* run(withoutEmbedded, bin(withoutEmbedded), [])
        assert.strictEqual(code, 1)
        assert.strictEqual(
          stderr,
          `understudy cannot start: ${embedded.join(" and ")} are not installed; `
            + `npm install ${versioned(...embedded).join(" ")}, or set DATABASE_URL to a PostgreSQL server\n`
        )
      }))

    it.effect("the service starts with a server: here it gets as far as not reaching one", () =>
      Effect.gen(function*() {
        const { withoutEmbedded } = yield* Projects
        const { code, stderr } = yield* run(withoutEmbedded, bin(withoutEmbedded), [], {
          DATABASE_URL: "postgres://127.0.0.1:1/understudy"
        })
        assert.strictEqual(code, 1)
        assert.include(stderr, "understudy cannot start: cannot reach PostgreSQL at 127.0.0.1:1")
      }))

    it.effect("a program that opens it gets an error that says what to install", () =>
      Effect.gen(function*() {
        const { withoutEmbedded } = yield* Projects
        assert.strictEqual((yield* compile(withoutEmbedded, "NodeNext", ["node"], ["node"])).code, 0)
        const { stderr, stdout } = yield* printed(withoutEmbedded, "node", "opened")
        assert.strictEqual(stderr, "")
        assert.include(
          stdout,
          "EmbeddedDatabaseMissing: the embedded database is not installed: npm install @electric-sql/pglite"
        )
      }))
  })

  describe("with all that it can use", () => {
    for (const resolution of ["NodeNext", "Bundler"] satisfies ReadonlyArray<Resolution>) {
      it.effect(
        `every entry compiles with ${resolution}, and what programs export of it can be named`,
        () =>
          Effect.gen(function*() {
            const { whole } = yield* Projects
            assert.deepStrictEqual(yield* compile(whole, resolution, ["core", "node"], ["node"]), {
              code: 0,
              stdout: "",
              stderr: ""
            })
            const { stderr, stdout } = yield* printed(whole, "node", "opened")
            assert.deepStrictEqual([stdout, stderr], ["\"opened\"\n", ""])
          }),
        60_000
      )
    }

    it.effect("the command knows its version, and simulates", () =>
      Effect.gen(function*() {
        const { whole } = yield* Projects
        assert.include((yield* run(whole, bin(whole), ["--version"])).stdout, version)
        const { code, stderr, stdout } = yield* run(whole, bin(whole), ["simulate", "story", "--duration", "1 minute"])
        assert.deepStrictEqual([code, stderr], [0, ""])
        assert.include(stdout, "full-ladder")
      }))

    it.effect("the service answers, and stops when it is asked to", () =>
      Effect.gen(function*() {
        const { whole } = yield* Projects
        const service = yield* startProcess({ DATA_DIR: "memory:" }, [], bin(whole))
        const { source } = generationOf(yield* ask(service.url, "Write a product description for a teapot"))
        assert.strictEqual(source, "live")
        service.child.kill("SIGTERM")
        assert.deepStrictEqual(yield* service.exited, { code: 0, signal: null })
      }))
  })
})
