/** Templates in the database: what a running service sees of an import, and what it does without its database. */
import { assert, describe, layer, type Vitest } from "@effect/vitest"
import { Effect, Layer, Logger, Option, Result } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { defaultNamespace, type Namespace } from "../../../src/domain/Generation.ts"
import { parseTemplate } from "../../../src/domain/templates/Template.ts"
import { Templates } from "../../../src/services/Templates.ts"
import { makeTemplateStore } from "../../../src/services/templates/TemplateStore.ts"
import { layerEmbedded, layerFreshServer, withoutServer } from "../../support/databases.ts"
import { eventually, freshNamespace } from "../FallbackCache.contract.ts"

const source = (title: string, more = "") => `---\n${more}title: ${title}\n---\n# {{title}}\n`

const seed = [
  Result.getOrThrow(parseTemplate("blog-post.md", source("Seed blog", "content_type: blog_post\n"))),
  Result.getOrThrow(parseTemplate("generic.md", source("Seed generic")))
]

const store = Effect.map(SqlClient.SqlClient, makeTemplateStore)

const importInto = (namespace: Namespace, ...templates: ReadonlyArray<readonly [name: string, source: string]>) =>
  Effect.flatMap(store, (store) => store.import(namespace, templates.map(([name, source]) => ({ name, source }))))

const headline = Effect.fnUntraced(function*(namespace: Namespace, prompt = "Write a blog post about tea") {
  const templates = yield* Templates
  const { text } = Option.getOrThrow(yield* templates.render({ namespace, prompt }))
  return /^# (.*)$/m.exec(text)?.[1]
})

/** The poller's clock is virtual, the database is real. */
const running = <A, E, R>(test: Effect.Effect<A, E, Templates | R>) =>
  Effect.provide(test, Layer.provideMerge(Templates.layerPostgres(seed), TestClock.layer()))

/** Comes to be so within one poll. */
const seen = (namespace: Namespace, wanted: string) =>
  Effect.andThen(
    TestClock.adjust("5 seconds"),
    eventually(Effect.map(headline(namespace), (found) => found === wanted))
  )

const contract = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>): void => {
  it.effect("are the seed's for a namespace that has none of its own", () =>
    running(Effect.gen(function*() {
      assert.strictEqual(yield* headline(freshNamespace()), "Seed blog")
    })))

  it.effect("replace the seed's of the same name, and add to the others", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      yield* importInto(
        namespace,
        ["blog-post", source("Own blog", "content_type: blog_post\n")],
        ["recipe", source("Own recipe", "content_type: blog_post\nkeywords: cake\n")]
      )
      yield* running(Effect.gen(function*() {
        assert.strictEqual(yield* headline(namespace), "Own blog")
        assert.strictEqual(yield* headline(namespace, "Write a blog post about cake"), "Own recipe")
        assert.strictEqual(yield* headline(namespace, "Something else"), "Seed generic")
      }))
    }))

  it.effect("never cross a namespace", () =>
    Effect.gen(function*() {
      const [one, other] = [freshNamespace(), freshNamespace()]
      yield* importInto(one, ["secret", source("Of one", "content_type: blog_post\n")])
      yield* importInto(other, ["secret", source("Of the other", "content_type: blog_post\n")])
      yield* running(Effect.gen(function*() {
        assert.strictEqual(yield* headline(one), "Of one")
        assert.strictEqual(yield* headline(other), "Of the other")
        assert.strictEqual(yield* headline(defaultNamespace), "Seed blog")
      }))
      const { of, remove } = yield* store
      assert.isTrue(yield* remove(one, "secret"))
      assert.isFalse(yield* remove(one, "secret"))
      assert.deepStrictEqual((yield* of(one)).length, 0)
      assert.deepStrictEqual((yield* of(other)).map(({ name }) => name), ["secret"])
    }))

  it.effect("of an import, a replacement and a removal are seen by what runs, within 5 seconds", () =>
    running(Effect.gen(function*() {
      const namespace = freshNamespace()
      const { erase, remove } = yield* store
      assert.strictEqual(yield* headline(namespace), "Seed blog")
      yield* importInto(namespace, ["own", source("First", "content_type: blog_post\n")])
      yield* seen(namespace, "First")
      yield* importInto(namespace, ["own", source("Second", "content_type: blog_post\n")])
      yield* seen(namespace, "Second")
      yield* remove(namespace, "own")
      yield* seen(namespace, "Seed blog")
      yield* importInto(namespace, ["own", source("Third", "content_type: blog_post\n")])
      yield* seen(namespace, "Third")
      assert.strictEqual(yield* erase(namespace), 1)
      yield* seen(namespace, "Seed blog")
    })))

  it.effect("that another release stored and this one cannot read are passed over, and said once", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      yield* importInto(namespace, ["broken", "no front matter"], [
        "own",
        source("Readable", "content_type: blog_post\n")
      ])
      yield* running(Effect.gen(function*() {
        assert.strictEqual(yield* headline(namespace), "Readable")
        yield* importInto(namespace, ["own", source("Readable again", "content_type: blog_post\n")])
        yield* seen(namespace, "Readable again")
      })).pipe(Effect.provide(Logger.layer([logger])))
      const said = lines.filter((line) => line.includes(namespace))
      assert.strictEqual(said.length, 1)
      assert.include(said[0], `the template "broken" of namespace "${namespace}" is passed over`)
    }))

  it.effect("go on as they were while the database fails, and are news again when it is back", () =>
    running(Effect.gen(function*() {
      const namespace = freshNamespace()
      const sql = yield* SqlClient.SqlClient
      yield* importInto(namespace, ["own", source("Before", "content_type: blog_post\n")])
      yield* seen(namespace, "Before")
      yield* sql`ALTER TABLE understudy_templates RENAME TO understudy_templates_gone`
      for (let poll = 0; poll < 3; poll++) {
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* headline(namespace), "Before")
      }
      yield* running(Effect.map(headline(namespace), (found) => assert.strictEqual(found, "Seed blog")))
      yield* sql`ALTER TABLE understudy_templates_gone RENAME TO understudy_templates`
      yield* importInto(namespace, ["own", source("After", "content_type: blog_post\n")])
      yield* eventually(
        Effect.andThen(TestClock.adjust("5 seconds"), Effect.map(headline(namespace), (found) => found === "After"))
      )
    })))

  it.effect("are imported all or not at all", () =>
    Effect.gen(function*() {
      const namespace = freshNamespace()
      const failure = yield* Effect.exit(importInto(namespace, ["a", source("A")], ["b", "a NUL \0"]))
      assert.strictEqual(failure._tag, "Failure")
      assert.deepStrictEqual(yield* Effect.flatMap(store, ({ of }) => of(namespace)), [])
    }))
}

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

layer(layerEmbedded("memory:"), live)("templates, embedded", contract)

describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
  layer(layerFreshServer, live)("templates, on a server", contract)
})
