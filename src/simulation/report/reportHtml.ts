/** A simulation as one HTML file: no script, nothing from elsewhere, to be mailed and kept. */
import { escaped } from "../../domain/text/Html.ts"
import type { SimulationResult, StrategyResult } from "../run/Result.ts"
import {
  callsPerRequest,
  duration,
  failureRate,
  fullTitle,
  line,
  openTime,
  percent,
  ratio,
  requestsOf,
  shareOf,
  waitingTime
} from "./Figures.ts"
import { sources, sourcesPicture } from "./sourcesPicture.ts"
import { patterns, style } from "./style.ts"
import { failedInWords, timePicture } from "./timePicture.ts"
import { inWords, troublesOf } from "./Trouble.ts"
import { waitingPicture } from "./waitingPicture.ts"

/** The same result gives the same page, byte for byte. */
export const reportHtml = (result: SimulationResult): string => {
  const { rows, scenario, seed } = result
  const name = escaped(line(scenario.name))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Simulation of ${name}</title>
<style>${style}</style>
</head>
<body>
${patterns}
<main>
<h1>Simulation of ${name}</h1>
<p>${escaped(line(scenario.about))}</p>
<p class="facts">Seed ${escaped(line(seed))}; ${requestsOf(result)} requests in ${
    duration(scenario.durationMillis)
  }.</p>
${rows.length === 0 ? "<p>No strategy has run.</p>" : sections(result)}
</main>
</body>
</html>
`
}

const sections = (result: SimulationResult): string =>
  `<h2>What the users got</h2>
${
    legend([...sources.map((source) => [`${source} ground`, source, `${source} pattern`] as const), [
      "wrong",
      "of these, on the wrong subject"
    ]])
  }
<div class="bars">
${figures(result.rows, (row, index) => `${caption(row, gotInWords(row))}${sourcesPicture(row, `sources-${index}`)}`)}
</div>
${table(result.rows)}
<h2>When it failed</h2>
<p>The share of the requests of each time that failed, all on one scale; below it the strategy's circuit. Times in hours
and minutes from the beginning.</p>
${
    legend([
      ...keysOfTrouble(result),
      ["open", "circuit open"],
      ["half-open", "half-open"],
      ["closed", "closed"]
    ])
  }
${troubleList(result)}
<div class="pictures">
${
    figures(
      result.rows,
      (row, index) => `${caption(row, failedInWords(row))}${timePicture(result, row, `time-${index}`)}`
    )
  }
</div>
<h2>How long they waited</h2>
<p>Until an answer, an error, or giving up. The time has one scale for all, the height one for each.</p>
<div class="pictures">
${figures(result.rows, (row, index) => `${caption(row)}${waitingPicture(result, row, `waiting-${index}`)}`)}
</div>`

const figures = (rows: ReadonlyArray<StrategyResult>, body: (row: StrategyResult, index: number) => string): string =>
  rows.map((row, index) => `<figure>${body(row, index)}</figure>`).join("\n")

const caption = (row: StrategyResult, more = ""): string =>
  `<figcaption><b>${escaped(fullTitle(row))}</b>${more === "" ? "" : `<br>${escaped(more)}`}</figcaption>`

const gotInWords = (row: StrategyResult): string =>
  `failed ${percent(failureRate(row))}, wrong subject ${percent(shareOf(row.wrongSubject, row.requests))}`

/** A shape of the pictures, and what it stands for; a second one lies upon it. */
type Key = readonly [className: string, label: string, upon?: string]

const legend = (keys: ReadonlyArray<Key>): string =>
  `<ul class="legend">${
    keys.map(([className, label, upon]) =>
      `<li><svg class="key" viewBox="0 0 28 16" aria-hidden="true">${shapeOf(className)}${
        upon === undefined ? "" : shapeOf(upon)
      }</svg>${escaped(label)}</li>`
    ).join("")
  }</ul>`

/** As high as in the pictures. */
const shapeOf = (className: string): string => {
  const height = className === "closed" ? 2 : className === "half-open" || className === "wrong" ? 8 : 15
  return `<rect class="${className}" x=".5" y="${15.5 - height}" width="27" height="${height}"/>`
}

const keysOfTrouble = ({ scenario }: SimulationResult): ReadonlyArray<Key> => {
  const troubles = troublesOf(scenario)
  return (["provider", "database"] as const).filter((of) => troubles.some((trouble) => trouble.of === of))
    .map((of) => [`trouble ${of}`, `trouble of the ${of}`])
}

/** Numbered, as some of them have room for no more than their number in the pictures. */
const troubleList = ({ scenario }: SimulationResult): string => {
  const troubles = troublesOf(scenario)
  return troubles.length === 0
    ? "<p>Nothing out of the usual happened.</p>"
    : `<ol class="troubles">${troubles.map((trouble) => `<li>${escaped(inWords(trouble))}</li>`).join("")}</ol>`
}

const columns: ReadonlyArray<readonly [head: string, cell: (row: StrategyResult) => string]> = [
  ["failed", (row) => percent(failureRate(row))],
  ["failed after 1 min", ({ afterFirstMinute: { failed, requests } }) => percent(shareOf(failed, requests))],
  ["live", (row) => percent(shareOf(row.live, row.requests))],
  ["cache", (row) => percent(shareOf(row.cache, row.requests))],
  ["template", (row) => percent(shareOf(row.template, row.requests))],
  ["wrong subject", (row) => percent(shareOf(row.wrongSubject, row.requests))],
  ["p50", (row) => waitingTime(row, "p50")],
  ["p95", (row) => waitingTime(row, "p95")],
  ["p99", (row) => waitingTime(row, "p99")],
  ["calls per request", (row) => ratio(callsPerRequest(row))],
  ["429s", ({ rateLimited }) => String(rateLimited)],
  ["bans", ({ bans }) => String(bans)],
  ["time open", openTime]
]

const table = (rows: ReadonlyArray<StrategyResult>): string =>
  `<p class="facts" id="figures">p50, p95, p99: of the waiting. Calls: to the provider. Open: its circuit, half-open too; -: there is none.</p>
<div class="wide" role="region" aria-label="All figures" aria-describedby="figures" tabindex="0"><table>
<thead><tr><th scope="col">strategy</th>${
    columns.map(([head]) => `<th scope="col">${escaped(head)}</th>`).join("")
  }</tr></thead>
<tbody>
${
    rows.map((row) =>
      `<tr><th scope="row">${escaped(fullTitle(row))}</th>${
        columns.map(([, cell]) => `<td>${escaped(cell(row))}</td>`).join("")
      }</tr>`
    ).join("\n")
  }
</tbody>
</table></div>`
