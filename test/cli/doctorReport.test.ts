/** What stands between what others say and what is printed. */
import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import { findingsOf, reportOf, reportText, withoutSecrets } from "../../src/cli/doctorReport.ts"

const { failed, notChecked, ok } = findingsOf("provider")

describe("a report", () => {
  it("holds no secret, whoever has quoted it and where, the longer ones first", () => {
    const clean = withoutSecrets(["sk-abcdef", "sk-abcdef-ghi", "abc"].map((text) => Redacted.make(text)))
    assert.deepStrictEqual(
      clean(failed("no such key: sk-abcdef-ghi, sk-abcdef", "take sk-abcdef out")),
      failed("no such key: [secret], [secret]", "take [secret] out")
    )
    // So short a text stands everywhere.
    assert.deepStrictEqual(clean(ok("abc")), ok("abc"))
  })

  it("keeps texts of several lines in their column, and says in the end how many of each there are", () => {
    const text = reportText(reportOf([failed("two\nlines", "do"), notChecked("--offline")]))
    const column = " ".repeat(28)
    assert.strictEqual(
      text,
      `FAILED       provider       two\n${column}lines\n${column}-> do\nnot checked  provider       --offline\n\n`
        + "1 failed, 1 not checked."
    )
    assert.match(reportText(reportOf([ok("fine")])), /\n\nAll is well\.$/)
  })
})
