/**
 * Writes what `src/layers/AppConfig.ts` knows of the configuration to where people look for it: the tables in
 * docs/configuration.md and README.md, and `.env.example`. Puts the examples into README.md and docs/simulation.md too. With `--check` it changes nothing and
 * fails when something is out of date.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { type Variable, variables } from "../src/layers/AppConfig.ts"

/** A text file of the repository, by its path from the root. */
export const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")

/** The README with its generated parts up to date. */
export const readme = (current: string): string =>
  between(
    between(current, "configuration", table(variables.filter(({ name }) => first.has(name)))),
    "embedded",
    code(read("examples/embedded.ts"))
  )

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

/** docs/configuration.md with every variable. */
export const configurationDocs = (current: string): string => between(current, "configuration", table(variables))

/** docs/simulation.md with the examples as they are. */
export const simulationDocs = (current: string): string =>
  between(
    between(current, "newsletter", code(read("examples/newsletter.test.ts"))),
    "strategy",
    code(read("examples/simulation.ts"))
  )

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

/** Replaces what stands between `<!-- name:begin … -->` and `<!-- name:end -->`. */
const between = (text: string, name: string, part: string): string => {
  const [before, rest] = split(text, `<!-- ${name}:begin (written by scripts/config-docs.ts) -->`)
  const [, after] = split(rest, `<!-- ${name}:end -->`)
  return `${before}<!-- ${name}:begin (written by scripts/config-docs.ts) -->\n\n${part}\n<!-- ${name}:end -->${after}`
}

const split = (text: string, marker: string): readonly [before: string, after: string] => {
  const at = text.indexOf(marker)
  if (at === -1) throw new Error(`the line ${marker} is missing`)
  return [text.slice(0, at), text.slice(at + marker.length)]
}

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
  const wanted = {
    "README.md": readme(read("README.md")),
    "docs/configuration.md": configurationDocs(read("docs/configuration.md")),
    "docs/simulation.md": simulationDocs(read("docs/simulation.md")),
    ".env.example": envExample()
  }
  for (const [path, text] of Object.entries(wanted)) {
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
