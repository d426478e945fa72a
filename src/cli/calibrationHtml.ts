/** A calibration as one HTML file: no script, nothing from elsewhere, to be mailed and kept. */
import { isServed, kindsOf, type ScoredPair } from "../domain/similarity/Calibration.ts"
import { escaped, foreign } from "../domain/text/Html.ts"
import { distributions, shares, wrongs } from "./calibrationCharts.ts"
import { type Calibration, guardMatters, recommended, rowsOf, shown } from "./calibrationResult.ts"
import { adviceOn, interval, percent } from "./calibrationText.ts"

/** Pairs in a list, and characters of a prompt in it. */
const listed = 20
const promptLength = 300

export const calibrationHtml = (calibration: Calibration): string => {
  const { embedder, file, pairs } = calibration
  const same = pairs.filter((pair) => pair.same).length
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Calibration of ${escaped(embedder)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Calibration of ${escaped(embedder)}</h1>
<p>${pairs.length} pairs of ${escaped(file)}: ${same} are the same wish, ${pairs.length - same} are not.</p>
<div class="advice">
${adviceOn(calibration).map((sentence) => `<p>${escaped(sentence)}</p>`).join("\n")}
</div>
<h2>What each threshold serves</h2>
<figure>${shares(calibration)}<figcaption>Bands: 95 % Wilson intervals.</figcaption></figure>
<figure>${wrongs(calibration)}<figcaption>The wrongly served once more, enlarged.</figcaption></figure>
${table(calibration)}
<h2>How similar the pairs are</h2>
<figure>${distributions(calibration)}<figcaption>${
    guardMatters(calibration) ? "Hatched: refused by the guard, at any threshold. " : ""
  }Each row has its own scale.</figcaption></figure>
${lists(calibration)}
</main>
</body>
</html>
`
}

const table = (calibration: Calibration): string => {
  const kinds = kindsOf(calibration.pairs)
  const withGuard = guardMatters(calibration)
  const head = [
    "threshold",
    "served",
    "right",
    "wrong",
    "wrong, 95 % interval",
    ...withGuard ? ["wrong without the guard"] : [],
    ...kinds
  ]
  const rows = rowsOf(calibration).map(({ note, outcome }) => {
    const cells = [
      percent(outcome.served.share),
      percent(outcome.right.share),
      percent(outcome.wrong.share),
      interval(outcome.wrong),
      ...withGuard ? [percent(outcome.unguarded.wrong.share)] : [],
      ...outcome.kinds.map(({ served }) => `${served.count}/${served.of}`)
    ]
    return `<tr${note === "" ? "" : " class=\"marked\""}><th scope="row">${shown(outcome.threshold)}${
      note === "" ? "" : ` <small>${escaped(note)}</small>`
    }</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`
  })
  return `<div class="wide"><table class="figures">
<caption>Right: of the pairs that are the same wish, the share that is served. Wrong: of the others.</caption>
<thead><tr>${head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join("")}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table></div>`
}

/** The pairs to look at, at the recommended threshold, or else at the one that is set. */
const lists = (calibration: Calibration): string => {
  const threshold = recommended(calibration) ?? calibration.current
  const { pairs } = calibration
  const nearestFirst = (list: ReadonlyArray<ScoredPair>) => list.toSorted((a, b) => b.similarity - a.similarity)
  const different = nearestFirst(pairs.filter((pair) => !pair.same))
  const same = nearestFirst(pairs.filter((pair) => pair.same)).toReversed()
  return [
    list(
      `Wrongly served at ${shown(threshold)}`,
      "The most alike first.",
      different.filter((pair) => isServed(pair, threshold))
    ),
    list(
      `The nearest that are rightly refused at ${shown(threshold)}`,
      "Different pairs that no more than the threshold keeps apart, the most alike first.",
      different.filter((pair) => pair.objection === undefined && pair.similarity < threshold).slice(0, listed)
    ),
    list(
      `Wrongly missed at ${shown(threshold)}`,
      "The least alike first.",
      same.filter((pair) => pair.objection === undefined && pair.similarity < threshold)
    ),
    list(
      "Wrongly refused by the guard",
      "The same wish, and the guard sees a difference. No threshold changes that.",
      same.filter((pair) => pair.objection !== undefined)
    )
  ].join("\n")
}

const list = (title: string, what: string, pairs: ReadonlyArray<ScoredPair>): string => {
  const rows = pairs.slice(0, listed).map(({ a, b, kind, objection, similarity }) =>
    `<tr><td>${similarity.toFixed(3)}</td><td>${foreign(kind, promptLength)}${
      objection === undefined ? "" : `<br><small>guard: ${escaped(objection)}</small>`
    }</td><td>${foreign(a, promptLength)}</td><td>${foreign(b, promptLength)}</td></tr>`
  )
  const more = pairs.length - rows.length
  return `<section>
<h2>${escaped(title)} (${pairs.length})</h2>
${
    rows.length === 0
      ? "<p>None.</p>"
      : `<p>${escaped(what)}${more > 0 ? ` ${more} more are not shown.` : ""}</p>
<div class="wide"><table class="pairs"><thead><tr><th scope="col">similarity</th><th scope="col">kind</th>`
        + `<th scope="col">one prompt</th><th scope="col">the other</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table></div>`
  }
</section>`
}

const style = `
:root { color-scheme: light dark; --ground: #ffffff; --text: #1b1f24; --soft: #5a6370; --line: #d5d9df;
  --right: #0055b8; --wrong: #a84300; --best: #1b1f24; --box: #eef3fa; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171c; --text: #e8eaed; --soft: #a9b1bd; --line: #3a414c;
    --right: #7db4ff; --wrong: #ffab5e; --best: #ffffff; --box: #1f2733; }
}
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
.advice { background: var(--box); border-left: 4px solid var(--right); padding: .25rem 1rem; }
figure { margin: 1rem 0; } figcaption, caption, small { color: var(--soft); font-size: .875rem; }
caption { text-align: left; padding: .5rem 0; }
svg { width: 100%; height: auto; } svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
svg .tick { fill: var(--soft); } .grid { stroke: var(--line); }
.label { paint-order: stroke; stroke: var(--ground); stroke-width: 3px; stroke-linejoin: round; }
.curve { fill: none; stroke-width: 2.5; } .band { opacity: .18; }
.curve.right { stroke: var(--right); } .band.right { fill: var(--right); }
.curve.wrong { stroke: var(--wrong); stroke-dasharray: 8 4; } .band.wrong { fill: var(--wrong); }
.curve.bare { stroke: var(--wrong); stroke-width: 2; stroke-dasharray: 2 3; }
.best { stroke: var(--best); stroke-width: 2; } .now { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 4 3; }
.wanted { stroke: var(--text); stroke-dasharray: 1 3; }
.bar.right { fill: var(--right); } .bar.wrong { fill: var(--wrong); }
.bar.refused { fill: url(#hatch); stroke: var(--soft); stroke-width: .5; }
.hatch-ground { fill: var(--ground); } .hatch-line { stroke: var(--soft); stroke-width: 2; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: right; vertical-align: top; }
th:first-child, .pairs th, .pairs td { text-align: left; } td { font-variant-numeric: tabular-nums; }
.figures td { white-space: nowrap; }
.pairs td:nth-child(n+3) { min-width: 14rem; overflow-wrap: anywhere; } .marked { background: var(--box); }
`
