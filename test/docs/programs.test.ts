/** The programs and data in the documents are what they seem: compiled, parsed, or files that are tested elsewhere. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync } from "node:fs"
import { documentFolder, runBash } from "../support/documentFolder.ts"
import { type Block, blocksOf, placeOf, readPage, shownPages } from "../support/documents.ts"

const blocks = shownPages.flatMap(blocksOf)
const of = (...languages: ReadonlyArray<string>) => blocks.filter(({ language }) => languages.includes(language))

const examples = readdirSync(new URL("../../examples", import.meta.url), { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name) && !name.includes("node_modules"))
  .map((name) => readPage(`examples/${name}`))

const trimmed = (text: string): ReadonlyArray<string> =>
  text.split("\n").map((line) => line.replace(/\s+\/\/ .*$/, "").trim()).filter((line) => line !== "")

/** All of an example, or lines of one in their order. */
const isOfAnExample = ({ text }: Block): boolean =>
  examples.some((example) => {
    const lines = trimmed(example)
    let from = 0
    return trimmed(text).every((line) => {
      from = lines.indexOf(line, from) + 1
      return from > 0
    })
  })

const isRunElsewhere = ({ page }: Block): boolean => page === "docs/openai.md"

/** Everything that a block may be written in; others are prose, such as what a terminal shows. */
const languages = [
  "",
  "sh",
  "ts",
  "tsx",
  "js",
  "python",
  "json",
  "markdown",
  "promql",
  "text",
  "yaml",
  "yml",
  "dockerfile",
  "ini",
  "nginx",
  "console"
]

describe("the documents' programs", () => {
  it("are written in languages that somebody looks at here", () => {
    const others = blocks.filter(({ language }) => !languages.includes(language.toLowerCase()))
    assert.deepStrictEqual(others.map(placeOf), [])
  })

  it.live("in TypeScript are examples, are run by test/e2e, or compile", () =>
    Effect.gen(function*() {
      const { folder, write } = yield* documentFolder
      const alone = of("ts", "tsx").filter((block) => !isOfAnExample(block) && !isRunElsewhere(block))
      assert.isAbove(alone.length, 2)
      for (const block of alone) {
        write(`programs/${block.page.replaceAll("/", "_")}.${block.line}.ts`, block.text)
      }
      const config = { extends: "../tsconfig.json", include: ["*.ts"], compilerOptions: { noUnusedLocals: false } }
      write("programs/tsconfig.json", JSON.stringify(config))
      const { code, stdout } = yield* runBash(folder, "tsc --noEmit --project programs")
      assert.strictEqual(code, 0, stdout)
    }), 120_000)

  it.live("in JavaScript and Python can be parsed", () =>
    Effect.gen(function*() {
      const { folder, write } = yield* documentFolder
      const check = Effect.fnUntraced(function*(block: Block, name: string, command: string) {
        write(name, block.text)
        const { code, stderr } = yield* runBash(folder, `${command} ${name}`)
        assert.strictEqual(code, 0, `${placeOf(block)}\n${stderr}`)
      })
      for (const block of of("js")) yield* check(block, "block.mjs", "node --check")
      for (const block of of("python")) yield* check(block, "block.py", "python3 -m py_compile")
    }), 60_000)

  it("in JSON are JSON: whole, a value in each line, or a field of an object", () => {
    const isJson = (text: string): boolean => {
      try {
        JSON.parse(text)
        return true
      } catch {
        return false
      }
    }
    const wrong = of("json").filter(({ text }) =>
      !isJson(text) && !isJson(`{${text}}`) && !text.split("\n").every(isJson)
    )
    assert.deepStrictEqual(wrong.map(placeOf), [])
  })
})
