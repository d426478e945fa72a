/** The public exports of an entry, read off its declaration files and its sources. */
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { parseSync } from "oxc-parser"
import { Declarations } from "./Declarations.ts"

export interface PublicExport {
  readonly name: string
  /** Its source, from `src`. */
  readonly path: string
  /** Of a namespace: what is in it. */
  readonly members?: ReadonlyArray<PublicExport>
  /** The text of its JSDoc; empty when it has none. */
  readonly doc: string
  /** Its declaration; empty for a namespace. */
  readonly code: string
}

/** Everything that the module at `path` (from `src`, such as `http/index.ts`) exports, in the order of its source. */
export const exportsOf = (folders: Folders, path: string): ReadonlyArray<PublicExport> => {
  const module = read(folders, path)
  const found: Array<PublicExport> = []
  for (const statement of module.statements) {
    if (statement.type === "ExportAllDeclaration") {
      const from = resolved(path, statement.source.value)
      if (statement.exported === null) found.push(...exportsOf(folders, from))
      else if (statement.exported.type === "Identifier") {
        const members = exportsOf(folders, from)
        found.push({ name: statement.exported.name, path: from, members, doc: read(folders, from).doc, code: "" })
      }
    } else if (statement.type === "ExportNamedDeclaration") {
      if (statement.source !== null) {
        const all = exportsOf(folders, resolved(path, statement.source.value))
        for (const { exported, local } of statement.specifiers) {
          if (exported.type !== "Identifier" || local.type !== "Identifier") continue
          found.push(renamed(only(all, local.name), exported.name))
        }
      } else {
        for (const name of module.namesIn(statement)) {
          const from = module.importedFrom(name)
          found.push(
            from === undefined
              ? { name, path, ...module.declaration(name) }
              : only(exportsOf(folders, resolved(path, from)), name)
          )
        }
      }
    }
  }
  return merged(found)
}

export interface Folders {
  /** Where the declaration files are. */
  readonly declarations: string
  readonly sources: string
}

/** The comment at the top of a module. */
export const moduleDoc = (folders: Folders, path: string): string => read(folders, path).doc

const read = ({ declarations, sources }: Folders, path: string): Declarations => {
  const file = join(declarations, path.replace(/\.ts$/, ".d.ts"))
  if (!existsSync(file)) throw new Error(`src/${path} has no declaration file: see what tsc says of it`)
  const text = readFileSync(file, "utf8")
  const source = readFileSync(join(sources, path), "utf8")
  return new Declarations(text, parseSync(file, text), source, parseSync(path, source))
}

const resolved = (path: string, specifier: string): string => join(dirname(path), specifier)

const only = (all: ReadonlyArray<PublicExport>, name: string): PublicExport => {
  const found = all.find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no export ${name}`)
  return found
}

const renamed = (one: PublicExport, name: string): PublicExport =>
  one.name === name ? one : { ...one, name, code: one.code.replace(new RegExp(`\\b${one.name}\\b`), name) }

/** A type and a value of one name are one export. */
const merged = (all: ReadonlyArray<PublicExport>): ReadonlyArray<PublicExport> => {
  const byName = new Map<string, PublicExport>()
  for (const one of all) {
    const before = byName.get(one.name)
    if (before === undefined || before.code === one.code) byName.set(one.name, before ?? one)
    else byName.set(one.name, { ...before, code: `${before.code}\n${one.code}`, doc: before.doc || one.doc })
  }
  return [...byName.values()]
}
