/** The report as a browser shows it, in light and in dark, on a phone and on a desk. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { reportHtml } from "../../../src/simulation/report/reportHtml.ts"
import { Browser, look, type Window, withoutBrowser } from "./looks.ts"
import { dayOfSeven, hostile, nobody, sweepOfTen } from "./results.ts"

const windows: ReadonlyArray<Window> = (["light", "dark"] as const).flatMap((scheme) =>
  [390, 1280].map((width) => ({ scheme, width }))
)
const results = {
  "a day of seven strategies": dayOfSeven(),
  "a sweep": sweepOfTen(),
  "hostile names": hostile(),
  nobody: nobody()
}

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

describe.skipIf(withoutBrowser)("with Chromium, at /usr/bin/chromium or where CHROMIUM says", () => {
  layer(Browser.layer, live)("the report in a browser", (it) => {
    for (const window of windows) {
      it.effect(`can be read in ${window.scheme}, ${window.width} pixels wide`, () =>
        Effect.gen(function*() {
          for (const [name, result] of Object.entries(results)) {
            const looks = yield* look(reportHtml(result), window)
            assert.deepStrictEqual([looks.said, looks.asked, looks.wrong], [[], [], []], name)
            assert.isAtMost(looks.tooWide, 0, name)
            assert.strictEqual(looks.pictures, 3 * result.rows.length, name)
            assert.isAbove(looks.texts, 10 * result.rows.length, name)
            assert.isAtLeast(looks.smallest, 11, name)
            assert.strictEqual(looks.ground, window.scheme === "dark" ? "rgb(20, 23, 28)" : "rgb(255, 255, 255)")
          }
        }), 120_000)
    }

    it.effect(
      "shows what the look would find: a look that finds nothing must be able to",
      () =>
        Effect.gen(function*() {
          const broken = reportHtml(dayOfSeven())
            .replace("--soft: #5a6370", "--soft: #c8ccd2")
            .replace("</main>", `<p style="width: 3000px">wide</p><img src="https://example.com/x.png"></main>`)
            .replace("role=\"img\"", "role=\"none\"")
            .replace(/<text class="tick" x="[^"]*"/, `<text class="tick" x="900"`)
          const looks = yield* look(broken, { scheme: "light", width: 390 })
          assert.isAbove(looks.tooWide, 100)
          assert.isNotEmpty(looks.said)
          for (const what of [/contrast of 1/, /has no role/, /leaves its picture/]) {
            assert.isTrue(looks.wrong.some((sentence) => what.test(sentence)), String(what))
          }
        }),
      120_000
    )
  })
})
