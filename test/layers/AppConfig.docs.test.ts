import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { parseEnv } from "node:util"
import { configurationDocs, envExample, read, readme, simulationDocs } from "../../scripts/config-docs.ts"
import { load, variables } from "../../src/layers/AppConfig.ts"

const example = read(".env.example")
/** What one gets by taking the # away from every variable. */
const uncommented = parseEnv(example.replaceAll(/^#(?=[A-Z_]+=)/gm, ""))

const loadFrom = (env: Record<string, string>) =>
  Effect.provideService(load, ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))

describe("the configuration in the documents", () => {
  it("docs/configuration.md shows every variable with its default", () => {
    const current = read("docs/configuration.md")
    assert.strictEqual(current, configurationDocs(current), "run node scripts/config-docs.ts")
  })

  it("README.md shows the first ones with their defaults, and the example program as it is", () => {
    const current = read("README.md")
    assert.strictEqual(current, readme(current), "run node scripts/config-docs.ts")
    for (const name of ["`PORT`", "`DATABASE_URL`", "`AI_BASE_URL`"]) assert.include(current, name)
  })

  it("docs/simulation.md shows the example programs as they are", () => {
    const current = read("docs/simulation.md")
    assert.strictEqual(current, simulationDocs(current), "run node scripts/config-docs.ts")
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
