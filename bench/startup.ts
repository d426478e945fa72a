/**
 * `npm run bench:startup`: how long the published package takes to load, next to `effect` alone, which whoever uses it
 * loads anyway. Medians of child processes that take turns, so that a busy machine slows them all. Fails when a ratio is
 * far over what it should be (scripts/package/budgets.ts).
 *
 *     node bench/startup.ts [--rounds 9]
 */
import { execFileSync } from "node:child_process"
import { parseArgs } from "node:util"
import { build, buildDirectory } from "../scripts/build.ts"
import { startup } from "../scripts/package/budgets.ts"

const { values } = parseArgs({ options: { rounds: { type: "string", default: "9" } } })
const say = (line: string) => void process.stdout.write(`${line}\n`)

const node = (...args: ReadonlyArray<string>): string =>
  execFileSync(process.execPath, args, { cwd: buildDirectory, encoding: "utf8" })

/** Milliseconds, without those in which Node itself starts. */
const importing = (entry: string) => (): number =>
  Number(node(
    "--input-type=module",
    "--eval",
    `const before = performance.now(); await import("${entry}"); console.log(performance.now() - before)`
  ))

/** Milliseconds of a whole process. */
const running = (...args: ReadonlyArray<string>) => (): number => {
  const before = performance.now()
  node(...args)
  return performance.now() - before
}

const effectAlone = ["--input-type=module", "--eval", "import \"effect\""]

const measured = {
  "import effect": importing("effect"),
  "import understudy": importing("understudy"),
  "import understudy/http": importing("understudy/http"),
  "import understudy/simulation": importing("understudy/simulation"),
  "import understudy/layers": importing("understudy/layers"),
  "a process that imports effect": running(...effectAlone),
  "understudy --version": running("dist/main.js", "--version")
}

type Name = keyof typeof measured

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0

build()
const times = new Map<string, Array<number>>()
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, measure] of Object.entries(measured)) times.set(name, [...times.get(name) ?? [], measure()])
}

const of = (name: Name): number => median(times.get(name) ?? [])

for (const name of times.keys()) say(`${name}: ${median(times.get(name) ?? []).toFixed(0)} ms`)

const hold = (name: Name, base: Name, atMost: number) => {
  const ratio = of(name) / of(base)
  say(`${name} / ${base}: ${ratio.toFixed(2)} (at most ${atMost})`)
  if (ratio > atMost) process.exitCode = 1
}

hold("import understudy", "import effect", startup.understudy)
hold("understudy --version", "a process that imports effect", startup.version)
