/** That no example is left without a test, nor out of the documents. */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync } from "node:fs"
import { pages, read } from "../../scripts/config-docs.ts"

const here = new URL(".", import.meta.url)
const examples = readdirSync(new URL("../../examples", here))
const tests = readdirSync(here).filter((name) => name.endsWith(".test.ts") && name !== "all.test.ts")
  .map((name) => read(`test/examples/${name}`)).join("\n")
const documents = pages.map(read).join("\n")

describe("every example", () => {
  for (const name of examples) {
    it(`${name} has a test, stands in a document, and says on its first line what it is and how it is run`, () => {
      const isTested = name.endsWith(".test.ts") || tests.includes(`"${name}"`) || tests.includes(`examples/${name}"`)
      assert.isTrue(isTested, "no test in test/examples names it")
      const bare = name.replace(/\.ts$/, "")
      const isShown = [`<!-- ${name}:begin`, `<!-- ${bare}:begin`, `examples/${name})`].some((way) =>
        documents.includes(way)
      )
      assert.isTrue(isShown, "no page of docs shows it or has a link to it")
      const [first = ""] = read(`examples/${name}`).split("\n")
      assert.match(
        first,
        name.endsWith(".test.ts") ? /^\/\*\* .+ \*\/$/ : /^\/\*\* .+ Run.*: .+ \*\/$|^\/\*\* .+ Run by .+ \*\/$/
      )
    })
  }
})
