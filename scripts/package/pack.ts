/** Packs what is in build/, and looks at what is in there. */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { buildDirectory, filesIn, rootManifest } from "../build.ts"
import { files } from "./manifest.ts"

/** The path of the tarball, made in a folder. */
export const pack = (folder: string): string => {
  execFileSync("npm", ["pack", buildDirectory, "--pack-destination", folder, "--ignore-scripts"], { stdio: "pipe" })
  const { name, version } = rootManifest()
  return join(folder, `${name}-${version}.tgz`)
}

/** What should not be as it is. */
export const problemsOf = (tarball: string): ReadonlyArray<string> => {
  const packed = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n")
    .map((path) => path.replace(/^package\//u, ""))
  const wanted = [...files, "LICENSE", "README.md", "package.json"]
  return [
    ...packed.filter((path) => !wanted.includes(path.split("/")[0] ?? "")).map((path) => `${path} is packed`),
    ...wanted.filter((name) => !packed.some((path) => path.split("/")[0] === name)).map((name) => `${name} is missing`),
    ...filesIn(buildDirectory).flatMap(problemsIn)
  ]
}

const problemsIn = (file: string): ReadonlyArray<string> => {
  const name = relative(buildDirectory, file)
  const text = readFileSync(file, "utf8")
  const problems = text.includes(dirname(buildDirectory)) ? [`${name} holds a path of this machine`] : []
  if (!name.endsWith(".map")) return problems
  const { sources }: { readonly sources: ReadonlyArray<string> } = JSON.parse(text)
  const lost = sources.filter((source) => !existsSync(resolve(dirname(file), source)))
  return [...problems, ...lost.map((source) => `${name} leads to ${source}, which is not there`)]
}
