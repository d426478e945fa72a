/** A page of the reference: every public export of one entry, by the module that declares it. */
import { makeSlugger } from "../markdown.ts"
import { exportsOf, type Folders, moduleDoc, type PublicExport } from "./Exports.ts"

export interface Page {
  readonly markdown: string
  /** Exports without a word about them. */
  readonly undocumented: ReadonlyArray<string>
}

export const page = (folders: Folders, name: string, entry: string): Page => {
  const all = exportsOf(folders, entry)
  const sections = sectionsOf(folders, all)
  const slug = makeSlugger()
  slug(name)
  const listed = sections.map((section) => {
    const own = slug(section.title)
    const names = section.exports.map((one) => `[${one.name}](#${slug(one.heading)})`)
    return `- [${section.title}](#${own}): ${names.join(", ")}`
  })
  const parts = sections.flatMap((section) => [
    `## ${section.title}`,
    `[src/${section.path}](../../src/${section.path})${section.doc === "" ? "" : `. ${section.doc}`}`,
    ...section.exports.flatMap(({ code, doc, heading }) => [
      `### ${heading}`,
      ...doc === "" ? [] : [doc],
      `\`\`\`ts\n${code}\n\`\`\``
    ])
  ])
  const intro = moduleDoc(folders, entry)
  const note = "Written by `npm run docs:api` from the JSDoc of the sources; do not edit it."
  return {
    markdown: [`# ${name}`, ...intro === "" ? [] : [intro], note, listed.join("\n"), ...parts, ""].join("\n\n"),
    undocumented: sections.flatMap(({ exports, path }) =>
      exports.flatMap(({ doc, heading }) => doc === "" ? [`src/${path}: ${heading}`] : [])
    )
  }
}

interface Section {
  readonly title: string
  readonly path: string
  readonly doc: string
  readonly exports: ReadonlyArray<PublicExport & { readonly heading: string }>
}

const sectionsOf = (folders: Folders, all: ReadonlyArray<PublicExport>): ReadonlyArray<Section> => {
  const namespaces = all.flatMap((one): ReadonlyArray<Section> =>
    one.members === undefined ? [] : [{
      title: `Namespace ${one.name}`,
      path: one.path,
      doc: one.doc,
      exports: one.members.map((member) => ({ ...member, heading: `${one.name}.${member.name}` }))
    }]
  )
  const byPath = Map.groupBy(all.filter((one) => one.members === undefined), (one) => one.path)
  const modules = [...byPath].map(([path, exports]): Section => ({
    title: path.replace(/\.ts$/, ""),
    path,
    doc: moduleDoc(folders, path),
    exports: exports.map((one) => ({ ...one, heading: one.name }))
  }))
  return [...modules, ...namespaces]
}
