/** The reference has everything that the package gives away. `npm run check:api` holds it to what that is. */
import { assert, describe, it } from "@effect/vitest"
import * as understudy from "understudy"
import * as http from "understudy/http"
import * as layers from "understudy/layers"
import * as simulation from "understudy/simulation"
import { readPage } from "../support/documents.ts"

const entries: ReadonlyArray<readonly [page: string, exports: Readonly<Record<string, unknown>>]> = [
  ["understudy", understudy],
  ["http", http],
  ["layers", layers],
  ["simulation", simulation]
]

const headingsOf = (page: string): ReadonlySet<string> =>
  new Set([...readPage(`docs/api/${page}.md`).matchAll(/^##+ (?:Namespace )?([\w.]+)$/gm)].map(([, name = ""]) => name))

describe("the reference", () => {
  it.each(entries)("of %s has every value that can be imported, and what is in its namespaces", (page, exports) => {
    const headings = headingsOf(page)
    const names = Object.entries(exports).flatMap(([name, value]) =>
      isNamespace(value) ? [name, ...Object.keys(value).map((member) => `${name}.${member}`)] : [name]
    )
    assert.isAbove(names.length, 10)
    assert.deepStrictEqual(names.filter((name) => !headings.has(name)), [])
  })
})

function isNamespace(value: unknown): value is object {
  return typeof value === "object" && value !== null && Object.prototype.toString.call(value) === "[object Module]"
}
