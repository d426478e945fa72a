/**
 * `npm run build`: makes the published package in build/, whatever was there before. `npm publish ./build` publishes it.
 *
 * The sources are compiled from a copy beside what is made of them, so that the maps lead to files of the package.
 */
import { spawnSync } from "node:child_process"
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { withJavaScriptImports, withSortedEndpoints } from "./package/declarations.ts"
import { type Manifest, publishedManifest } from "./package/manifest.ts"

const root = fileURLToPath(new URL("..", import.meta.url))

/** Where the package is made. */
export const buildDirectory = join(root, "build")

export const rootManifest = (): Manifest => JSON.parse(readFileSync(join(root, "package.json"), "utf8"))

/** Throws when it does not compile; the compiler has said why. */
export const build = (): void => {
  rmSync(buildDirectory, { recursive: true, force: true })
  mkdirSync(buildDirectory)
  for (const part of ["src", "templates", "README.md", "LICENSE", "CHANGELOG.md"]) {
    cpSync(join(root, part), join(buildDirectory, part), { recursive: true })
  }
  const compiler = join(root, "node_modules/.bin/tsc")
  const compiled = spawnSync(process.execPath, [compiler, "--project", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit"
  })
  if (compiled.status !== 0) throw new Error("the package does not compile")
  for (const file of filesIn(join(buildDirectory, "dist"))) {
    if (file.endsWith(".d.ts")) {
      writeFileSync(file, withSortedEndpoints(withJavaScriptImports(readFileSync(file, "utf8"))))
    }
  }
  chmodSync(join(buildDirectory, "dist/main.js"), 0o755)
  writeFileSync(
    join(buildDirectory, "package.json"),
    `${JSON.stringify(publishedManifest(rootManifest()), undefined, 2)}\n`
  )
}

/** All files in a folder and those below it, by their whole path. */
export const filesIn = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()

if (import.meta.main) build()
