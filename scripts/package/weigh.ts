/** Weighs the package in build/, for the budgets. */
import { build as bundle } from "esbuild"
import { execFileSync } from "node:child_process"
import { fileURLToPath, pathToFileURL } from "node:url"
import { gzipSync } from "node:zlib"
import { buildDirectory } from "../build.ts"
import type { Amount, Load, Program } from "./budgets.ts"

/** Bytes of a program as a bundler makes it, minified and compressed. */
export const bundled = async ({ source }: Program, withEffect: boolean): Promise<number> => {
  const { outputFiles } = await bundle({
    stdin: { contents: source, resolveDir: buildDirectory },
    bundle: true,
    minify: true,
    format: "esm",
    // Neither Node's nor a browser's own modules are there: reaching for one fails here.
    platform: "neutral",
    external: withEffect ? [] : ["effect", "effect/*"],
    write: false,
    logLevel: "error"
  })
  return outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0)
}

export interface Loaded {
  readonly own: Amount
  readonly effect: Amount
  readonly others: Amount
  /** Packages and modules of Node behind `others`. */
  readonly names: ReadonlyArray<string>
}

const counter = fileURLToPath(new URL("countModules.ts", import.meta.url))
const dist = pathToFileURL(`${buildDirectory}/dist/`).href

export const loaded = ({ run }: Load): Loaded => {
  const output = execFileSync(process.execPath, ["--import", counter, ...run], {
    cwd: buildDirectory,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024
  })
  const modules: ReadonlyArray<[string, number]> = JSON.parse(output.trim().split("\n").at(-1) ?? "[]")
  const from = (isMeant: (origin: string) => boolean): Amount => {
    const found = modules.filter(([url]) => isMeant(originOf(url)))
    return { modules: found.length, bytes: found.reduce((sum, [, bytes]) => sum + bytes, 0) }
  }
  const isOther = (origin: string) => origin !== "understudy" && origin !== "effect"
  return {
    own: from((origin) => origin === "understudy"),
    effect: from((origin) => origin === "effect"),
    others: from(isOther),
    names: [...new Set(modules.map(([url]) => originOf(url)).filter(isOther))].sort()
  }
}

/** A package, or a module of Node. */
const originOf = (url: string): string =>
  url.startsWith(dist) ? "understudy" : /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/u.exec(url)?.[1] ?? url
