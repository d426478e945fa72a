/** No link of the documents leads nowhere. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, statSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { anchors, prose } from "../../scripts/markdown.ts"
import { allPages, readPage, root } from "../support/documents.ts"

/** Relative links of a page, without their titles. */
const linksOf = (page: string): ReadonlyArray<string> =>
  [...prose(readPage(page)).replaceAll(/`[^`]*`/g, "").matchAll(/\]\(([^)\s]+)[^)]*\)/g)]
    .map(([, target = ""]) => target).filter((target) => !/^[a-z]+:/.test(target))

/** What is wrong with it; nothing when it leads somewhere. */
const problemWith = (page: string, target: string): ReadonlyArray<string> => {
  const [path = "", anchor] = target.split("#")
  const file = path === "" ? page : normalize(join(dirname(page), decodeURI(path)))
  const place = `${page}: ${target}`
  if (!existsSync(join(root, file))) return [`${place}: there is no ${file}`]
  if (anchor === undefined) return []
  if (!file.endsWith(".md") || statSync(join(root, file)).isDirectory()) return [`${place}: no anchors there`]
  return anchors(readPage(file)).has(anchor) ? [] : [`${place}: there is no such heading`]
}

describe("the links of the documents", () => {
  it("lead to files and headings that are there", () => {
    const links = allPages.flatMap((page) => linksOf(page).map((target) => ({ page, target })))
    assert.isAbove(links.length, 200)
    assert.deepStrictEqual(links.flatMap(({ page, target }) => problemWith(page, target)), [])
  })

  it("headings get the anchors that GitHub gives them", () => {
    const page =
      "# A `b`: c-d, e_f!\n\n## POST /jobs/{id}\n\n## Same\n\n## Same\n\n```sh\n# no heading\n```\n\n### [x](y.md) Ü\n"
    assert.deepStrictEqual([...anchors(page)], ["a-b-c-d-e_f", "post-jobsid", "same", "same-1", "x-ü"])
  })

  it("every page of docs/ is in its index, and in it once", () => {
    const listed = linksOf("docs/README.md").filter((target) => target.endsWith(".md") && !target.startsWith(".."))
    const pages = allPages.filter((page) => page.startsWith("docs/") && page !== "docs/README.md")
    assert.deepStrictEqual(listed.toSorted(), pages.map((page) => page.replace("docs/", "")).toSorted())
  })
})
