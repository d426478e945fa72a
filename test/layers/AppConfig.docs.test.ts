import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { parseEnv } from "node:util"
import { envExample, pages, read, written } from "../../scripts/config-docs.ts"
import { load, variables } from "../../src/layers/AppConfig.ts"

const example = read(".env.example")
/** What one gets by taking the # away from every variable. */
const uncommented = parseEnv(example.replaceAll(/^#(?=[A-Z_]+=)/gm, ""))

const loadFrom = (env: Record<string, string>) =>
  Effect.provideService(load, ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))

describe("the configuration in the documents", () => {
  for (const page of pages) {
    it(`${page} shows the configuration and the example programs as they are`, () => {
      const current = read(page)
      assert.strictEqual(current, written(current), "run node scripts/config-docs.ts")
    })
  }

  it("a page without an end of what is shown is refused, and one with an older text is brought up to date", () => {
    const begin = "<!-- embedded:begin (written by scripts/config-docs.ts) -->"
    assert.throws(() => written(`a\n${begin}\nb\n<!-- other:end -->`), /embedded:end --> is missing/)
    const page = written(`a\n${begin}\nold\n<!-- embedded:end -->\nb`)
    assert.include(page, read("examples/embedded.ts"))
    assert.notInclude(page, "old\n")
    assert.isTrue(page.startsWith("a\n") && page.endsWith("\nb"))
  })

  it("README.md has the variables, and the program that embeds", () => {
    for (const part of ["`DATABASE_URL`", "configuration-first:begin", "embedded:begin"]) {
      assert.include(read("README.md"), part)
    }
  })

  it(".env.example is what the variables say", () => {
    assert.strictEqual(example, envExample(), "run node scripts/config-docs.ts")
  })

  it("every variable stands in .env.example once, commented out, with its default", () => {
    assert.deepStrictEqual(parseEnv(example), {})
    const defaults = Object.fromEntries(variables.map((variable) => [variable.name, variable.default ?? ""]))
    assert.deepStrictEqual({ ...uncommented }, defaults)
  })

  it.effect("the defaults in .env.example configure what an empty environment configures", () =>
    Effect.gen(function*() {
      const env = Object.fromEntries(Object.entries(uncommented).map(([name, value]) => [name, value ?? ""]))
      assert.deepStrictEqual(yield* loadFrom(env), yield* loadFrom({}))
    }))
})
