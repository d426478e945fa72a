/**
 * `npm run check:package`: builds the package, packs it, lets publint and attw look at it, and holds its weight against
 * the budgets. Nothing of it needs a network.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { build, buildDirectory, filesIn } from "./build.ts"
import { type Amount, loads, programs, tarballBytes } from "./package/budgets.ts"
import { pack, problemsOf } from "./package/pack.ts"
import { bundled, loaded } from "./package/weigh.ts"

const problems: Array<string> = []
const say = (line: string) => void process.stdout.write(`${line}\n`)

const weigh = (what: string, is: number, atMost: number, unit: string) => {
  say(`${what}: ${is.toLocaleString("en")} ${unit} (at most ${atMost.toLocaleString("en")})`)
  if (is > atMost) problems.push(`${what}: ${is} ${unit} is over the budget of ${atMost} in scripts/package/budgets.ts`)
}

const contents = (): ReadonlyMap<string, string> =>
  new Map(filesIn(buildDirectory).map((file) => [relative(buildDirectory, file), readFileSync(file, "latin1")]))

const checkTarball = async (folder: string) => {
  build()
  const tarball = pack(mkdtempSync(join(folder, "first-")))
  const before = contents()
  build()
  const again = pack(mkdtempSync(join(folder, "second-")))
  const changed = [...contents()].filter(([file, text]) => before.get(file) !== text).map(([file]) => file)
  if (changed.length > 0) {
    problems.push(
      `built twice, the same sources give another ${changed.join(", ")}: give its types names or annotations`
    )
  } else if (!readFileSync(tarball).equals(readFileSync(again))) {
    problems.push("packed twice, the same files give two packages")
  }
  problems.push(...problemsOf(tarball))

  const { messages, pkg } = await publint({ pkgDir: buildDirectory, pack: "npm", strict: true })
  problems.push(...messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`))

  const attw = spawnSync(
    process.execPath,
    ["node_modules/.bin/attw", tarball, "--profile", "esm-only", "--no-definitely-typed", "--format", "ascii"],
    { encoding: "utf8" }
  )
  if (attw.status !== 0) problems.push(`attw: ${attw.stdout}${attw.stderr}`)

  weigh("the tarball", statSync(tarball).size, tarballBytes, "bytes")
}

const checkBundles = async () => {
  for (const program of programs) {
    try {
      weigh(`${program.name}, without effect`, await bundled(program, false), program.own, "bytes")
      weigh(`${program.name}, with effect`, await bundled(program, true), program.whole, "bytes")
    } catch (cause) {
      problems.push(`${program.name} cannot be bundled: ${String(cause)}`)
    }
  }
}

const checkLoads = () => {
  for (const load of loads) {
    const { names, ...found } = loaded(load)
    const hold = (whose: string, is: Amount, atMost: Amount) => {
      weigh(`${load.name} loads ${whose}`, is.modules, atMost.modules, "modules")
      weigh(`${load.name} loads ${whose}`, is.bytes, atMost.bytes, "bytes")
    }
    hold("of its own", found.own, load.own)
    hold("of effect", found.effect, load.effect)
    hold("of others", found.others, load.others)
    if (load.others.modules === 0 && names.length > 0) {
      problems.push(`${load.name} must load with effect alone, and reaches ${names.join(", ")}`)
    }
  }
}

const folder = mkdtempSync(join(tmpdir(), "understudy-package-"))
try {
  await checkTarball(folder)
  await checkBundles()
  checkLoads()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
for (const problem of problems) process.stderr.write(`${problem}\n`)
process.exitCode = problems.length === 0 ? 0 : 1
