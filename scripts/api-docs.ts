/**
 * Writes the reference of the public surface, one page in `docs/api` for each entry of the package, from the declarations
 * that the compiler makes and the JSDoc in them. With `--check` it changes nothing and fails when a page is out of date
 * or an export has no JSDoc.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { page } from "./api/page.ts"

const entries = [
  { name: "understudy", file: "understudy.md", entry: "index.ts" },
  { name: "understudy/http", file: "http.md", entry: "http/index.ts" },
  { name: "understudy/layers", file: "layers.md", entry: "layers/index.ts" },
  { name: "understudy/simulation", file: "simulation.md", entry: "simulation/index.ts" }
]

const root = new URL("..", import.meta.url).pathname
const tool = (name: string) => join(root, "node_modules/.bin", name)

/** Into a folder of its own. The types of a declaration file are inferred, so the whole program is read. */
const declare = (scratch: string): string => {
  const project = join(scratch, "tsconfig.json")
  const declarations = join(scratch, "declarations")
  writeFileSync(
    project,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        // check:types is there for that.
        noCheck: true,
        plugins: [],
        rootDir: join(root, "src"),
        outDir: declarations,
        typeRoots: [join(root, "node_modules/@types")]
      },
      include: [],
      files: entries.map(({ entry }) => join(root, "src", entry))
    })
  )
  const result = spawnSync(tool("tsc"), ["--project", project], { encoding: "utf8" })
  if (result.status !== 0) process.stderr.write(result.stdout)
  return declarations
}

/** In the house's style, code blocks too. Again until nothing changes: some comments find their place in two steps. */
const formatted = (text: string): string => {
  const result = spawnSync(tool("dprint"), ["fmt", "--stdin", "md"], { cwd: root, input: text, encoding: "utf8" })
  if (result.status !== 0) throw new Error(`dprint: ${result.stderr}`)
  return result.stdout === text ? text : formatted(result.stdout)
}

const currentOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

const check = process.argv.includes("--check")
const scratch = mkdtempSync(join(tmpdir(), "understudy-api-"))
try {
  const folders = { declarations: declare(scratch), sources: join(root, "src") }
  mkdirSync(join(root, "docs/api"), { recursive: true })
  const undocumented = new Set<string>()
  for (const { entry, file, name } of entries) {
    const path = join(root, "docs/api", file)
    const made = page(folders, name, entry)
    const text = formatted(made.markdown)
    for (const one of made.undocumented) undocumented.add(one)
    if (!check) {
      writeFileSync(path, text)
    } else if (currentOf(path) !== text) {
      process.stderr.write(`docs/api/${file} is out of date: run npm run docs:api\n`)
      process.exitCode = 1
    }
  }
  for (const one of undocumented) process.stderr.write(`${one} has no JSDoc\n`)
  if (undocumented.size > 0) process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true })
}
