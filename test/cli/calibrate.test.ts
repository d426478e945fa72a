/** `understudy calibrate` as a process, and what its report is made of. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { calibrationHtml } from "../../src/cli/calibrationHtml.ts"
import type { Calibration } from "../../src/cli/calibrationResult.ts"
import { calibrationText } from "../../src/cli/calibrationText.ts"
import { outcomeAt, recommend, type ScoredPair, thresholds } from "../../src/domain/similarity/Calibration.ts"
import { freshDirectory } from "../support/databases.ts"
import { runCommand } from "../support/serviceProcess.ts"

const heldOut = fileURLToPath(new URL("../fixtures/held-out-pairs.jsonl", import.meta.url))

const Result = Schema.fromJsonString(Schema.Struct({
  pairs: Schema.Int,
  embedder: Schema.String,
  recommended: Schema.Finite,
  basis: Schema.Literals(["interval", "estimate", "none"]),
  different_pairs_needed: Schema.Int,
  thresholds: Schema.Array(Schema.Struct({
    threshold: Schema.Finite,
    wrong: Schema.Struct({ count: Schema.Int, of: Schema.Int, low: Schema.Finite, high: Schema.Finite })
  }))
}))

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

layer(Layer.empty, live)("understudy calibrate", (it) => {
  it.effect("prints a table and a recommendation, writes the report, and opens no database", () =>
    Effect.gen(function*() {
      const folder = yield* freshDirectory
      const report = join(folder, "report.html")
      const data = join(folder, "data")
      const { code, stderr, stdout } = yield* runCommand(["calibrate", heldOut, "--html", report], { DATA_DIR: data })
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.match(stdout, /^146 pairs of .*held-out-pairs\.jsonl, 52 the same wish, 94 not; embedder local-2/)
      assert.match(stdout, /^threshold {2}.*paraphrase {2}other subject {2}near miss$/m)
      assert.match(stdout, /Recommended, but not proven: FALLBACK_MIN_SIMILARITY=0\.\d\d\./)
      assert.include(stdout, "takes at least 765 different pairs, none of them served; here are 94")
      assert.match(readFileSync(report, "utf8"), /^<!doctype html>/)
      assert.isFalse(existsSync(data))
    }))

  it.effect("prints JSON for programs, for the wrong rate that is wanted", () =>
    Effect.gen(function*() {
      const { stdout } = yield* runCommand(["calibrate", heldOut, "--json", "--wrong-rate", "0.1"], {})
      const result = yield* Schema.decodeEffect(Result)(stdout)
      assert.deepStrictEqual([result.pairs, result.embedder, result.basis], [146, "local-2", "interval"])
      const at = result.thresholds.find(({ threshold }) => threshold === result.recommended)
      assert.isAtMost(at?.wrong.high ?? 1, 0.1)
    }))

  it.effect("names each line that is no pair, and every file that is not there", () =>
    Effect.gen(function*() {
      const folder = yield* freshDirectory
      const file = join(folder, "pairs.jsonl")
      const said = (text: string) => {
        writeFileSync(file, text)
        return Effect.map(runCommand(["calibrate", file], {}), ({ code, stderr, stdout }) => {
          assert.deepStrictEqual([code, stdout], [1, ""])
          assert.notMatch(stderr, /\n\s+at /)
          return stderr
        })
      }
      const stderr = yield* said([
        "{\"a\":\"x\",\"b\":\"y\",\"same\":true,\"kind\":\"k\"}",
        "not json",
        "{\"a\":\"a secret prompt\",\"same\":true,\"kind\":\"k\"}",
        "{\"a\":\"x\",\"b\":\"y\",\"same\":\"yes\",\"kind\":\"k\"}",
        "[]"
      ].join("\n"))
      assert.include(stderr, `${file}:2: not JSON; expected {"a": "…"`)
      assert.include(stderr, `${file}:3: the field "b" is missing`)
      assert.include(stderr, `${file}:4: the field "same" does not fit`)
      assert.include(stderr, `${file}:5: `)
      assert.notInclude(stderr, "secret")
      assert.include(yield* said("\n \n"), `${file} is empty`)
      const missing = yield* runCommand(["calibrate", join(folder, "none.jsonl")], {})
      assert.deepStrictEqual([missing.code, /none\.jsonl does not exist/.test(missing.stderr)], [1, true])
    }))

  it.effect("says what is wrong with the embedder, without its key", () =>
    Effect.gen(function*() {
      const { code, stderr } = yield* runCommand(["calibrate", heldOut], {
        EMBEDDER: "openai",
        EMBEDDING_BASE_URL: "http://127.0.0.1:1/v1",
        EMBEDDING_API_KEY: "s3cret-key"
      })
      assert.strictEqual(code, 1)
      assert.match(stderr, /openai:text-embedding-3-small.*ECONNREFUSED/)
      assert.notMatch(stderr, /s3cret|\n\s+at /)
    }))

  it.effect("has exit code 2 for wrong usage, and says where the help is", () =>
    Effect.gen(function*() {
      for (
        const args of [["calibrate"], ["nonsense"], ["calibrate", heldOut, "--wrong-rate", "2"], ["cache", "cool"]]
      ) {
        const { code, stderr, stdout } = yield* runCommand(args, {})
        assert.deepStrictEqual([code, stdout], [2, ""], args.join(" "))
        assert.match(stderr, /^understudy: .*\n\(understudy.* --help says how it is used\)\n$/s)
      }
      const help = yield* runCommand(["--help"], {})
      assert.strictEqual(help.code, 0)
      for (const name of ["serve", "calibrate", "templates", "cache"]) assert.include(help.stdout, name)
    }))
})

const calibrationOf = (pairs: ReadonlyArray<ScoredPair>, more: Partial<Calibration> = {}): Calibration => {
  const outcomes = thresholds.map((threshold) => outcomeAt(pairs, threshold))
  const recommendation = recommend(outcomes, 0.005)
  return {
    file: "pairs.jsonl",
    embedder: "local-2",
    pairs,
    outcomes,
    recommendation,
    wrongRate: 0.005,
    current: 0.88,
    ...more
  }
}

const pairs: ReadonlyArray<ScoredPair> = [
  {
    a: "a <script>alert(1)</script>",
    b: "b & \"c\"",
    same: true,
    kind: "para<phrase",
    similarity: 0.4,
    objection: undefined
  },
  { a: "\u202Eturned", b: "\0nul", same: false, kind: "other", similarity: 0.95, objection: "number" },
  { a: "wrongly", b: "served", same: false, kind: "other", similarity: 1, objection: undefined },
  { a: "right", b: "guarded", same: true, kind: "para<phrase", similarity: 0.99, objection: "number" }
]

describe("the report", () => {
  const html = calibrationHtml(calibrationOf(pairs, { file: "<b>.jsonl", embedder: "openai:\"m\"" }))

  it("holds foreign text as text", () => {
    assert.notMatch(html, /<script|<b>|\u202E|\0/)
    assert.include(html, "a &lt;script&gt;alert(1)&lt;/script&gt;")
    assert.include(html, "b &amp; &quot;c&quot;")
    assert.include(html, "para&lt;phrase")
    assert.include(html, "openai:&quot;m&quot;")
  })

  it("needs no script and nothing from elsewhere", () => {
    assert.notMatch(html, /https?:|<link|<img|@import|url\((?!#)|src=|href=|\son\w+=/)
    assert.include(html, "default-src 'none'")
  })

  it("suits light and dark, and names its pictures for those who do not see them", () => {
    assert.include(html, "color-scheme: light dark")
    assert.include(html, "@media (prefers-color-scheme: dark)")
    const pictures = [...html.matchAll(/<svg [^>]*role="img" aria-labelledby="([\w-]+) ([\w-]+)">/g)]
    assert.strictEqual(pictures.length, 3)
    for (const [, title = "", description = ""] of pictures) {
      assert.match(html, new RegExp(`<title id="${title}">[^<]+</title>`))
      assert.match(html, new RegExp(`<desc id="${description}">[^<]+</desc>`))
    }
    assert.match(html, /<html lang="en">/)
  })

  it("is well-formed, with every id once and no number that is none", () => {
    const open: Array<string> = []
    for (const [, slash, name = "", rest = ""] of html.matchAll(/<(\/?)([a-z0-9]+)([^>]*)>/gi)) {
      if (["meta", "br"].includes(name) || rest.endsWith("/")) continue
      if (slash === "") open.push(name)
      else assert.strictEqual(open.pop(), name)
    }
    assert.deepStrictEqual(open, [])
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    assert.strictEqual(new Set(ids).size, ids.length)
    assert.notMatch(html, /NaN|Infinity|undefined/)
  })

  it("lists what is served wrongly, missed wrongly, and refused by the guard", () => {
    assert.include(html, "Wrongly served at 0.88 (1)")
    assert.include(html, "Wrongly missed at 0.88 (1)")
    assert.include(html, "Wrongly refused by the guard (1)")
    assert.include(html, "guard: number")
  })

  it("can be made of any pairs, without any of a sort, too", () => {
    for (const some of [pairs.filter(({ same }) => same), pairs.filter(({ same }) => !same), pairs.slice(0, 1)]) {
      assert.notMatch(calibrationHtml(calibrationOf(some)), /NaN|Infinity|undefined/)
      assert.notMatch(calibrationText(calibrationOf(some)), /NaN|Infinity|undefined/)
    }
  })

  it("says so when nothing can be recommended", () => {
    assert.include(
      calibrationText(calibrationOf(pairs)),
      "No recommendation: no threshold keeps the wrong rate within 0.50 %"
    )
    assert.include(
      calibrationText(calibrationOf(pairs.filter(({ same }) => same))),
      "No recommendation: without pairs that are not the same wish"
    )
  })
})
