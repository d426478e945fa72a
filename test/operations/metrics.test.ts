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
