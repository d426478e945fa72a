/** How much of one strategy failed when, with the trouble behind it, and below it what its circuit was. */
import { shortened } from "../../domain/similarity/Subject.ts"
import type { SimulationResult, StrategyResult, TimelinePart } from "../run/Result.ts"
import { duration, failureRate, fullTitle, moment, percent } from "./Figures.ts"
import { runsOf } from "./Lane.ts"
import { at, left, lineOf, picture, placeOf, rect, right, text, textWidth, timeAxis } from "./svg.ts"
import { labelsOf, type Trouble, troublesOf } from "./Trouble.ts"

const plotHeight = 110
const laneHeight = 16

/** The same scale for all, so that they can be compared. */
const highestRate = ({ rows }: SimulationResult): number => {
  const most = Math.max(0, ...rows.flatMap(({ timeline }) => timeline.map((part) => failureRate(part) ?? 0)))
  return [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5].find((rate) => rate >= most) ?? 1
}

/** The part in which the most failed; undefined when none did. */
const worstOf = ({ timeline }: StrategyResult): TimelinePart | undefined =>
  timeline.filter(({ failed }) => failed > 0)
    .toSorted((a, b) => (failureRate(b) ?? 0) - (failureRate(a) ?? 0))[0]

/** "failed 1.23 %, at worst 4.20 % at 10:15". */
export const failedInWords = (row: StrategyResult): string => {
  const worst = worstOf(row)
  return `failed ${percent(failureRate(row))}${
    worst === undefined ? "" : `, at worst ${percent(failureRate(worst))} at ${moment(worst.fromMillis)}`
  }`
}

export const timePicture = (result: SimulationResult, row: StrategyResult, id: string): string => {
  const end = result.scenario.durationMillis
  const troubles = troublesOf(result.scenario)
  const rows = (["provider", "database"] as const).filter((of) => troubles.some((trouble) => trouble.of === of))
  const top = 8 + rows.length * 15
  const bottom = top + plotHeight
  const lane = bottom + 8
  const most = highestRate(result)
  return picture({
    id,
    height: lane + laneHeight + 24,
    title: `Failures of ${fullTitle(row)} over time`,
    description: described(row, troubles, end),
    body: troubles.map((trouble) => shade(trouble, end, top, bottom)).join("")
      + rateAxis(most, top, bottom)
      + curve(row.timeline, end, (rate) => bottom - Math.min(1, rate / most) * plotHeight)
      + rows.map((of, index) => names(troubles, of, end, 14 + index * 15)).join("")
      + laneOf(row, end, lane)
      + timeAxis(end, lane + laneHeight + 3)
  })
}

const described = (row: StrategyResult, troubles: ReadonlyArray<Trouble>, end: number): string =>
  `${row.timeline.length} parts of ${duration(end)}: ${failedInWords(row)}. ${
    troubles.length === 0 ? "Nothing is shaded." : `Shaded: ${troubles.map(({ what }) => what).join(", ")}.`
  } ${
    row.circuit.length === 0 ?
      "There is no circuit." :
      `Below: the circuit, open or half-open for ${duration(row.openMillis)}.`
  }`

const shade = (trouble: Trouble, end: number, top: number, bottom: number): string =>
  trouble.times.map(({ fromMillis, toMillis }) => {
    const x = placeOf(fromMillis, end)
    return rect(`trouble ${trouble.of}`, x, top, Math.max(1.5, placeOf(toMillis, end) - x), bottom - top)
  }).join("")

const names = (troubles: ReadonlyArray<Trouble>, of: Trouble["of"], end: number, y: number): string =>
  labelsOf(
    troubles.flatMap((trouble, index) =>
      trouble.of === of
        ? trouble.times.map(({ fromMillis, toMillis }) => ({
          name: shortened(trouble.what, 24),
          number: index + 1,
          x: (placeOf(fromMillis, end) + placeOf(toMillis, end)) / 2
        }))
        : []
    ),
    left,
    right,
    textWidth
  ).map((label) => text("label", label.x, y, "middle", label.text)).join("")

const rateAxis = (most: number, top: number, bottom: number): string =>
  [0, 0.5, 1].map((part) => {
    const y = bottom - part * (bottom - top)
    return lineOf(part === 0 ? "axis" : "grid", left, y, right, y)
      + text("tick", left - 6, y + 4, "end", `${Number((part * most * 100).toPrecision(3))} %`)
  }).join("")

/** Steps, for a part is a whole and not a point; none where nobody asked. */
const curve = (timeline: ReadonlyArray<TimelinePart>, end: number, y: (rate: number) => number): string => {
  const runs: Array<Array<string>> = [[]]
  const areas: Array<string> = []
  for (const [index, part] of timeline.entries()) {
    const rate = failureRate(part)
    if (rate === undefined) {
      runs.push([])
      continue
    }
    const from = at(placeOf(part.fromMillis, end))
    const to = at(placeOf(timeline[index + 1]?.fromMillis ?? end, end))
    const height = at(y(rate))
    runs.at(-1)?.push(`${from},${height}`, `${to},${height}`)
    if (rate > 0) areas.push(`M${from},${at(y(0))}V${height}H${to}V${at(y(0))}Z`)
  }
  return `<path class="failed-area" d="${areas.join("")}"/>`
    + runs.filter((points) => points.length > 0)
      .map((points) => `<polyline class="failed-line" points="${points.join(" ")}"/>`).join("")
}

/** Open is high, half-open is half as high and hatched, closed is a thin line: no colour is needed to tell them apart. */
const laneOf = (row: StrategyResult, end: number, top: number): string => {
  if (row.circuit.length === 0) return text("tick", left, top + 12, "start", "no circuit")
  const bottom = top + laneHeight
  const parts = right - left
  return text("tick", left - 6, top + 12, "end", "circuit")
    + runsOf(row.circuit, end, parts).map(({ from, state, to }) =>
      state === "Closed"
        ? rect("closed", left + from, bottom - 2, to - from, 2)
        : state === "HalfOpen"
        ? rect("half-open", left + from, bottom - laneHeight / 2, to - from, laneHeight / 2)
        : rect("open", left + from, top, to - from, laneHeight)
    ).join("")
}
