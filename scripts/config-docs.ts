/**
 * Writes what `src/layers/AppConfig.ts` knows of the configuration, and the programs of `examples`, to where people look
 * for them: wherever README.md or a page of docs has `<!-- NAME:begin (written by scripts/config-docs.ts) -->` and
 * `<!-- NAME:end -->`. NAME is `configuration` (all variables), `configuration-first` (what most set
 * first), or a file of `examples` (with or without `.ts`). Writes `.env.example` too. With `--check` it changes nothing and fails when something is out of date.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { type Variable, variables } from "../src/layers/AppConfig.ts"

/** A text file of the repository, by its path from the root. */
export const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")

/** The pages that may show something of it. */
export const pages: ReadonlyArray<string> = [
  "README.md",
  ...readdirSync(new URL("../docs", import.meta.url)).filter((name) => name.endsWith(".md")).map((name) =>
    `docs/${name}`
  )
]

/** A page with its generated parts up to date. */
export const written = (current: string): string =>
  current.replaceAll(
    /^<!-- ([\w.-]+):begin \(written by [\w./-]+\) -->$(?:(?!^<!-- \1:end -->$).)*(^<!-- \1:end -->$)?/gms,
    (_, name: string, end: string | undefined) => {
      if (end === undefined) throw new Error(`the line <!-- ${name}:end --> is missing`)
      return `<!-- ${name}:begin (written by scripts/config-docs.ts) -->\n\n${partOf(name)}\n${end}`
    }
  )

const partOf = (name: string): string => {
  if (name === "configuration") return table(variables)
  if (name === "configuration-first") return table(variables.filter((variable) => first.has(variable.name)))
  return code(read(`examples/${name.endsWith(".ts") ? name : `${name}.ts`}`))
}

/** What most set first. */
const first = new Set([
  "HOST",
  "PORT",
  "DATABASE_URL",
  "AI_BASE_URL",
  "AI_API_KEY",
  "AI_MODEL",
  "TOTAL_TIMEOUT",
  "LIMIT_REQUESTS_PER_MINUTE",
  "FALLBACK_MAX_AGE",
  "API_KEYS"
])

/** Every variable commented out, with its default. */
export const envExample = (): string =>
  [
    "# Understudy's configuration. Copy this file to .env and take the # away where you want another value.\n"
    + "# `npm start` reads .env; variables of the environment win. A variable that is left empty counts as left out.\n",
    ...variables.map((variable) =>
      `# ${variable.does}\n# Expected: ${variable.expected}\n#${variable.name}=${quoted(variable.default ?? "")}\n`
    )
  ].join("\n")

const quoted = (value: string): string => value.includes(" ") ? `"${value}"` : value

const code = (source: string): string => `\`\`\`ts\n${source}\`\`\`\n`

/** Padded as the formatter wants it. */
const table = (rows: ReadonlyArray<Variable>): string => {
  const cells = [
    ["Variable", "Default", "What it does"],
    ...rows.map((row) => [`\`${row.name}\``, row.default === undefined ? "" : `\`${row.default}\``, row.does])
  ].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")))
  const widths = [0, 1, 2].map((column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>) =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |\n`
  const [head = [], ...body] = cells
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("")
}

if (import.meta.main) {
  const check = process.argv.includes("--check")
  const wanted = [
    ...pages.map((path) => [path, written(read(path))] as const),
    [".env.example", envExample()] as const
  ]
  for (const [path, text] of wanted) {
    if (!check) {
      writeFileSync(new URL(`../${path}`, import.meta.url), text)
    } else if (currentOf(path) !== text) {
      process.stderr.write(`${path} is out of date: run node scripts/config-docs.ts\n`)
      process.exitCode = 1
    }
  }
}

function currentOf(path: string): string {
  try {
    return read(path)
  } catch {
    return ""
  }
}
