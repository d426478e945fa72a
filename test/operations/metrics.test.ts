/** What operators are told to watch is there to be watched, and what is there they are told of. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Yaml } from "effect/encoding"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
const textOf = (pattern: string) =>
  globSync(pattern, { cwd: root }).map((file) => readFileSync(join(root, file), "utf8"))

/** Generated keys have capitals, so they are no names. */
const namesIn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/(?<![\w.-])understudy_[a-z_]+(?![\w-])/g)].map(([name]) =>
    name.replace(/_(bucket|sum|count)$/, "")
  )

const sources = textOf("src/**/*.ts")
const metrics = new Set(
  sources.filter((text) => /\bMetric\.(?:counter|gauge|histogram)/.test(text))
    .flatMap((text) => [...text.matchAll(/"(understudy_[a-z_]+)"/g)].map(([, name = ""]) => name))
)
/** Tables, roles and settings too. */
const known = new Set(sources.flatMap(namesIn))
const pages = [...textOf("docs/**/*.md"), ...textOf("README.md")]

const Rules = Schema.Struct({
  groups: Schema.NonEmptyArray(Schema.Struct({
    name: Schema.String,
    rules: Schema.NonEmptyArray(Schema.Struct({
      alert: Schema.String.check(Schema.isPattern(/^Understudy[A-Z]\w+$/)),
      expr: Schema.String,
      for: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^\d+[smh]$/))),
      labels: Schema.Struct({ severity: Schema.Literals(["page", "ticket"]) }),
      annotations: Schema.Struct({ summary: Schema.String, runbook: Schema.String })
    }))
  }))
})

const Scraping = Schema.Struct({
  rule_files: Schema.NonEmptyArray(Schema.String),
  scrape_configs: Schema.NonEmptyArray(Schema.Struct({
    job_name: Schema.String,
    authorization: Schema.Struct({ credentials_file: Schema.String }),
    static_configs: Schema.NonEmptyArray(Schema.Struct({ targets: Schema.NonEmptyArray(Schema.String) }))
  }))
})

const [alerts = ""] = textOf("docs/alerts.yaml")
const { groups } = Schema.decodeUnknownSync(Rules, { onExcessProperty: "error" })(Yaml.parse(alerts))
const rules = groups.flatMap(({ rules }) => rules)
const [runbook = ""] = textOf("docs/runbook.md")

describe("the documents", () => {
  it("name no metric, table or role that the code does not have", () => {
    assert.isAbove(metrics.size, 30)
    for (const name of pages.flatMap(namesIn)) {
      // `understudy_vectors_…` stands for a table for each embedder.
      assert.isTrue(known.has(name) || [...known].some((other) => name.endsWith("_") && other.startsWith(name)), name)
    }
  })

  it("name every metric that the code has", () => {
    const named = new Set(pages.flatMap(namesIn))
    assert.deepStrictEqual([...metrics].filter((name) => !named.has(name)), [])
  })
})

describe("the alert rules", () => {
  it("ask for metrics that the code has, with values that it gives them", () => {
    for (const { alert, expr } of rules) {
      const names = namesIn(expr)
      for (const name of names) assert.isTrue(metrics.has(name), `${alert}: ${name}`)
      if (names.length === 0) assert.strictEqual(expr, "up{job=\"understudy\"} == 0")
      for (const [, label, , values = ""] of expr.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)) {
        if (label === "job") continue
        for (const value of values.split("|")) {
          assert.isTrue(sources.some((text) => text.includes(`"${value}"`)), `${alert}: ${label} ${value}`)
        }
      }
    }
  })

  it("are written in pairs of brackets", () => {
    for (const { alert, expr } of rules) {
      for (const [open, close] of [["(", ")"], ["[", "]"], ["{", "}"]] as const) {
        assert.strictEqual(expr.split(open).length, expr.split(close).length, alert)
      }
    }
  })

  it("find a first event: counters are not there before it, and have not grown with it", () => {
    const selector = String.raw`(understudy_\w+_total(?:\{[^}]*\})?)`
    const growing = new RegExp(
      String.raw`(?<!by \(circuit\) )\((?:increase|rate)\(${selector}\[(\w+)\]\)\)(?: > 0(?![.\d])| or vector)`,
      "g"
    )
    const found = rules.flatMap(({ alert, expr }) =>
      [...expr.matchAll(growing)].map(([, counter = "", time = ""]) => ({ alert, expr, counter, time }))
    )
    assert.isAbove(found.length, 8)
    for (const { alert, counter, expr, time } of found) {
      assert.include(expr, `(${counter} unless ${counter} offset ${time}) > 0`, alert)
    }
  })

  it("add no sum that is empty while one of its counters is not there", () => {
    const added = rules.flatMap(({ expr }) => / \+ /.test(expr) ? expr.split(/ \+ | > 0/, 2) : [])
    assert.lengthOf(added, 2)
    for (const sum of added) assert.match(sum, /^\(sum\(.*\) or vector\(0\)\)$/)
  })

  it("ask for a circuit that is not closed while it has traffic, and leave out what callers have done wrong", () => {
    const exprOf = (name: string) => rules.find(({ alert }) => alert === name)?.expr ?? ""
    const circuit = exprOf("UnderstudyCircuitOpen")
    assert.match(circuit, /_state\) > 0 and \(.*_rejections_total\[5m\].* > 0 or .*_transitions_total\[5m\].* > 0\)$/)
    const fallbacks = exprOf("UnderstudyMostlyFallbacks")
    const selectors = [...fallbacks.matchAll(/understudy_answers_total\S*?\[/g)].map(([text]) => text)
    assert.lengthOf(selectors, 3)
    for (const selector of selectors) assert.include(selector, "reason!=\"rejected\"")
    assert.match(fallbacks, / and sum\(increase\(.*\) > \d+$/)
  })

  it("watch the job that the page on operations has scraped, with a key", () => {
    const [, yaml = ""] = /```yaml\n(rule_files:[^]*?)```/.exec(textOf("docs/operations.md").join("")) ?? []
    const { scrape_configs: [scrape] } = Schema.decodeUnknownSync(Scraping, { onExcessProperty: "error" })(
      Yaml.parse(yaml)
    )
    const jobs = rules.flatMap(({ expr }) => [...expr.matchAll(/job="([^"]*)"/g)].map(([, job]) => job))
    assert.deepStrictEqual(jobs, [scrape.job_name])
  })

  it("lead to a heading of the runbook, whose table has all of them and no other", () => {
    const anchors = [...runbook.matchAll(/^##+ (.*)$/gm)].map(([, title = ""]) =>
      title.toLowerCase().replaceAll(/[^\w\s-]/g, "").replaceAll(" ", "-")
    )
    for (const { alert, annotations } of rules) {
      const [page, anchor = ""] = annotations.runbook.split("#")
      assert.strictEqual(page, "docs/runbook.md", alert)
      assert.include(anchors, anchor, alert)
    }
    const listed = [...runbook.matchAll(/^\| `(Understudy\w+)` .*\(#([\w-]+)\)/gm)].map((
      [, alert, anchor]
    ) => [alert, anchor])
    assert.deepStrictEqual(listed, rules.map(({ alert, annotations }) => [alert, annotations.runbook.split("#")[1]]))
  })
})
