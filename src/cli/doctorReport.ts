/** What `understudy doctor` has found, for people and for programs. */
import { Redacted, Schema } from "effect"
import { secretPattern } from "../domain/text/Secrets.ts"
import { counted } from "../domain/text/Table.ts"
import { version } from "../version.ts"

const Check = Schema.Literals([
  "configuration",
  "address",
  "keys",
  "callbacks",
  "templates",
  "trace",
  "telemetry",
  "database",
  "provider",
  "embedder"
])
export type Check = typeof Check.Type

const Finding = Schema.Struct({
  check: Check,
  status: Schema.Literals(["ok", "warning", "failed", "not_checked"]),
  found: Schema.String,
  /** What to do; absent where nothing has to be done. */
  advice: Schema.optionalKey(Schema.String)
})
export type Finding = typeof Finding.Type

/** What `--json` prints. New fields and new checks may come; what is here stays. */
export const Report = Schema.Struct({
  version: Schema.String,
  /** Nothing has failed. */
  ok: Schema.Boolean,
  failed: Schema.Int,
  warnings: Schema.Int,
  not_checked: Schema.Int,
  findings: Schema.Array(Finding)
})
export type Report = typeof Report.Type

export const reportOf = (findings: ReadonlyArray<Finding>): Report => {
  const having = (status: Finding["status"]) => findings.filter((finding) => finding.status === status).length
  const failed = having("failed")
  return {
    version,
    ok: failed === 0,
    failed,
    warnings: having("warning"),
    not_checked: having("not_checked"),
    findings
  }
}

/** The findings of one check. */
export const findingsOf = (check: Check) => ({
  ok: (found: string): Finding => ({ check, status: "ok", found }),
  warning: (found: string, advice: string): Finding => ({ check, status: "warning", found, advice }),
  failed: (found: string, advice: string): Finding => ({ check, status: "failed", found, advice }),
  notChecked: (why: string): Finding => ({ check, status: "not_checked", found: why })
})

const words = { ok: "ok", warning: "warning", failed: "FAILED", not_checked: "not checked" } as const

export const reportText = ({ failed, findings, not_checked, warnings }: Report): string => {
  const lines = findings.flatMap(({ advice, check, found, status }) => [
    line(words[status], check, found),
    ...advice === undefined ? [] : [line("", "", `-> ${advice}`)]
  ])
  const summary = [
    ...failed > 0 ? [`${failed} failed`] : [],
    ...warnings > 0 ? [counted(warnings, "warning")] : [],
    ...not_checked > 0 ? [`${not_checked} not checked`] : []
  ]
  return `${lines.join("\n")}\n\n${summary.length === 0 ? "All is well." : `${summary.join(", ")}.`}`
}

/** Text of several lines stays in its column. */
const line = (status: string, check: string, text: string): string =>
  `${status.padEnd(11)}  ${check.padEnd(13)}  ${text.replaceAll("\n", `\n${" ".repeat(28)}`)}`

/** Whatever others have quoted, and however: none of the configured secrets leaves this process. */
export const withoutSecrets = (secrets: ReadonlyArray<Redacted.Redacted>) => {
  const patterns = [...new Set(secrets.map(Redacted.value))]
    .filter((value) => value.length >= 4)
    .sort((a, b) => b.length - a.length)
    .map(secretPattern)
  const clean = (text: string) => patterns.reduce((safe, pattern) => safe.replaceAll(pattern, "[secret]"), text)
  return (finding: Finding): Finding => ({
    ...finding,
    found: clean(finding.found),
    ...finding.advice !== undefined && { advice: clean(finding.advice) }
  })
}
