import { NodeServices } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer, Logger, Option, Path, Result } from "effect"
import { defaultNamespace } from "../../src/domain/Generation.ts"
import { parseTemplate } from "../../src/domain/templates/Template.ts"
import { type TemplateRequest, Templates } from "../../src/services/Templates.ts"

const page = (title: string, more = "") => `---\n${more}title: "${title}"\n---\n# {{title}}\n`

const folderWith = Effect.fnUntraced(function*(files: Readonly<Record<string, string>>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped()
  yield* Effect.forEach(Object.entries(files), ([name, text]) => fs.writeFileString(path.join(folder, name), text))
  return folder
})

const rendered = (request: Omit<TemplateRequest, "namespace">) =>
  Effect.flatMap(Templates, (templates) => templates.render({ namespace: defaultNamespace, ...request }))

const startIn = (folder: string) => Effect.provide(rendered({ prompt: "cold brew" }), Templates.layerDirectory(folder))

const messageOf = (folder: string) => Effect.map(Effect.flip(startIn(folder)), (error) => error.message)

layer(NodeServices.layer)("templates from a folder", (it) => {
  it.effect("are rendered for the request, and named", () =>
    Effect.gen(function*() {
      const folder = yield* folderWith({
        "a.md": page("A {{subject}}"),
        "b.md": page("B {{subject}}", "content_type: blog_post\n")
      })
      const answer = yield* rendered({ prompt: "Blog post: cold brew" }).pipe(
        Effect.provide(Templates.layerDirectory(folder))
      )
      assert.strictEqual(Option.getOrThrow(answer).name, "b")
      assert.include(Option.getOrThrow(answer).text, "# B cold brew\n")
    }))

  it.effect("are the Markdown files only, without README.md and hidden files", () =>
    Effect.gen(function*() {
      const folder = yield* folderWith({ "README.md": "read me", ".a.md": "no", "notes.txt": "no", "a.md": page("A") })
      assert.strictEqual(Option.getOrThrow(yield* startIn(folder)).name, "a")
    }))

  it.effect("are read once: a later change of the folder changes nothing", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* folderWith({ "a.md": page("A") })
      const answers = yield* Effect.gen(function*() {
        const before = yield* rendered({ prompt: "x" })
        yield* fs.remove(folder, { recursive: true })
        return [before, yield* rendered({ prompt: "x" })]
      }).pipe(Effect.provide(Templates.layerDirectory(folder)))
      yield* fs.makeDirectory(folder)
      assert.deepStrictEqual(answers[0], answers[1])
    }))

  it.effect("stop the start when one is invalid, naming file, line and remedy", () =>
    Effect.gen(function*() {
      const folder = yield* folderWith({ "a.md": page("A"), "b.md": `${page("B")}\n{{topic}}` })
      const error = yield* Effect.flip(startIn(folder))
      assert.strictEqual(error._tag, "TemplateInvalid")
      assert.include(error.message, "b.md:6: unknown placeholder {{topic}}: use only {{subject}}")
    }))

  it.effect("stop the start when two have one name", () =>
    Effect.gen(function*() {
      const folder = yield* folderWith({ "a.md": page("A", "name: b\n"), "b.md": page("B") })
      const message = yield* messageOf(folder)
      assert.include(message, "b.md:1: the name \"b\" is taken by ")
      assert.include(message, "a.md: give one of the two another")
    }))

  it.effect("stop the start when the folder is missing, or none", () =>
    Effect.gen(function*() {
      const folder = yield* folderWith({ "a.md": page("A") })
      assert.include(
        yield* messageOf(`${folder}/missing`),
        "missing: it does not exist: create it, or set TEMPLATES_DIR"
      )
      assert.include(yield* messageOf(`${folder}/a.md`), "TEMPLATES_DIR must be a folder")
      const error = yield* Effect.flip(startIn(`${folder}/missing`))
      assert.strictEqual(error._tag, "TemplatesUnreadable")
    }))

  it.effect("may be absent: an empty folder warns and renders nothing", () =>
    Effect.gen(function*() {
      const folder = yield* folderWith({})
      const logged: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => logged.push(`${logLevel} ${String(message)}`))
      const answer = yield* startIn(folder).pipe(Effect.provide(Logger.layer([logger])))
      assert.isTrue(Option.isNone(answer))
      assert.match(logged.join("\n"), /^Warn no templates: .* holds no \*\.md file/)
    }))
})

const shipped = new URL("../../templates", import.meta.url).pathname
layer(Templates.layerDirectory(shipped).pipe(Layer.provideMerge(NodeServices.layer)))("the shipped templates", (it) => {
  const prompts = [
    "Write a text about cold brew for beginners.",
    "Können wir <b>etwas</b> über {Äpfel} haben?",
    "写咖啡"
  ]

  it.effect("are chosen by type and locale", () =>
    Effect.gen(function*() {
      const nameFor = (contentType: string, locale?: string) =>
        Effect.map(rendered({ prompt: "x", contentType, locale }), (answer) => Option.getOrThrow(answer).name)
      assert.strictEqual(yield* nameFor("blog_post"), "blog-post")
      assert.strictEqual(yield* nameFor("blog_post", "de-AT"), "blog-post.de")
      assert.strictEqual(yield* nameFor("product_description", "fr"), "product-description")
      assert.strictEqual(yield* nameFor("press_release"), "press-release")
      assert.strictEqual(yield* nameFor("newsletter"), "newsletter")
      assert.strictEqual(yield* nameFor("generic", "de"), "generic.de")
      assert.strictEqual(yield* nameFor("haiku"), "generic")
    }))

  it.effect("all render with a label, a headline and no placeholder left", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const files = (yield* fs.readDirectory(shipped)).filter((name) => name.endsWith(".md"))
      assert.isAtLeast(files.length, 7)
      for (const file of files) {
        const template = Result.getOrThrow(parseTemplate(file, yield* fs.readFileString(`${shipped}/${file}`)))
        for (const prompt of prompts) {
          const answer = yield* rendered({ prompt }).pipe(Effect.provide(Templates.layerList([template])))
          const { name, text } = Option.getOrThrow(answer)
          assert.strictEqual(`${name}.md`, file)
          assert.match(text, /^> \*\*(?:This is a template|Das ist eine Vorlage)/)
          assert.match(text, /\n# \S/)
          assert.notMatch(text, /\{\{|\}\}|<b>/)
        }
      }
    }))
})

describe("without templates", () => {
  it.effect("nothing is rendered", () =>
    Effect.gen(function*() {
      const answer = yield* rendered({ prompt: "x" }).pipe(Effect.provide(Templates.layerNone))
      assert.isTrue(Option.isNone(answer))
    }))
})
