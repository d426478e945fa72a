/**
 * Type-checks the project with the TypeScript build of `@effect/tsgo`, which adds Effect's own diagnostics
 * (floating effects, missing requirements, …) to those of `tsc`. No patching of `node_modules`.
 */
import { spawnSync } from "node:child_process"

const tool = (name: string) => new URL(`../node_modules/.bin/${name}`, import.meta.url).pathname
const compiler = spawnSync(process.execPath, [tool("effect-tsgo"), "get-exe-path"], { encoding: "utf8" }).stdout.trim()
const result = spawnSync(compiler, ["--project", "tsconfig.json", "--noEmit"], { stdio: "inherit" })
process.exitCode = result.status ?? 1
