/**
 * Projects of people who use the package: the tarball, installed by npm. Installing needs no registry: of the rest of a
 * project they get links to what this repository has.
 */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "../../scripts/build.ts"
import { pack } from "../../scripts/package/pack.ts"
import { freshDirectory } from "../support/databases.ts"
import type { Environment } from "../support/service.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const nodeModules = join(root, "node_modules")

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A program, run to its end. Sees nothing of our own environment but the path, with our Node first. */
export const run = (directory: string, file: string, args: ReadonlyArray<string>, env: Environment = {}) =>
  Effect.callback<Run>((resume) => {
    const path = `${dirname(process.execPath)}:${process.env["PATH"]}`
    const child = execFile(file, args, { cwd: directory, env: { PATH: path, ...env } }, (error, stdout, stderr) => {
      resume(Effect.succeed({ code: error === null ? 0 : Number(error.code), stdout, stderr }))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** An empty project in which `npm install understudy-….tgz` was run. */
export const installed = Effect.gen(function*() {
  const directory = yield* freshDirectory
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }))
  const tarball = yield* Effect.sync(() => {
    build()
    return pack(directory)
  })
  // Its peers would come from the registry.
  const options = ["--offline", "--legacy-peer-deps", "--no-audit", "--no-fund"]
  const { code, stderr } = yield* run(directory, "npm", ["install", tarball, ...options], {
    HOME: directory
  })
  return code === 0 ? directory : yield* Effect.die(new Error(`npm cannot install the tarball:\n${stderr}`))
})

/** The same with more packages. */
export const projectWith = Effect.fnUntraced(function*(from: string, packages: ReadonlyArray<string>) {
  const directory = yield* freshDirectory
  cpSync(from, directory, { recursive: true, verbatimSymlinks: true })
  for (const name of packages) {
    const place = join(directory, "node_modules", name)
    mkdirSync(dirname(place), { recursive: true })
    symlinkSync(join(nodeModules, name), place)
  }
  return directory
})

const program = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url)), "utf8")

export type Resolution = "NodeNext" | "Bundler"

/** What the compiler says of these programs, and of the package's declarations and Effect's, at its strictest. */
export const compile = (
  directory: string,
  resolution: Resolution,
  programs: ReadonlyArray<string>,
  types: ReadonlyArray<string>
) => {
  for (const name of programs) writeFileSync(join(directory, `${name}.ts`), program(name))
  const compilerOptions = {
    module: resolution === "NodeNext" ? "NodeNext" : "ESNext",
    moduleResolution: resolution,
    target: "ES2024",
    lib: ["ES2024", "DOM", "DOM.Iterable"],
    types,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    declaration: true,
    outDir: "out"
  }
  writeFileSync(
    join(directory, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: programs.map((name) => `${name}.ts`) })
  )
  return run(directory, process.execPath, [join(nodeModules, "typescript/bin/tsc")])
}

/** Runs a compiled program: what it exports under a name, as JSON. */
export const printed = (directory: string, name: string, exported: string) => {
  const file = join(directory, `print-${name}.js`)
  writeFileSync(
    file,
    `import { ${exported} } from "./out/${name}.js"\nconsole.log(JSON.stringify(await ${exported}))\n`
  )
  return run(directory, process.execPath, [file])
}
