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

  it("holds no secret that was quoted as JSON, in a URL or both in part", () => {
    const clean = withoutSecrets([Redacted.make("pa/ss\"+wörd")])
    for (
      const quoted of [
        "pa/ss\"+wörd",
        "pa/ss\\\"+wörd",
        "pa\\/ss\\\"+wörd",
        "pa\\/ss\\u0022\\u002bw\\u00F6rd",
        encodeURIComponent("pa/ss\"+wörd"),
        "pa%2fss\"%2bw%c3%b6rd"
      ]
    ) assert.deepStrictEqual(clean(ok(`no: ${quoted}!`)), ok("no: [secret]!"), quoted)
  })

  it("takes a short secret only for a word of its own", () => {
    const clean = withoutSecrets(["local", "s3cr/"].map((text) => Redacted.make(text)))
    assert.deepStrictEqual(
      clean(ok("local-2, locally: local, //u:s3cr/@h")),
      ok("local-2, locally: [secret], //u:[secret]@h")
    )
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
